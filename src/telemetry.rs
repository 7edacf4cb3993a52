//! What the program says about itself: one JSON object a line on standard output, for CloudWatch.
//!
//! No line holds a prompt, a reply, a credential, a signed URL, or words of the agent's or of AWS.

pub(crate) mod end_session;
mod events;
pub(crate) mod invocation;
mod level;
mod line;
mod log;
mod metrics;
mod output;
mod printable;
pub(crate) mod request;

pub use events::{EVENTS, LogEvent};
pub use level::LogLevel;
#[cfg(test)]
pub(crate) use line::JsonLines;
pub use log::{
    LogFormat, configuration_error, fatal, init, misconfigured_agents, report_early_panics,
};
pub(crate) use log::{
    PANICKED, answer_not_taken, invocation_refused, no_invocation, status_unknown, timestamp,
};
pub use metrics::{METRICS, Metric, Metrics, metrics_namespace};
pub use output::Output;
pub use printable::printable;
