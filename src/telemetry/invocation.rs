//! The log and the measurements of one invocation, from its start to its one end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agentcore_reply::Counts;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::metrics::{Measurements, Metrics};
use super::request::RequestIds;
use super::{causes, events, is_ours};
use crate::agent::AgentId;
use crate::agentcore::error::InvocationError;
use crate::agentcore::observer::Observer;
use crate::invocation::SessionId;

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Whole,
    Incomplete,
    /// With the error of this code.
    Failed(&'static str),
    /// The caller has gone.
    Cancelled,
}

impl Outcome {
    fn error(self) -> Option<&'static str> {
        match self {
            Self::Failed(code) => Some(code),
            Self::Whole | Self::Incomplete | Self::Cancelled => None,
        }
    }

    /// Whether the caller has a part of a reply: a stream that broke off counts too.
    fn is_incomplete(self, chunks: u64) -> bool {
        match self {
            Self::Incomplete => true,
            Self::Failed(_) => chunks > 0,
            Self::Whole | Self::Cancelled => false,
        }
    }
}

/// Which invocation it is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) request: RequestIds,
    /// When the request came.
    pub(crate) received: Instant,
    pub(crate) agent: AgentId,
    pub(crate) session: SessionId,
    /// The caller sent the session's id: the conversation may go on.
    pub(crate) continues: bool,
}

/// How an invocation failed, as the caller is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
}

/// How long parts of an invocation took, as far as they are known; milliseconds, where they are
/// whole ones, are rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Signing, in the last attempt.
    pub(crate) sign: Option<Duration>,
    /// Connecting, in the last attempt; milliseconds.
    pub(crate) connect: Option<u64>,
    /// From the request to the first piece of the reply; milliseconds.
    pub(crate) first: Option<u64>,
    /// From the request to the end; milliseconds.
    pub(crate) total: Option<u64>,
}

/// Logs an invocation's events, each once, and emits its metrics at the end. One that is dropped
/// before it has ended was cancelled, or has panicked.
#[derive(Debug)]
pub(crate) struct InvocationLog {
    identity: Identity,
    metrics: Option<Metrics>,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    timing: Timing,
    /// When the attempt began that has not led anywhere yet.
    connecting: Option<Instant>,
    connection_times: Vec<u64>,
    connection_failures: u32,
    retries: u32,
    chunks: u64,
    bytes: usize,
    has_ended: bool,
}

impl Record {
    /// Takes the time of the attempt that is going on, in milliseconds.
    fn stop_connecting(&mut self) -> Option<u64> {
        let took = to_ms(self.connecting.take()?.elapsed());
        self.connection_times.push(took);
        self.timing.connect = Some(took);
        Some(took)
    }
}

