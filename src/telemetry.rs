//! Log lines and metrics: one JSON object per line on standard output, for CloudWatch.
//!
//! No line contains a prompt, a reply, a credential, a signed URL, or text written by the agent or
//! by AWS.

pub(crate) mod connection;
pub(crate) mod deployment;
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
    PANICKED, invocation_refused, no_invocation, response_not_accepted, status_unknown, timestamp,
};
pub use metrics::{METRICS, Metric, Metrics, metrics_namespace};
pub use output::Output;
pub use printable::printable;
