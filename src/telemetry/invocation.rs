//! The log and the measurements of one invocation, from its start to its one end.

use std::time::Duration;

use agentcore_reply::Counts;
use tracing::{error, info, warn};

use super::events;
use super::log::{causes, is_ours};
use super::metrics::Metrics;
use super::request::RequestIds;
use crate::agent::AgentId;
use crate::agentcore::error::InvocationError;
use crate::agentcore::invoke::Progress;
use crate::agentcore::invoke::observer::Observer;
use crate::caller::CallerId;
use crate::session::SessionId;

/// Which invocation it is.
#[derive(Clone, Debug)]
pub(crate) struct InvocationIdentity {
    pub(crate) request: RequestIds,
    pub(crate) agent: AgentId,
    pub(crate) session: SessionId,
    /// Who calls, where that is known.
    pub(crate) caller: Option<CallerId>,
    /// The caller sent the session's id: the conversation may go on.
    pub(crate) continues: bool,
}

/// How an invocation failed, as the caller is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending<'a> {
    /// With an answer that holds so many bytes of the reply, all of it.
    Whole { response_bytes: usize },
    /// With an answer that holds so many bytes of the reply. There would have been more.
    Incomplete { response_bytes: usize },
    /// With an error.
    Failed(Told, &'a InvocationError),
    /// With a panic.
    Panicked(Told),
    /// The caller has gone. Nobody knows what would have become of it.
    Cancelled,
}

impl Ending<'_> {
    /// The code of the error that the caller is told.
    pub(super) fn error_code(&self) -> Option<&'static str> {
        match self {
            Self::Failed(told, _) | Self::Panicked(told) => Some(told.code),
            Self::Whole { .. } | Self::Incomplete { .. } | Self::Cancelled => None,
        }
    }
}

/// What became of an invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) progress: &'a Progress,
    /// From the request to the end, in milliseconds.
    pub(crate) duration: u64,
    pub(crate) ending: &'a Ending<'a>,
}

impl Outcome<'_> {
    /// Whether the caller has a part of a reply: a stream that broke off counts too.
    pub(super) fn is_incomplete(&self) -> bool {
        match self.ending {
            Ending::Incomplete { .. } => true,
            Ending::Failed(..) | Ending::Panicked(_) => {
                self.progress.chunks > 0 || self.progress.has_steps
            }
            Ending::Whole { .. } | Ending::Cancelled => false,
        }
    }

    /// Whether the reply was whole and had no text.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.ending, Ending::Whole { .. }) && self.progress.chunks == 0
    }
}

