//! One turn of a conversation: from a valid request to its single outcome.

use std::sync::Arc;
use std::time::Duration;

use agentcore_reply::Step;
use tokio::time::Instant;

use super::error::ApiError;
use super::format::Completion;
use super::long_piece::LongPiece;
use super::reply_cache::Lead;
use crate::agent::Agent;
use crate::agentcore::error::InvocationError;
use crate::agentcore::invoke::observer::Observer as _;
use crate::agentcore::invoke::{Progress, ReplyEvent, ReplyOptions, ReplyStream};
use crate::invocation::Invocation;
use crate::limits::Permit;
use crate::service::AgentService;
use crate::session::SessionId;
use crate::telemetry::invocation::{Ending, InvocationIdentity, InvocationLog, Outcome, to_ms};
use crate::telemetry::{Metrics, PANICKED};

/// Owns the state and the outcome of an invocation; both the response and the log are made from it.
/// A turn that is dropped before its end was cancelled, or has panicked.
#[derive(Debug)]
pub(super) struct Turn {
    progress: Progress,
    reply: Option<Source>,
    /// What is left of a piece that is too long to be told at once.
    rest: Option<Box<LongPiece>>,
    /// If the reply is to be cached: the right to share it, and its text so far.
    shared: Option<(Lead, String)>,
    /// The total duration; `None` until the turn has ended.
    total: Option<Duration>,
    /// The session as the caller sent it, where it did: errors name it so.
    sent_session: Option<String>,
    log: InvocationLog,
    metrics: Option<Metrics>,
    /// Held until the turn ends: it counts against the caller's concurrent invocations.
    _permit: Permit,
}

/// The source of a reply.
#[derive(Debug)]
enum Source {
    Agent(ReplyStream),
    /// A cached reply; `None` once it has been returned.
    Cached(Option<Arc<str>>),
}

impl Source {
    async fn next(&mut self) -> ReplyEvent {
        match self {
            Self::Agent(reply) => reply.next().await,
            Self::Cached(text) => match text.take().filter(|text| !text.is_empty()) {
                Some(text) => ReplyEvent::Piece(text.as_ref().to_owned()),
                None => ReplyEvent::Complete,
            },
        }
    }
}

/// The durations of a turn's parts; `None` if unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timing {
    /// Signing, in the last attempt.
    pub(super) sign: Option<Duration>,
    /// Connecting, in the last attempt.
    pub(super) connect: Option<Duration>,
    /// From the request to the first chunk of the reply.
    pub(super) first: Option<Duration>,
    /// From the request to the end.
    pub(super) total: Option<Duration>,
}

impl Turn {
    /// Begins the turn of a request that arrived at `received`.
    pub(super) fn begin(
        identity: InvocationIdentity,
        received: Instant,
        prompt_bytes: usize,
        metrics: Option<Metrics>,
        permit: Permit,
    ) -> Self {
        let log = InvocationLog::start(identity, prompt_bytes);
        Self {
            progress: Progress::since(received),
            reply: None,
            rest: None,
            shared: None,
            total: None,
            sent_session: None,
            log,
            metrics,
            _permit: permit,
        }
    }

    /// What the caller called the session, where it sent one.
    #[must_use]
    pub(super) fn sent_as(mut self, session: Option<String>) -> Self {
        self.sent_session = session;
        self
    }

