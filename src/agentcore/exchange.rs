//! One prompt out, one reply in, over an open socket, and the socket closed whatever happens.

use std::sync::Arc;
use std::time::Duration;

use agentcore_reply::{End, ReplyReader, Step};
use tokio::time::{Instant, timeout_at};

use super::error::{Failure, InvocationError, Phase, Timeout};
use super::observer::Observer;
use super::reply_end::ReplyEnd;
use super::socket::{Code, Incoming, Socket, SocketError, Transport};

/// What a reply gives next.
#[derive(Debug)]
pub enum ReplyEvent {
    /// A piece of text, never empty.
    Piece(String),
    /// The reply is whole.
    Complete,
    /// The reply broke off. The pieces before are all that there is.
    Interrupted(InvocationError),
}

/// What a silence of the agent means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    TooLong,
    EndsReply,
}

/// What holds for one exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// When it is over.
    pub(super) deadline: Instant,
    /// The longest silence.
    pub(super) chunk_timeout: Duration,
    /// What ends the reply, besides the agent's own word.
    pub(super) reply_end: ReplyEnd,
    /// How much of the reply's text is remembered, so that nothing of it is told twice.
    pub(super) memory_bytes: usize,
}

/// A conversation over one socket.
pub(super) struct Exchange<T: Transport = Box<dyn super::socket::Transport>> {
    /// `None` once it is closed.
    socket: Option<Socket<T>>,
    reader: ReplyReader,
    terms: Terms,
    /// When the agent spoke last; a prompt that is sent counts too.
    spoke: Instant,
    has_given_text: bool,
    /// The reply is over since `REPLY_END` says so, whatever the agent's format makes of that.
    is_over: bool,
    observer: Arc<dyn Observer>,
}

impl<T: Transport> Exchange<T> {
    /// A conversation over a socket that has just been opened.
    pub(super) fn open(socket: Socket<T>, terms: Terms, observer: Arc<dyn Observer>) -> Self {
        Self {
            socket: Some(socket),
            reader: ReplyReader::new(terms.memory_bytes),
            terms,
            spoke: Instant::now(),
            has_given_text: false,
            is_over: false,
            observer,
        }
    }

    /// Begins to send a message. The silence of the agent begins here too.
    pub(super) fn send(&mut self, message: String) {
        if let Some(socket) = &mut self.socket {
            socket.send(message);
        }
        self.spoke = Instant::now();
    }

    /// The next piece, or the end, before which the socket is closed. After the end, the end again.
    pub(super) async fn next(&mut self) -> ReplyEvent {
        loop {
            match self.reader.next() {
                Some(Step::Text(text)) => {
                    self.has_given_text = true;
                    self.observer.piece(text.len());
                    return ReplyEvent::Piece(text);
                }
                Some(Step::End(end)) => return self.end(end).await,
                // How an agent came to its words is not told to anybody.
                Some(_) => continue,
                None => {}
            }
            if self.has_given_text && self.terms.reply_end == ReplyEnd::Message && !self.is_over {
                self.declare_over();
                continue;
            }
            let limit = self.limit();
            let until = self.terms.deadline.min(limit.0);
            let Some(socket) = &mut self.socket else {
                return ReplyEvent::Complete;
            };
            match timeout_at(until, socket.next()).await {
                Ok(Ok(incoming)) => {
                    self.spoke = Instant::now();
                    match incoming {
                        Incoming::Text(text) => self.reader.push_text(&text),
                        Incoming::Binary(bytes) => self.reader.push_binary(&bytes),
                        Incoming::Close(None | Some(1000 | 1001)) => self.reader.finish(),
                        Incoming::Close(Some(code)) => {
                            let error = self.failed(Failure::Lost);
                            let error = error.because(format!("closed with code {code}"));
                            return self.interrupted(Code::Normal, error).await;
                        }
                    }
                }
                Ok(Err(SocketError::Lost(cause))) => {
                    let error = self.failed(Failure::Lost).because(cause);
                    return self.interrupted(Code::Normal, error).await;
                }
                Ok(Err(SocketError::Violation(code, cause))) => {
                    let error = self.failed(Failure::Violation).because(cause);
                    return self.interrupted(code, error).await;
                }
                Err(_) => {
                    let timeout = match limit {
                        _ if until == self.terms.deadline => Timeout::Invocation,
                        (_, Silence::TooLong) => Timeout::Chunk,
                        (_, Silence::EndsReply) => {
                            self.declare_over();
                            continue;
                        }
                    };
                    let error = self.failed(Failure::Timeout(timeout));
                    return self.interrupted(Code::Normal, error).await;
                }
            }
        }
    }

