//! The API as an AWS Lambda function.
//!
//! ```text
//! worker (the loop) → call (gateway event → api → gateway response) → worker → Lambda
//!
//! The loop is our own, since that of the `lambda_runtime` crate has faults that matter here: it
//! opens its connection to Lambda itself and waits for TCP acknowledgements on it (Nagle's
//! algorithm); it keeps what it holds for a caller who has gone; and one malformed message ends its
//! process, or one of its workers.

mod call;
mod deadline;
mod hook;
mod mode;
mod response;
mod run;
mod runtime_api;
mod shutdown;
mod worker;

pub use mode::InvokeMode;
pub use run::{Error, NOT_ON_LAMBDA, is_here, metrics, report_init_error, run, run_hook, runtime};