/// Whole milliseconds, rounded up: a part never seems longer than the whole, nor as if it had not
/// been.
pub(crate) fn to_ms(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

impl InvocationLog {
    /// An invocation begins, of a prompt of so many bytes.
    pub(crate) fn start(identity: Identity, metrics: Option<Metrics>, prompt_bytes: usize) -> Self {
        let log = Self {
            identity,
            metrics,
            record: Mutex::default(),
        };
        log.write(|agent, session| {
            info!(
                message = events::STARTED,
                agentId = agent,
                sessionId = session,
                promptLength = prompt_bytes
            );
        });
        log
    }

    /// The invocation has given an answer, with so many bytes of the reply. Says how long it took
    /// altogether, in milliseconds.
    pub(crate) fn complete(&self, response_bytes: usize, incomplete: bool) -> u64 {
        self.over(response_bytes, incomplete, None)
    }

    fn over(&self, response_bytes: usize, incomplete: bool, cancelled: Option<bool>) -> u64 {
        let outcome = match (cancelled, incomplete) {
            // Nobody knows what would have become of it.
            (Some(_), _) => Outcome::Cancelled,
            (None, true) => Outcome::Incomplete,
            (None, false) => Outcome::Whole,
        };
        self.end(outcome, |agent, session, duration| {
            info!(
                message = events::COMPLETE,
                agentId = agent,
                sessionId = session,
                durationMs = duration,
                responseLength = response_bytes,
                incomplete,
                cancelled
            );
        })
    }

    /// The invocation has failed, and the caller is told so.
    pub(crate) fn failed(&self, told: Told, failure: &InvocationError) {
        let phase = failure.phase.as_str();
        let causes = causes(failure);
        self.end(Outcome::Failed(told.code), |agent, session, duration| {
            // A line's level must be known when it is compiled.
            macro_rules! line {
                ($level:ident) => {
                    $level!(
                        message = events::FAILED,
                        agentId = agent,
                        sessionId = session,
                        durationMs = duration,
                        errorCode = told.code,
                        status = told.status,
                        phase,
                        causes
                    )
                };
            }
            if is_ours(&failure.failure) {
                line!(error);
            } else {
                line!(warn);
            }
        });
    }

    /// The invocation has failed for a reason of ours that nobody foresaw.
    pub(crate) fn panicked(&self, told: Told) {
        self.end(Outcome::Failed(told.code), |agent, session, duration| {
            error!(
                message = events::FAILED,
                agentId = agent,
                sessionId = session,
                durationMs = duration,
                errorCode = told.code,
                status = told.status,
                causes = "a panic"
            );
        });
    }

    /// How long things have taken so far.
    pub(crate) fn timing(&self) -> Timing {
        self.record().timing
    }

    /// The ids of the request that the invocation is part of.
    pub(crate) fn request(&self) -> &RequestIds {
        &self.identity.request
    }

    /// Ends the invocation, where it has not ended before.
    fn end(&self, outcome: Outcome, log: impl FnOnce(&str, &str, u64)) -> u64 {
        let mut record = self.record();
        if record.has_ended {
            return record.timing.total.unwrap_or_default();
        }
        record.has_ended = true;
        // A cancelled attempt took its time too.
        record.stop_connecting();
        let duration = to_ms(self.identity.received.elapsed());
        record.timing.total = Some(duration);
        let measured = Measurements {
            agent_id: self.identity.agent.as_str().to_owned(),
            error: outcome.error(),
            duration,
            connection_times: record.connection_times.clone(),
            connection_failures: record.connection_failures,
            chunks: record.chunks,
            continues: self.identity.continues,
            first_chunk: record.timing.first,
            retries: record.retries,
            incomplete: outcome.is_incomplete(record.chunks),
            empty: outcome == Outcome::Whole && record.chunks == 0,
        };
        drop(record);
        self.write(|agent, session| log(agent, session, duration));
        if let Some(metrics) = &self.metrics {
            metrics.emit(&self.identity.request, &measured);
        }
        duration
    }

    /// The reply was whole and had no text: never without a word to whoever has to find out why.
    fn finished_without_text(&self, counts: Counts) {
        self.write(|agent, session| {
            warn!(
                message = events::FINISHED,
                agentId = agent,
                sessionId = session,
                chunks = 0,
                bytes = 0,
                messages = counts.messages,
                unread = counts.unread,
                hint = events::NO_TEXT
            );
        });
    }

    /// Logs as part of the request.
    fn write(&self, log: impl FnOnce(&str, &str)) {
        let Identity {
            request,
            agent,
            session,
            ..
        } = &self.identity;
        request.sync_scope(|| log(agent.as_str(), session.as_str()));
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for InvocationLog {
    fn signed(&self, took: Duration) {
        self.record().timing.sign = Some(took);
    }

    fn connecting(&self) {
        let mut record = self.record();
        record.connecting = Some(Instant::now());
        record.timing.connect = None;
    }

    fn connected(&self) {
        let mut record = self.record();
        let Some(took) = record.stop_connecting() else {
            return;
        };
        let attempt = record.connection_times.len();
        drop(record);
        self.write(|agent, session| {
            info!(
                message = events::CONNECTED,
                agentId = agent,
                sessionId = session,
                attempt,
                durationMs = took
            );
        });
    }

    fn not_connected(&self) {
        let mut record = self.record();
        record.stop_connecting();
        record.connection_failures += 1;
    }

    fn retrying(&self, delay: Duration, error: &InvocationError) {
        let mut record = self.record();
        record.retries += 1;
        let attempt = record.connection_times.len();
        drop(record);
        let reason = causes(error);
        self.write(|agent, session| {
            warn!(
                agentId = agent,
                sessionId = session,
                attempt,
                delayMs = to_ms(delay),
                reason,
                message = events::RETRYING
            );
        });
    }

    fn piece(&self, bytes: usize) {
        let mut record = self.record();
        if record.chunks == 0 {
            record.timing.first = Some(to_ms(self.identity.received.elapsed()));
        }
        record.chunks += 1;
        record.bytes += bytes;
    }

    fn finished(&self, broke_off: Option<&InvocationError>, counts: Counts) {
        let record = self.record();
        let (chunks, bytes) = (record.chunks, record.bytes);
        drop(record);
        if chunks == 0 && broke_off.is_none() {
            return self.finished_without_text(counts);
        }
        let causes = broke_off.map(|error| causes(error));
        self.write(|agent, session| {
            macro_rules! line {
                ($level:ident) => {
                    $level!(
                        message = events::FINISHED,
                        agentId = agent,
                        sessionId = session,
                        chunks,
                        bytes,
                        causes
                    )
                };
            }
            if broke_off.is_some() {
                line!(warn);
            } else {
                line!(info);
            }
        });
    }

    fn closed(&self) {
        self.write(|agent, session| {
            info!(
                message = events::CLOSED,
                agentId = agent,
                sessionId = session
            );
        });
    }
}

impl Drop for InvocationLog {
    fn drop(&mut self) {
        if self.record().has_ended {
            return;
        }
        if std::thread::panicking() {
            return self.panicked(PANICKED);
        }
        let bytes = self.record().bytes;
        self.over(bytes, true, Some(true));
    }
}

/// What the caller is told of a panic.
pub(crate) const PANICKED: Told = Told {
    code: "InternalError",
    status: 500,
};

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use super::super::line::JsonLines;
    use super::*;

    /// What is logged of an invocation that such a function ends, after its start.
    fn logged(function: impl FnOnce(InvocationLog)) -> Vec<Value> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let layer = JsonLines::new(
            || SystemTime::UNIX_EPOCH,
            move |line: &str| {
                let line = serde_json::from_str(line).unwrap();
                written.lock().unwrap().push(line);
            },
        );
        let identity = Identity {
            request: RequestIds {
                request_id: "request-1".to_owned(),
                trace_id: None,
            },
            received: Instant::now(),
            agent: AgentId::from_variable_name("ECHO").unwrap(),
            session: SessionId::parse("mine").unwrap(),
            continues: true,
        };
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            function(InvocationLog::start(identity, None, 1));
        });
        let lines: Vec<Value> = std::mem::take(&mut lines.lock().unwrap());
        assert!(lines.iter().all(|line| line["requestId"] == "request-1"));
        lines[1..].to_vec()
    }

    #[test]
    fn one_that_nobody_ends_was_cancelled() {
        let lines = logged(|log| {
            log.connecting();
            log.piece(7);
            drop(log);
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], events::COMPLETE);
        assert_eq!(lines[0]["cancelled"], true);
        assert_eq!(lines[0]["responseLength"], 7);
    }

    #[test]
    fn one_that_panics_has_failed() {
        let lines = logged(|log| {
            let panics = std::panic::AssertUnwindSafe(move || {
                let _log = log;
                std::panic::resume_unwind(Box::new("MARKER"));
            });
            assert!(std::panic::catch_unwind(panics).is_err());
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], events::FAILED);
        assert_eq!(lines[0]["level"], "ERROR");
        assert_eq!(lines[0]["errorCode"], "InternalError");
        assert_eq!(lines[0]["status"], 500);
    }

    #[test]
    fn there_is_one_end() {
        let lines = logged(|log| {
            let duration = log.complete(3, false);
            assert_eq!(log.complete(4, true), duration);
            log.panicked(PANICKED);
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["responseLength"], 3);
    }

    #[test]
    fn milliseconds_are_rounded_up() {
        for (micros, ms) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (25_000_000, 25_000)] {
            assert_eq!(to_ms(Duration::from_micros(micros)), ms, "{micros}");
        }
    }
}