/// Whole milliseconds, rounded up: a part never seems longer than the whole, nor as if it had not
/// been.
pub(crate) fn to_ms(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// Logs an invocation's events.
#[derive(Debug)]
pub(crate) struct InvocationLog(InvocationIdentity);

impl InvocationLog {
    /// An invocation begins, of a prompt of so many bytes.
    pub(crate) fn start(identity: InvocationIdentity, prompt_bytes: usize) -> Self {
        let log = Self(identity);
        let caller = log.0.caller.as_ref().map(CallerId::as_str);
        log.write(|agent, session| {
            info!(
                message = events::STARTED,
                agentId = agent,
                sessionId = session,
                promptLength = prompt_bytes,
                callerId = caller
            );
        });
        log
    }

    /// The ids of the request that the invocation is part of.
    pub(crate) fn request(&self) -> &RequestIds {
        &self.0.request
    }

    /// The agent that is invoked.
    pub(crate) fn agent(&self) -> &AgentId {
        &self.0.agent
    }

    /// The session as the caller knows it.
    pub(crate) fn session(&self) -> &SessionId {
        &self.0.session
    }

    /// The reply has ended, is not wanted any further, or has broken off for the reason given.
    /// `counts` says what it consisted of.
    pub(crate) fn finished(
        &self,
        progress: &Progress,
        broke_off: Option<&InvocationError>,
        counts: Counts,
    ) {
        let Progress { chunks, bytes, .. } = *progress;
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

    /// The invocation has ended: the last line, and the numbers.
    pub(crate) fn ended(&self, outcome: &Outcome<'_>, metrics: Option<&Metrics>) {
        let bytes = outcome.progress.bytes;
        match outcome.ending {
            Ending::Whole { response_bytes } | Ending::Incomplete { response_bytes } => {
                self.completed(outcome, *response_bytes, None);
            }
            Ending::Cancelled => self.completed(outcome, bytes, Some(true)),
            Ending::Failed(told, failure) => self.failed(outcome, *told, failure),
            Ending::Panicked(told) => self.write(|agent, session| {
                error!(
                    message = events::FAILED,
                    agentId = agent,
                    sessionId = session,
                    durationMs = outcome.duration,
                    errorCode = told.code,
                    status = told.status,
                    causes = "a panic"
                );
            }),
        }
        if let Some(metrics) = metrics {
            metrics.emit(&self.0, outcome);
        }
    }

    fn completed(&self, outcome: &Outcome<'_>, response_bytes: usize, cancelled: Option<bool>) {
        let incomplete = !matches!(outcome.ending, Ending::Whole { .. });
        self.write(|agent, session| {
            info!(
                message = events::COMPLETE,
                agentId = agent,
                sessionId = session,
                durationMs = outcome.duration,
                responseLength = response_bytes,
                incomplete,
                cancelled
            );
        });
    }

    fn failed(&self, outcome: &Outcome<'_>, told: Told, failure: &InvocationError) {
        let phase = failure.phase.as_str();
        let causes = causes(failure);
        let refusal = failure.failure.refusal();
        let error_type = refusal.and_then(|refusal| refusal.error_type.as_deref());
        let aws_request = refusal.and_then(|refusal| refusal.request_id.as_deref());
        self.write(|agent, session| {
            // A line's level must be known when it is compiled.
            macro_rules! line {
                ($level:ident) => {
                    $level!(
                        message = events::FAILED,
                        agentId = agent,
                        sessionId = session,
                        durationMs = outcome.duration,
                        errorCode = told.code,
                        status = told.status,
                        phase,
                        causes,
                        awsErrorType = error_type,
                        awsRequestId = aws_request
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

    /// Logs as part of the request.
    fn write(&self, log: impl FnOnce(&str, &str)) {
        let InvocationIdentity {
            request,
            agent,
            session,
            ..
        } = &self.0;
        request.sync_scope(|| log(agent.as_str(), session.as_str()));
    }
}

impl Observer for InvocationLog {
    fn connected(&self, progress: &Progress) {
        let attempt = progress.connections.len();
        let took = progress.last_connection().map(to_ms);
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

    fn closed(&self) {
        self.write(|agent, session| {
            info!(
                message = events::CLOSED,
                agentId = agent,
                sessionId = session
            );
        });
    }

    fn retrying(&self, progress: &Progress, delay: Duration, error: &InvocationError) {
        let attempt = progress.connections.len();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `cargo local` prints of a refusal.
    #[test]
    fn a_person_reads_what_aws_calls_a_refusal() {
        use std::io::Write;
        use std::sync::{Arc, Mutex};

        use tokio::time::Instant;
        use tracing_subscriber::layer::SubscriberExt;

        use crate::agentcore::error::{Failure, Phase, Refusal};

        #[derive(Clone, Default)]
        struct Said(Arc<Mutex<Vec<u8>>>);

        impl Write for Said {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let said = Said::default();
        let writer = said.clone();
        let layer = super::super::log::text_lines(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        let refusal = Refusal {
            status: 424,
            error_type: Some("RuntimeClientError".to_owned()),
            request_id: Some("5d4f6b0e".to_owned()),
            ..Refusal::default()
        };
        let error = InvocationError::new(Phase::Handshake, Failure::Refused(refusal.into()));
        let told = Told {
            code: "ServiceUnavailableError",
            status: 503,
        };
        let identity = InvocationIdentity {
            request: RequestIds::new("request", None),
            agent: AgentId::from_variable_name("ECHO").unwrap(),
            session: SessionId::parse("mine").unwrap(),
            continues: true,
            caller: None,
        };
        tracing::subscriber::with_default(subscriber, || {
            let outcome = Outcome {
                progress: &Progress::since(Instant::now()),
                duration: 1,
                ending: &Ending::Failed(told, &error),
            };
            InvocationLog::start(identity, 1).ended(&outcome, None);
        });
        let said = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
        let failed = said.lines().last().unwrap();
        for name in ["RuntimeClientError", "5d4f6b0e", "answered with status 424"] {
            assert!(failed.contains(name), "{said}");
        }
    }

    #[test]
    fn milliseconds_are_rounded_up() {
        for (micros, ms) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (25_000_000, 25_000)] {
            assert_eq!(to_ms(Duration::from_micros(micros)), ms, "{micros}");
        }
    }
}
