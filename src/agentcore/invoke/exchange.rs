//! One prompt out, one reply in, over an open socket, and the socket closed whatever happens.

use std::pin::Pin;
use std::time::Duration;

use agentcore_reply::{Counts, End, ReplyReader, Step};
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::attempt::ReplyOptions;
use super::watch::{Seen, Watch};
use crate::agent::ReplyEnd;
use crate::agentcore::error::{Failure, InvocationError, Phase, Timeout};
use crate::agentcore::until::{Alarm, Until};
use crate::agentcore::wire::connect::Transport;
use crate::agentcore::wire::socket::{Code, Incoming, Socket, SocketError};

/// What a reply gives next.
#[derive(Debug)]
pub enum ReplyEvent {
    /// A piece of text, never empty.
    Piece(String),
    /// A step of the agent's that is no text, or the end of a turn that had any: never a
    /// [`Step::Text`] or [`Step::End`].
    Step(Step),
    /// The reply is whole.
    Complete,
    /// The reply broke off. The pieces before are all that there is.
    Interrupted(InvocationError),
}

/// What a silence of the agent means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    TooLong(Timeout),
    EndsReply,
    /// The connection might be taken for idle by something on the way.
    WantsPing,
}

impl From<Timeout> for Silence {
    fn from(timeout: Timeout) -> Self {
        Self::TooLong(timeout)
    }
}

/// What holds for one exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// When it is over.
    pub(super) deadline: Instant,
    /// The longest silence.
    pub(super) chunk_timeout: Duration,
    /// After how much silence a ping is sent; none where it is `None`.
    pub(super) ping_interval: Option<Duration>,
    /// What ends the reply, besides the agent's own word.
    pub(super) reply_end: ReplyEnd,
    /// How it is read.
    pub(super) options: ReplyOptions,
    /// Whether a socket whose reply ended by the agent's own word is kept for the next turn.
    pub(super) keeps_socket: bool,
}

/// A conversation over one socket.
pub(super) struct Exchange<T: Transport = Box<dyn Transport>> {
    /// `None` once it closes.
    socket: Option<Socket<T>>,
    /// The socket, where it is kept.
    kept: Option<Socket<T>>,
    /// The agent has closed its side, which ends a reply too.
    peer_has_closed: bool,
    /// The end of the socket, which takes a moment, while it is under way.
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What the conversation has come to, known before the socket begins to close: who asks while it
    /// closes, gives up and asks again, is told the same.
    outcome: Option<Outcome>,
    reader: ReplyReader,
    terms: Terms,
    /// Rings where the agent is silent for too long.
    alarm: Alarm,
    /// When the agent spoke last; a prompt that is sent counts too.
    spoke: Instant,
    /// When the last ping was sent since then.
    pinged: Option<Instant>,
    told: Told,
    /// The operator's setting says that the reply is over, whatever the agent's format makes of that.
    is_over: bool,
    watch: Watch,
}

/// What was told of the reply so far.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Text.
    text: bool,
    /// Anything of the turn that is on.
    of_this_turn: bool,
}

fn reader(options: ReplyOptions) -> ReplyReader {
    let mut reader = ReplyReader::new(options.memory_bytes);
    if options.detail.tools {
        // Clients keep what earlier runs called, and tell calls apart by their ids alone.
        reader = reader.naming_calls(format!("call-{}-", Uuid::new_v4().simple()));
    }
    if options.detail.ag_ui_events {
        reader.passing_ag_ui_events()
    } else {
        reader
    }
}

/// How a reply ended: whole, or broken off for a reason.
type Outcome = Result<(), InvocationError>;

impl<T: Transport> Exchange<T> {
    /// A conversation over a socket that has just been opened.
    pub(super) fn open(socket: Socket<T>, terms: Terms) -> Self {
        Self {
            socket: Some(socket),
            kept: None,
            peer_has_closed: false,
            closing: None,
            outcome: None,
            reader: reader(terms.options),
            terms,
            alarm: Alarm::default(),
            spoke: Instant::now(),
            pinged: None,
            told: Told::default(),
            is_over: false,
            watch: Watch::current(),
        }
    }

    /// Begins to send a message. The silence of the agent begins here too.
    pub(super) fn send(&mut self, message: Bytes) {
        if let Some(socket) = &mut self.socket {
            self.watch.see(Seen::Sent(&message));
            socket.send(message);
        }
        self.spoke = Instant::now();
    }

