//! Sets up logging, and writes the lines that belong to no invocation.

use std::error::Error;
use std::io;
use std::panic::PanicHookInfo;
use std::time::{Duration, SystemTime};

use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::events;
use super::invocation::Told;
use super::level::LogLevel;
use super::line::JsonLines;
use super::output::Output;
use super::printable::printable;
use super::request::RequestIds;
use crate::agent::{AgentId, AgentRegistry};
use crate::agentcore::error::Failure;
use crate::env::ConfigError;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON, for CloudWatch.
    Json,
    /// Text, for a person at a terminal.
    Text,
}

/// Starts logging. `now` is the clock by which lines are dated. Our own code logs at `level`,
/// libraries at `warn` at most. A panic is logged with its place but without its message, which may
/// quote a prompt.
pub fn init(level: LogLevel, format: LogFormat, now: fn() -> SystemTime) {
    let level = LevelFilter::from(level);
    let ours = env!("CARGO_CRATE_NAME");
    // These libraries quote the responses of credential providers. Failures of credentials are
    // logged in our own words.
    let silent = [
        "aws_config",
        "aws_smithy_runtime",
        "aws_smithy_http_client",
        "aws_runtime",
    ];
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(ours, level)
        .with_targets(silent.map(|target| (target, LevelFilter::OFF)));
    let lines = match format {
        LogFormat::Json => JsonLines::to_stdout(now).boxed(),
        LogFormat::Text => text_lines(|| TextLines).boxed(),
    };
    // A second call in one process, as in tests, keeps the first subscriber.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
    std::panic::set_hook(Box::new(report_panic));
}

/// A line for a person: the event, then its fields as they are.
pub(super) fn text_lines<S>(
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer()
        .compact()
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(writer)
}

/// Says where the program panics before [`init`], when there is no log yet; `now` dates the line.
pub fn report_early_panics(now: fn() -> SystemTime) {
    std::panic::set_hook(Box::new(move |panic| {
        let line = serde_json::json!({
            "timestamp": timestamp(now()),
            "level": "ERROR",
            "message": events::PANICKED,
            "place": place(panic),
        });
        Output.line(line.to_string());
    }));
}

/// Standard output for `tracing_subscriber`, which writes one line at a time.
struct TextLines;

impl io::Write for TextLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A line may contain untrusted text, which must not break it up.
        let text = String::from_utf8_lossy(line);
        Output.line(printable(text.trim_end_matches('\n')));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs the place of a panic. Its message may quote a prompt, so it is left out.
fn report_panic(panic: &PanicHookInfo<'_>) {
    error!(message = events::PANICKED, place = place(panic));
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location();
    place.map(ToString::to_string).unwrap_or_default()
}

/// Logs that lines were dropped because standard output was full.
pub(super) fn lines_dropped(lines: u64) {
    warn!(message = events::LINES_LOST, lines);
}

/// Formats a time by RFC 3339.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let time = aws_smithy_types::DateTime::from(time);
    // Only years before 0 and after 9999 cannot be formatted.
    time.fmt(aws_smithy_types::date_time::Format::DateTime)
        .unwrap_or_default()
}

/// The log line of a configuration error. It is built by hand, since logging may not have been set
/// up.
pub fn configuration_error(error: &ConfigError, now: SystemTime) -> String {
    serde_json::json!({
        "timestamp": timestamp(now),
        "level": "ERROR",
        "message": error.to_string(),
        "variable": error.variable,
    })
    .to_string()
}

/// The log line of an error that ends the function, likewise built by hand.
pub fn fatal(error: &(dyn Error + 'static), now: SystemTime) -> String {
    serde_json::json!({
        "timestamp": timestamp(now),
        "level": "ERROR",
        "message": causes(error),
    })
    .to_string()
}

/// Logs that getting an invocation failed for the n-th time in a row. It is tried again after
/// `delay`.
pub(crate) fn no_invocation(failures: u32, delay: Duration, error: &(dyn Error + 'static)) {
    let causes = causes(error);
    let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    warn!(
        message = events::NO_INVOCATION,
        failures,
        delayMs = delay,
        causes
    );
}

/// Logs that Lambda did not accept a response completely, mostly since its caller has gone.
pub(crate) fn response_not_accepted(request_id: &str, error: &(dyn Error + 'static)) {
    let causes = causes(error);
    RequestIds::new(request_id, None).sync_scope(|| {
        warn!(message = events::NOT_TAKEN, causes);
    });
}

/// Logs at the start which agents cannot be invoked.
pub fn misconfigured_agents(agents: &AgentRegistry) {
    for agent in agents.iter() {
        if let Err(cause) = &agent.runtime {
            let cause = cause.to_string();
            error!(
                agentId = agent.id.as_str(),
                cause,
                message = events::MISCONFIGURED
            );
        }
    }
}

/// The error code and status that a caller gets after a panic.
pub(crate) const PANICKED: Told = Told {
    code: "InternalError",
    status: 500,
};

/// Logs that a request was refused before an invocation began.
pub(crate) fn invocation_refused(code: &'static str, status: u16, causes: &str) {
    info!(message = events::FAILED, errorCode = code, status, causes);
}

/// Logs that an agent's status could not be determined.
pub(crate) fn status_unknown(agent: &AgentId, error: &(dyn Error + 'static)) {
    let causes = causes(error);
    warn!(agentId = agent.as_str(), causes, "agent status unknown");
}

/// Whether the operator has to fix a failure. All others are the agent's or AWS's.
pub(super) fn is_ours(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::MalformedArn | Failure::NoCredentials | Failure::Unsignable
    )
}

/// An error and its chain of causes, separated by colons.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // An error that only wraps another has its words.
        if words != last {
            text.push_str(": ");
            text.push_str(&words);
            last = words;
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn every_cause_of_a_failure_is_logged() {
        use crate::agentcore::error::{Failure, InvocationError, Phase};

        #[derive(Debug, thiserror::Error)]
        #[error("the stream broke")]
        struct Broke(#[source] std::io::Error);

        let cause = Broke(std::io::Error::other("a reset"));
        let failure = InvocationError::new(Phase::Connect, Failure::Unreachable).because(cause);
        let expected = "the service could not be reached: the stream broke: a reset";
        assert_eq!(causes(&failure), expected);
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    #[test]
    fn a_panic_is_logged_with_its_place_but_not_its_message() {
        let lines = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&lines);
        let layer = JsonLines::new(now, move |line: Vec<u8>| {
            let line = String::from_utf8(line).unwrap();
            written.lock().unwrap().push_str(&line);
        });
        let subscriber = tracing_subscriber::registry().with(layer);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(report_panic));
        let panicked = tracing::subscriber::with_default(subscriber, || {
            std::panic::catch_unwind(|| panic!("MARKER"))
        });
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let said = lines.lock().unwrap().clone();
        assert!(
            said.contains("panicked") && said.contains("src/telemetry/log.rs:"),
            "{said}"
        );
        assert!(!said.contains("MARKER"), "{said}");
    }
}
