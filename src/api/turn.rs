//! One turn of a conversation, from a valid request to its one end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::ApiError;
use super::format::Ended;
use super::reply_cache::Lead;
use crate::agent::Agent;
use crate::agentcore::error::InvocationError;
use crate::agentcore::invoke::observer::Observer as _;
use crate::agentcore::invoke::{Progress, ReplyEvent, ReplyStream};
use crate::invocation::Invocation;
use crate::limits::Permit;
use crate::service::AgentService;
use crate::session::SessionId;
use crate::telemetry::invocation::{Ending, InvocationIdentity, InvocationLog, Outcome, to_ms};
use crate::telemetry::{Metrics, PANICKED};

/// Owns what became of an invocation: both the answer and the log are made of it. Dropped before it
/// has ended, it was cancelled or has panicked.
#[derive(Debug)]
pub(super) struct Turn {
    progress: Progress,
    reply: Option<Source>,
    /// Where the reply is to be remembered: the right to share it, and its text so far.
    shared: Option<(Lead, String)>,
    /// How long it took altogether, once it has ended.
    total: Option<Duration>,
    /// How an error names it.
    sent_session: bool,
    log: InvocationLog,
    metrics: Option<Metrics>,
    /// Its place among those at the same time.
    _permit: Permit,
}

/// Where a reply comes from.
#[derive(Debug)]
enum Source {
    Agent(ReplyStream),
    /// One that was remembered; `None` once it has been told.
    Remembered(Option<Arc<str>>),
}

impl Source {
    async fn next(&mut self) -> ReplyEvent {
        match self {
            Self::Agent(reply) => reply.next().await,
            Self::Remembered(text) => match text.take().filter(|text| !text.is_empty()) {
                Some(text) => ReplyEvent::Piece(text.as_ref().to_owned()),
                None => ReplyEvent::Complete,
            },
        }
    }
}

/// How long the parts of a turn took, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timing {
    /// Signing, in the last attempt.
    pub(super) sign: Option<Duration>,
    /// Connecting, in the last attempt.
    pub(super) connect: Option<Duration>,
    /// From the request to the first piece of the reply.
    pub(super) first: Option<Duration>,
    /// From the request to the end.
    pub(super) total: Option<Duration>,
}

impl Turn {
    /// A turn begins, of a request that came at `received`.
    pub(super) fn begin(
        identity: InvocationIdentity,
        received: Instant,
        prompt_bytes: usize,
        metrics: Option<Metrics>,
        permit: Permit,
    ) -> Self {
        let sent_session = identity.continues;
        let log = InvocationLog::start(identity, prompt_bytes);
        Self {
            progress: Progress::since(received),
            reply: None,
            shared: None,
            total: None,
            sent_session,
            log,
            metrics,
            _permit: permit,
        }
    }