    /// The next piece, or the end, before which the socket is closed. After the end, the end again.
    ///
    /// Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> ReplyEvent {
        let mut now = Instant::now();
        loop {
            if let Some(outcome) = self.outcome.clone() {
                self.closed().await;
                return match outcome {
                    Ok(()) => ReplyEvent::Complete,
                    Err(error) => ReplyEvent::Interrupted(error),
                };
            }
            // Looked at here, not only while waiting: there may always be something to read.
            if now >= self.terms.deadline {
                self.time_out(Timeout::Invocation);
                continue;
            }
            match self.reader.next() {
                Some(Step::Text(text)) => {
                    self.told = Told {
                        text: true,
                        of_this_turn: true,
                    };
                    return ReplyEvent::Piece(text);
                }
                Some(Step::End(end)) => self.end(end),
                // A turn of which nothing was told has no end that matters.
                Some(Step::TurnEnd) if !self.told.of_this_turn => {}
                Some(step) if self.terms.options.detail.tells(&step) => {
                    self.told.text |=
                        matches!(&step, Step::AgUiEvent { text, .. } if !text.is_empty());
                    self.told.of_this_turn = step != Step::TurnEnd;
                    return ReplyEvent::Step(step);
                }
                // How an agent came to its words is told to nobody.
                Some(_) => {}
                None if self.first_message_was_all() => self.declare_over(),
                None => {
                    self.read().await;
                    now = self.spoke.max(now);
                }
            }
        }
    }

    /// Reads one message, or finds that there will be none.
    async fn read(&mut self) {
        let until = self.until();
        let is_unread_text = self.is_unread_text();
        let Some(socket) = &mut self.socket else {
            return;
        };
        match self.alarm.wait(until, socket.next()).await {
            Ok(Ok(incoming)) => {
                self.spoke = Instant::now();
                self.pinged = None;
                self.take(&incoming);
            }
            Ok(Err(SocketError::Lost(cause))) => {
                let error = self.failed(Failure::Lost).because(cause);
                self.finish(Code::Normal, Err(error));
            }
            Ok(Err(SocketError::Violation(code, cause))) => {
                let error = self.failed(Failure::Violation).because(cause);
                self.finish(code, Err(error));
            }
            Err(Silence::EndsReply) => self.declare_over(),
            // What it said by itself is no form that anybody knows: a text then.
            Err(Silence::TooLong(Timeout::Chunk))
                if self.terms.reply_end == ReplyEnd::Message && is_unread_text =>
            {
                self.declare_over();
            }
            Err(Silence::WantsPing) => {
                socket.ping();
                self.pinged = Some(Instant::now());
            }
            Err(Silence::TooLong(timeout)) => self.time_out(timeout),
        }
    }

    /// Until when the agent may be silent, and what it means if it is.
    fn until(&self) -> Until<Silence> {
        let sooner = |time, silence| Until::sooner(self.terms.deadline, self.spoke, time, silence);
        let longest = self.terms.chunk_timeout;
        let until = match self.terms.reply_end {
            ReplyEnd::Silence(silence)
                if (self.told.text || self.reader.may_hold_text())
                    && !self.is_over
                    && silence < longest =>
            {
                sooner(silence, Silence::EndsReply)
            }
            _ => sooner(longest, Silence::TooLong(Timeout::Chunk)),
        };
        let Some(interval) = self.terms.ping_interval else {
            return until;
        };
        let quiet_since = self.pinged.unwrap_or(self.spoke);
        until.or_sooner(quiet_since, interval, Silence::WantsPing)
    }

    fn first_message_was_all(&self) -> bool {
        (self.told.text || self.reader.holds_text())
            && self.terms.reply_end == ReplyEnd::Message
            && !self.is_over
    }

    /// Whether all that came is text only where nothing else comes.
    fn is_unread_text(&self) -> bool {
        !self.told.text && !self.is_over && self.reader.may_hold_text()
    }

    /// The reply is over by the operator's word: what is pending is read as it stands.
    fn declare_over(&mut self) {
        self.is_over = true;
        self.reader.finish();
    }

    fn take(&mut self, incoming: &Incoming) {
        self.peer_has_closed |= matches!(incoming, Incoming::Close(_));
        self.watch.see(match incoming {
            Incoming::Text(text) => Seen::Text(text),
            Incoming::Binary(bytes) => Seen::Binary(bytes),
            Incoming::Close(code) => Seen::Closed(*code),
        });
        match incoming {
            Incoming::Text(text) => self.reader.push_text(text),
            Incoming::Binary(bytes) => self.reader.push_binary(bytes),
            Incoming::Close(None | Some(1000 | 1001)) => self.reader.finish(),
            Incoming::Close(Some(code)) => {
                let error = self.failed(Failure::Lost);
                let error = error.because(format!("closed with code {code}"));
                self.finish(Code::Normal, Err(error));
            }
        }
    }

    /// What the reply has consisted of so far.
    pub(super) fn counts(&self) -> Counts {
        self.reader.counts()
    }

    /// Ends the conversation before the reply has ended.
    pub(super) async fn close(&mut self) {
        self.finish(Code::Normal, Ok(()));
        self.closed().await;
    }

    /// Begins to close the socket, if that has not been done.
    fn finish(&mut self, code: Code, outcome: Outcome) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        self.watch.see(Seen::Over(outcome.as_ref().err()));
        self.outcome = Some(outcome);
        self.closing = Some(Box::pin(socket.close(code)));
    }

    /// Waits until the socket is closed.
    async fn closed(&mut self) {
        if let Some(closing) = &mut self.closing {
            closing.await;
            self.closing = None;
        }
    }

    fn end(&mut self, end: End) {
        let (code, failure, cause) = match end {
            End::Complete if self.may_go_on() => {
                self.kept = self.socket.take();
                self.watch.see(Seen::Over(None));
                self.outcome = Some(Ok(()));
                return;
            }
            End::Complete => return self.finish(Code::Normal, Ok(())),
            End::Unfinished if self.is_over => return self.finish(Code::Normal, Ok(())),
            End::Unfinished => (
                Code::Normal,
                Failure::Lost,
                "closed before the agent's run was over",
            ),
            End::AgentError => (Code::Normal, Failure::AgentError, "an error event"),
            End::NotUtf8 => (
                Code::NotUtf8,
                Failure::Violation,
                "a message that is not UTF-8",
            ),
            End::TooLarge => (
                Code::TooLarge,
                Failure::Violation,
                "an event larger than 8 MiB",
            ),
        };
        let error = self.failed(failure).because(cause);
        self.finish(code, Err(error));
    }

    /// Whether another turn may follow on the socket: the agent has said that this one is over, and all
    /// that we had to say has left.
    fn may_go_on(&self) -> bool {
        let is_idle = self
            .socket
            .as_ref()
            .is_some_and(|socket| !socket.is_sending());
        self.terms.keeps_socket && is_idle && !self.is_over && !self.peer_has_closed
    }

    /// The socket, where it is kept for the next turn.
    pub(super) fn take_kept(&mut self) -> Option<Socket<T>> {
        self.kept.take()
    }

    fn time_out(&mut self, timeout: Timeout) {
        let error = self.failed(Failure::Timeout(timeout));
        self.finish(Code::Normal, Err(error));
    }

    fn failed(&self, failure: Failure) -> InvocationError {
        let is_sending = self.socket.as_ref().is_some_and(Socket::is_sending);
        let phase = match (self.told.text, is_sending) {
            (true, _) => Phase::Stream,
            (false, true) => Phase::Send,
            (false, false) => Phase::FirstChunk,
        };
        InvocationError::new(phase, failure)
    }
}