    /// Until when the agent may be silent, and what it means if it is.
    fn limit(&self) -> (Instant, Silence) {
        let too_long = self.spoke + self.terms.chunk_timeout;
        match self.terms.reply_end {
            ReplyEnd::Silence(silence) if self.has_given_text => {
                let end = self.spoke + silence;
                if end < too_long {
                    return (end, Silence::EndsReply);
                }
                (too_long, Silence::TooLong)
            }
            _ => (too_long, Silence::TooLong),
        }
    }

    /// The reply is over by the operator's word: what is pending is read as it stands.
    fn declare_over(&mut self) {
        self.is_over = true;
        self.reader.finish();
    }

    /// Ends the conversation before the reply has ended.
    pub(super) async fn close(&mut self) {
        self.finish(Code::Normal, None).await;
    }

    /// Closes the socket, if that has not been done.
    async fn finish(&mut self, code: Code, broke_off: Option<&InvocationError>) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        // Where nothing came before the failure, there was no stream that could finish.
        if broke_off.is_none() || self.has_given_text {
            self.observer.finished(broke_off, self.reader.counts());
        }
        socket.close(code).await;
        self.observer.closed();
    }

    async fn end(&mut self, end: End) -> ReplyEvent {
        let (code, failure, cause) = match end {
            End::Unfinished if !self.is_over => (
                Code::Normal,
                Failure::Lost,
                "closed before the agent's run was over",
            ),
            End::Complete | End::Unfinished => {
                self.finish(Code::Normal, None).await;
                return ReplyEvent::Complete;
            }
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
        self.interrupted(code, error).await
    }

    async fn interrupted(&mut self, code: Code, error: InvocationError) -> ReplyEvent {
        self.finish(code, Some(&error)).await;
        ReplyEvent::Interrupted(error)
    }

    fn failed(&self, failure: Failure) -> InvocationError {
        let is_sending = self.socket.as_ref().is_some_and(Socket::is_sending);
        let phase = match (self.has_given_text, is_sending) {
            (true, _) => Phase::Stream,
            (false, true) => Phase::Send,
            (false, false) => Phase::FirstChunk,
        };
        InvocationError::new(phase, failure)
    }
}

impl<T: Transport> Drop for Exchange<T> {
    fn drop(&mut self) {
        // Nobody waits for the reply any more. The socket closes itself.
        if let Some(socket) = self.socket.take() {
            drop(socket);
            self.observer.closed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use aws_credential_types::Credentials;
    use http::HeaderMap;

    use super::*;
    use crate::agent::RuntimeArn;
    use crate::agentcore::presign::presign;
    use crate::invocation::{RuntimeSessionId, SessionId};

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
            &RuntimeArn::parse(arn).unwrap(),
            None,
            &RuntimeSessionId::of(&SessionId::generate()),
            None,
            &Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"),
            SystemTime::UNIX_EPOCH,
        );
        let socket = Socket::open(ours, &url.unwrap(), &HeaderMap::new())
            .await
            .unwrap();

        let start = Instant::now();
        let deadline = start + Duration::from_secs(25);
        let prompt = "x".repeat(100_000);
        let terms = Terms {
            deadline,
            chunk_timeout: Duration::from_secs(20),
            reply_end: ReplyEnd::Explicit,
            memory_bytes: 1 << 20,
        };
        let mut exchange = Exchange::open(socket, terms, Arc::new(()));
        exchange.send(prompt);
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