    /// Sends the prompt and waits for the first piece of the reply, or for its end. So many bytes of
    /// the reply are remembered, so that nothing of it is told twice.
    ///
    /// # Errors
    /// The turn has ended without anything of a reply.
    pub(super) async fn open(
        &mut self,
        service: &AgentService,
        agent: &Agent,
        invocation: &Invocation,
        deadline: Instant,
        memory_bytes: usize,
    ) -> Result<(), ApiError> {
        let (progress, log) = (&mut self.progress, &self.log);
        let opened = service.invoke(agent, invocation, deadline, memory_bytes, progress, log);
        match opened.await {
            Ok(reply) => {
                self.reply = Some(Source::Agent(reply));
                Ok(())
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// The next piece of the reply, or how it ended. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> ReplyEvent {
        let Some(reply) = &mut self.reply else {
            return ReplyEvent::Complete;
        };
        let event = reply.next().await;
        match &event {
            ReplyEvent::Piece(text) => {
                self.progress.piece(text.len());
                self.collect(text);
            }
            ReplyEvent::Complete => {
                if let Some((lead, text)) = self.shared.take() {
                    lead.share(&text);
                }
                self.finished(None);
            }
            ReplyEvent::Interrupted(error) => self.finished(Some(error)),
        }
        event
    }

    /// Answers with a reply that was remembered. Nobody is asked.
    pub(super) fn recall(&mut self, text: Arc<str>) {
        self.reply = Some(Source::Remembered(Some(text)));
    }

    /// Remembers the reply, if it is whole.
    pub(super) fn share(&mut self, lead: Lead) {
        self.shared = Some((lead, String::new()));
    }

    fn collect(&mut self, piece: &str) {
        if let Some((_, text)) = &mut self.shared {
            text.push_str(piece);
            if text.len() > Lead::MAX_REPLY_BYTES {
                self.shared = None;
            }
        }
    }

    /// Ends the reply before it has ended.
    pub(super) async fn close(&mut self) {
        self.shared = None;
        if let Some(reply) = &mut self.reply {
            if let Source::Agent(reply) = reply {
                reply.close().await;
            }
            self.finished(None);
        }
    }

    fn finished(&mut self, broke_off: Option<&InvocationError>) {
        // It is asked again after its end, and has ended once.
        if let Some(Source::Agent(reply)) = self.reply.take() {
            self.log.finished(&self.progress, broke_off, reply.counts());
            if reply.is_kept() {
                // It stays open, for the session's next turn.
                self.progress.closed();
            }
            self.closed();
        }
    }

    fn closed(&mut self) {
        if self.progress.is_open() {
            self.progress.closed();
            self.log.closed();
        }
    }

    /// The turn has given an answer, with so many bytes of the reply.
    pub(super) fn complete(&mut self, response_bytes: usize, incomplete: bool) -> Ended {
        let duration = self.end(&if incomplete {
            Ending::Incomplete { response_bytes }
        } else {
            Ending::Whole { response_bytes }
        });
        Ended {
            chunks: self.progress.chunks,
            duration: to_ms(duration),
            incomplete,
        }
    }

    /// The turn has failed. Says what its caller is told.
    pub(super) fn fail(&mut self, error: &InvocationError) -> ApiError {
        let answer = self.of_this(ApiError::from(error));
        self.end(&Ending::Failed(answer.told(), error));
        answer
    }

    /// The turn has failed for a reason of ours that nobody foresaw.
    pub(super) fn panicked(&mut self) -> ApiError {
        let answer = ApiError::panicked();
        self.end(&Ending::Panicked(answer.told()));
        answer
    }

    fn of_this(&self, error: ApiError) -> ApiError {
        error
            .of_agent(self.log.agent())
            .in_session(self.sent_session.then(|| self.session()))
    }

    fn end(&mut self, ending: &Ending<'_>) -> Duration {
        if let Some(total) = self.total {
            return total;
        }
        self.progress.stop_connecting();
        let duration = self.progress.elapsed();
        self.total = Some(duration);
        let outcome = Outcome {
            progress: &self.progress,
            duration: to_ms(duration),
            ending,
        };
        self.log.ended(&outcome, self.metrics.as_ref());
        duration
    }

    /// The session, as the caller knows it.
    pub(super) fn session(&self) -> &SessionId {
        self.log.session()
    }

    /// Whether the caller sent a session's id.
    pub(super) fn continues(&self) -> bool {
        self.sent_session
    }

    /// Whether there is a reply already.
    pub(super) fn is_answered(&self) -> bool {
        self.reply.is_some()
    }

    /// Bytes of the reply so far.
    pub(super) fn bytes(&self) -> usize {
        self.progress.bytes
    }

    /// What is logged of it.
    pub(super) fn log(&self) -> &InvocationLog {
        &self.log
    }

    /// How long its parts took so far.
    pub(super) fn timing(&self) -> Timing {
        Timing {
            sign: self.progress.signing,
            connect: self.progress.last_connection(),
            first: self.progress.first_piece,
            total: self.total,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.total.is_some() {
            return;
        }
        // The socket goes with the reply, and has begun to close by itself.
        self.reply = None;
        self.closed();
        let ending = if std::thread::panicking() {
            Ending::Panicked(PANICKED)
        } else {
            Ending::Cancelled
        };
        self.end(&ending);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::SystemTime;

    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::agent::AgentId;
    use crate::limits::Limits;
    use crate::limits::RateLimits;
    use crate::telemetry::JsonLines;
    use crate::telemetry::request::RequestIds;

    /// What is logged of a turn that such a function ends, after its start.
    fn logged(function: impl FnOnce(Turn)) -> Vec<Value> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let layer = JsonLines::new(
            || SystemTime::UNIX_EPOCH,
            move |line: Vec<u8>| {
                let line = serde_json::from_slice(&line).unwrap();
                written.lock().unwrap().push(line);
            },
        );
        let identity = InvocationIdentity {
            request: RequestIds::new("request-1", None),
            agent: AgentId::from_variable_name("ECHO").unwrap(),
            session: SessionId::parse("mine").unwrap(),
            caller: None,
            continues: true,
        };
        let permit = Limits::new(RateLimits::default()).admit(&crate::caller::Origin::default());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let now = Instant::now();
            function(Turn::begin(identity, now, 1, None, permit.unwrap()));
        });
        let lines: Vec<Value> = std::mem::take(&mut lines.lock().unwrap());
        assert!(lines.iter().all(|line| line["requestId"] == "request-1"));
        lines[1..].to_vec()
    }

    #[test]
    fn one_that_nobody_ends_was_cancelled() {
        let lines = logged(|mut turn| {
            turn.progress.piece(7);
            drop(turn);
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "agent invocation complete");
        assert_eq!(lines[0]["cancelled"], true);
        assert_eq!(lines[0]["responseLength"], 7);
    }

    #[test]
    fn one_that_panics_has_failed() {
        let lines = logged(|turn| {
            let panics = std::panic::AssertUnwindSafe(move || {
                let _turn = turn;
                std::panic::resume_unwind(Box::new("MARKER"));
            });
            assert!(std::panic::catch_unwind(panics).is_err());
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "agent invocation failed");
        assert_eq!(lines[0]["level"], "ERROR");
        assert_eq!(lines[0]["errorCode"], "InternalError");
        assert_eq!(lines[0]["status"], 500);
    }

    #[test]
    fn there_is_one_end() {
        let lines = logged(|mut turn| {
            let ended = turn.complete(3, false);
            assert_eq!(turn.complete(4, true).duration, ended.duration);
            turn.panicked();
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["responseLength"], 3);
    }
}
