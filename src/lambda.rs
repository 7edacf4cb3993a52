//! The API as an AWS Lambda function.
//!
//! ```text
//! worker (the loop) → call (gateway's event → api → gateway's answer) → worker → Lambda
//! ```
//!
//! The loop is our own: that of the runtime library makes its connection to Lambda itself, and waits
//! on it for acknowledgements; it keeps what a caller who has gone had asked for; and it ends the
//! process, or a worker of it, over one odd answer.

mod answer;
mod call;
mod deadline;
mod mode;
mod run;
mod runtime_api;
mod stopping;
mod worker;

pub use mode::InvokeMode;
pub use run::{Error, NOT_ON_LAMBDA, is_here, metrics, report_init_error, run, runtime};