#[cfg(test)]
mod moments;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use aws_credential_types::Credentials;
    use http::HeaderMap;

    use super::*;
    use crate::agent::{Runtime, RuntimeArn};
    use crate::agentcore::sign::presign::presign;
    use crate::session::{RuntimeSessionId, SessionId};

    /// A peer that upgrades the connection and then reads nothing: the prompt never leaves whole,
    /// and neither does the close frame.
    #[tokio::test(start_paused = true)]
    async fn a_prompt_that_does_not_leave_is_not_waited_for_for_ever() {
        let (ours, theirs) = tokio::io::duplex(4_096);
        tokio::spawn(async move {
            let peer = tokio_tungstenite::accept_async(theirs).await;
            std::future::pending::<()>().await;
            drop(peer);
        });
        let arn = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/Agent-Pgs8nUGuuS";
        let url = presign(
            &Runtime::of(RuntimeArn::parse(arn).unwrap()),
            &RuntimeSessionId::of(&SessionId::generate()),
            None,
            &Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"),
            SystemTime::UNIX_EPOCH,
        );
        let headers = HeaderMap::new();
        let socket = Socket::open(ours, url.endpoint(), url.target(), &headers);
        let socket = socket.await.unwrap();

        let start = Instant::now();
        let deadline = start + Duration::from_secs(25);
        let prompt = "x".repeat(100_000);
        let terms = Terms {
            deadline,
            chunk_timeout: Duration::from_secs(20),
            ping_interval: None,
            reply_end: ReplyEnd::Explicit,
            options: ReplyOptions::text_alone(1 << 20),
            keeps_socket: false,
        };
        let mut exchange = Exchange::open(socket, terms);
        exchange.send(prompt.into());
        let ReplyEvent::Interrupted(error) = exchange.next().await else {
            panic!("there is nobody to reply");
        };
        assert_eq!(error.phase, Phase::Send);
        assert_eq!(error.failure, Failure::Timeout(Timeout::Chunk));
        assert_eq!(
            start.elapsed(),
            Duration::from_millis(20_100),
            "100 ms for the close frame"
        );
    }
}