    /// Sends the prompt and waits for the first that is told of the reply, or for its end.
    ///
    /// # Errors
    /// The turn has failed before any part of a reply arrived.
    pub(super) async fn open(
        &mut self,
        service: &AgentService,
        agent: &Agent,
        invocation: &Invocation,
        deadline: Instant,
        options: ReplyOptions,
    ) -> Result<(), ApiError> {
        let (progress, log) = (&mut self.progress, &self.log);
        let opened = service.invoke(agent, invocation, deadline, options, progress, log);
        match opened.await {
            Ok(reply) => {
                if reply.begins_with_text() {
                    self.progress.first_piece_came();
                }
                self.reply = Some(Source::Agent(reply));
                Ok(())
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// Returns the next chunk of the reply, or its end. Cancel-safe: dropping the future loses
    /// nothing.
    pub(super) async fn next(&mut self) -> ReplyEvent {
        let Some(reply) = &mut self.reply else {
            return ReplyEvent::Complete;
        };
        let event = match LongPiece::next(&mut self.rest) {
            Some(text) => {
                self.progress.rest_of_piece(text.len());
                self.collect(&text);
                return ReplyEvent::Piece(text);
            }
            None => match reply.next().await {
                ReplyEvent::Piece(mut text) => {
                    self.rest = LongPiece::split_off(&mut text);
                    ReplyEvent::Piece(text)
                }
                other => other,
            },
        };
        match &event {
            ReplyEvent::Piece(text) => {
                self.progress.piece(text.len());
                self.collect(text);
            }
            ReplyEvent::Step(step) => {
                self.progress.has_steps = true;
                if let Step::AgUiEvent { text, .. } = step
                    && !text.is_empty()
                {
                    self.progress.piece(text.len());
                }
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

    /// Uses a cached reply instead of asking the agent.
    pub(super) fn recall(&mut self, text: Arc<str>) {
        self.reply = Some(Source::Cached(Some(text)));
    }

    /// Shares and caches the reply if it arrives completely.
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

    /// Closes the connection before the reply has ended.
    pub(super) async fn close(&mut self) {
        self.shared = None;
        self.rest = None;
        if let Some(reply) = &mut self.reply {
            if let Source::Agent(reply) = reply {
                reply.close().await;
            }
            self.finished(None);
        }
    }

    fn finished(&mut self, broke_off: Option<&InvocationError>) {
        // `next` may be called after the end; the end is logged only once.
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

    /// Ends the turn with a response that contains this many bytes of the reply.
    pub(super) fn complete(&mut self, response_bytes: usize, incomplete: bool) -> Completion {
        let duration = self.end(&if incomplete {
            Ending::Incomplete { response_bytes }
        } else {
            Ending::Whole { response_bytes }
        });
        Completion {
            chunks: self.progress.chunks,
            duration: to_ms(duration),
            incomplete,
        }
    }

    /// Ends the turn with an error. Returns the error for the caller.
    pub(super) fn fail(&mut self, error: &InvocationError) -> ApiError {
        let answer = self.with_ids(ApiError::from(error));
        self.end(&Ending::Failed(answer.told(), error));
        answer
    }

    /// Ends the turn after a panic. Returns the error for the caller.
    pub(super) fn panicked(&mut self) -> ApiError {
        let answer = ApiError::panicked();
        self.end(&Ending::Panicked(answer.told()));
        answer
    }

    fn with_ids(&self, error: ApiError) -> ApiError {
        error
            .of_agent(self.log.agent())
            .in_session(self.sent_session.as_deref())
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

    /// The session id that the caller knows.
    pub(super) fn session(&self) -> &SessionId {
        self.log.session()
    }

    /// Whether the caller sent a session's id.
    pub(super) fn continues(&self) -> bool {
        self.sent_session.is_some()
    }

    /// Whether there is a reply already: a cached one, or one that has begun.
    pub(super) fn has_reply(&self) -> bool {
        self.reply.is_some()
    }

    /// The bytes of the reply received so far.
    pub(super) fn bytes(&self) -> usize {
        self.progress.bytes
    }

    /// The log of this turn.
    pub(super) fn log(&self) -> &InvocationLog {
        &self.log
    }

    /// The durations of its parts so far.
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
        // Dropping the reply starts to close its socket.
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

    /// The lines that are logged after the start of a turn that `function` ends.
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
    fn a_dropped_turn_is_logged_as_cancelled() {
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
    fn a_panicking_turn_is_logged_as_failed() {
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
    fn a_turn_ends_only_once() {
        let lines = logged(|mut turn| {
            let ended = turn.complete(3, false);
            assert_eq!(turn.complete(4, true).duration, ended.duration);
            turn.panicked();
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["responseLength"], 3);
    }
}
