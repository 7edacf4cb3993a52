//! A WebSocket to an agent. The only file that knows the WebSocket library.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connect::Transport;
use super::endpoint::Endpoint;
use super::handshake::{HandshakeError, shake_hands};
use super::linger::{LINGER, Lingering};

/// The service refuses larger frames.
const MAX_SENT_FRAME_BYTES: usize = 32 * 1024;

/// How large frames are once what is unsent has left no room for a larger one.
const SMALL_FRAME_BYTES: usize = 1024;

/// How much may be unsent. A peer that pings and does not read what is answered would have it grow
/// without end; where it is full, the last ping alone is answered. It has to be more than a frame and
/// what the library sends at once (128 KiB).
const MAX_UNSENT_BYTES: usize = 256 * 1024;

/// No message of the peer may be larger, nor is more allocated on its word.
const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// What is read at once. All of it is zeroed each time, so it is no larger than what events take.
const READ_BUFFER_BYTES: usize = 4 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a socket gives no more messages.
#[derive(Debug)]
pub(in crate::agentcore) enum SocketError {
    /// The connection broke off without a close frame.
    Lost(BoxError),
    /// The peer broke the protocol; the code says how, for the close frame.
    Violation(Code, BoxError),
}

/// RFC 6455, section 7.4.1: why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agentcore) enum Code {
    Normal,
    Protocol,
    NotUtf8,
    TooLarge,
}

impl From<Code> for CloseFrame {
    fn from(code: Code) -> Self {
        let code = match code {
            Code::Normal => CloseCode::Normal,
            Code::Protocol => CloseCode::Protocol,
            Code::NotUtf8 => CloseCode::Invalid,
            Code::TooLarge => CloseCode::Size,
        };
        Self {
            code,
            reason: Utf8Bytes::default(),
        }
    }
}

/// What a peer sends.
#[derive(Debug)]
pub(in crate::agentcore) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A close frame, with its code where it had one. Nothing comes after it.
    Close(Option<u16>),
}

/// An open WebSocket.
///
/// [`Socket::close`] is the way to end it. One that is dropped, since its invocation was cancelled,
/// sends its close frame as far as that can be done without waiting.
pub(in crate::agentcore) struct Socket<T: Transport = Box<dyn Transport>> {
    stream: WebSocketStream<Lingering<T>>,
    /// What of the message has not been handed to the library.
    outgoing: Option<Outgoing>,
    /// What has not left altogether.
    unsent: Unsent,
    closed_by_peer: bool,
    /// The peer's close frame has a code that must not be sent.
    close_was_wrong: bool,
    closed: bool,
}

/// What may not have left altogether, the more important later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unsent {
    Nothing,
    Ping,
    Message,
}

/// The rest of a message, and how it goes on.
struct Outgoing {
    rest: Bytes,
    opcode: OpCode,
    frame_bytes: usize,
}

impl Outgoing {
    /// The frame that is next, and the rest behind it.
    fn split(&self) -> (Frame, Option<Self>) {
        let mut rest = self.rest.clone();
        let part = rest.split_to(rest.len().min(self.frame_bytes));
        let frame = Frame::message(part, self.opcode, rest.is_empty());
        let then = Self {
            rest,
            opcode: OpCode::Data(Data::Continue),
            frame_bytes: self.frame_bytes,
        };
        (frame, (!then.rest.is_empty()).then_some(then))
    }
}

impl<T: Transport> Socket<T> {
    /// A WebSocket at a path and query, the endpoint's prefix included. `headers` go with the handshake.
    pub(in crate::agentcore) async fn open(
        mut transport: T,
        endpoint: &Endpoint,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Self, HandshakeError> {
        let received = shake_hands(&mut transport, endpoint, target, headers).await?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_write_buffer_size(MAX_UNSENT_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let transport = Lingering::new(transport);
        let (received, role) = (received.to_vec(), Role::Client);
        let stream =
            WebSocketStream::from_partially_read(transport, received, role, Some(config)).await;
        Ok(Self {
            stream,
            outgoing: None,
            unsent: Unsent::Nothing,
            closed_by_peer: false,
            close_was_wrong: false,
            closed: false,
        })
    }

    /// Begins to send a text message, in frames that the service takes. [`Socket::next`] sends it.
    pub(in crate::agentcore) fn send(&mut self, text: Bytes) {
        self.outgoing = Some(Outgoing {
            rest: text,
            opcode: OpCode::Data(Data::Text),
            frame_bytes: MAX_SENT_FRAME_BYTES,
        });
        self.unsent = Unsent::Message;
    }

    /// Whether the message has not left altogether.
    pub(in crate::agentcore) fn is_sending(&self) -> bool {
        self.unsent == Unsent::Message
    }

    /// Begins to send a ping, so that the connection is not taken for idle. [`Socket::next`] sends it,
    /// and takes the answer.
    pub(in crate::agentcore) fn ping(&mut self) {
        let ping = Message::Ping(Bytes::new());
        // Where there is no room for it, there is no need for it.
        if self.stream.start_send_unpin(ping).is_ok() {
            self.unsent = self.unsent.max(Unsent::Ping);
        }
    }

    /// Whether the peer answers a ping in this time, and has sent nothing else since the last message.
    /// Cancelled, it leaves the socket of no use.
    pub(in crate::agentcore) async fn answers_ping(&mut self, within: Duration) -> bool {
        const ALIVE: Bytes = Bytes::from_static(b"alive");
        let answer = async {
            self.stream.send(Message::Ping(ALIVE)).await.ok()?;
            loop {
                match self.stream.next().await? {
                    Ok(Message::Pong(answer)) if answer == ALIVE => return Some(()),
                    Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                    _ => return None,
                }
            }
        };
        matches!(
            timeout_at(Instant::now() + within, answer).await,
            Ok(Some(()))
        )
    }

    /// The next message. Reading does not wait for the sending: a peer that answers before it has
    /// read everything would wait for us as we for it.
    ///
    /// Cancelling it loses nothing.
    pub(in crate::agentcore) async fn next(&mut self) -> Result<Incoming, SocketError> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, SocketError>> {
        if self.unsent != Unsent::Nothing
            && let Poll::Ready(Err(error)) = self.poll_send(cx)
        {
            return Poll::Ready(Err(socket_error(error)));
        }
        loop {
            return match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(Message::Text(text))) => Poll::Ready(Ok(Incoming::Text(text))),
                Some(Ok(Message::Binary(bytes))) => Poll::Ready(Ok(Incoming::Binary(bytes))),
                Some(Ok(Message::Close(frame))) => {
                    self.closed_by_peer = true;
                    // So the library calls a code that must not be sent (RFC 6455, section 7.4.2); a
                    // peer that says 1002 itself has a reason of its own, or none.
                    self.close_was_wrong = frame.as_ref().is_some_and(|frame| {
                        frame.code == CloseCode::Protocol && frame.reason == "Protocol violation"
                    });
                    let code = frame.map(|frame| u16::from(frame.code));
                    Poll::Ready(Ok(Incoming::Close(code)))
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(error)) => Poll::Ready(Err(socket_error(error))),
                None => Poll::Ready(Err(socket_error(WsError::ConnectionClosed))),
            };
        }
    }

    /// Hands over all frames, then flushes once.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        while let Some(outgoing) = &mut self.outgoing {
            let (frame, rest) = outgoing.split();
            match self.stream.start_send_unpin(Message::Frame(frame)) {
                Ok(()) => self.outgoing = rest,
                // Answers to pings have filled it. Where a peer reads slowly and pings all the time, that
                // leaves little room at once: what leaves makes room for a small frame.
                Err(WsError::WriteBufferFull(_)) => {
                    let was_small = outgoing.frame_bytes == SMALL_FRAME_BYTES;
                    outgoing.frame_bytes = SMALL_FRAME_BYTES;
                    let flushed = self.stream.poll_flush_unpin(cx)?;
                    if flushed.is_pending() && was_small {
                        return Poll::Pending;
                    }
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        ready!(self.stream.poll_flush_unpin(cx))?;
        if !self.stream.get_ref().write_failed() {
            self.unsent = Unsent::Nothing;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a close frame, waits at most 100 ms for it to leave, and ends the connection. Lambda may
    /// freeze the process right after the answer, so it goes out before; a peer that does not read must
    /// not hold the answer up. Neither is the peer's own close waited for.
    pub(in crate::agentcore) async fn close(mut self, code: Code) {
        self.closed = true;
        let until = Instant::now() + LINGER;
        self.stream.get_mut().until(until);
        let _ = timeout_at(until, self.send_close(code)).await;
    }

    async fn send_close(&mut self, code: Code) -> Result<(), WsError> {
        if self.closed_by_peer {
            // The library would repeat the peer's code, and says nothing else any more.
            if !self.is_sending() {
                let code = if self.close_was_wrong {
                    Code::Protocol
                } else {
                    code
                };
                let transport = self.stream.get_mut();
                transport.write_all(&close_frame(code)).await?;
            }
        } else {
            // Twice, since an answer to a ping that found no room goes out with the second: behind a
            // close frame it would break the protocol, and before it there is room for one.
            self.flush().await?;
            self.flush().await?;
            self.stream
                .start_send_unpin(Message::Close(Some(code.into())))?;
            self.flush().await?;
        }
        self.dropping_incoming(|stream, cx| {
            let transport = Pin::new(stream.get_mut());
            transport.poll_shutdown(cx).map_err(WsError::from)
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), WsError> {
        self.dropping_incoming(SinkExt::poll_flush_unpin).await
    }

    /// Writes. What comes meanwhile is dropped: a peer that waits for us to read would not read either.
    async fn dropping_incoming<U>(
        &mut self,
        mut write: impl FnMut(&mut WebSocketStream<Lingering<T>>, &mut Context<'_>) -> Poll<U>,
    ) -> U {
        std::future::poll_fn(|cx| {
            let written = write(&mut self.stream, cx);
            if written.is_pending() {
                // A connection that cannot be read any more is found out about by writing.
                let _ = self.stream.get_mut().poll_drop_incoming(cx);
            }
            written
        })
        .await
    }
}

impl<T: Transport> Drop for Socket<T> {
    fn drop(&mut self) {
        if self.closed || self.closed_by_peer {
            return;
        }
        // What the kernel takes at once is sent, which it nearly always does.
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let close = Message::Close(Some(Code::Normal.into()));
        let mut stream = Pin::new(&mut self.stream);
        let _ = stream.as_mut().poll_flush(&mut cx);
        if stream.as_mut().start_send(close).is_ok() {
            let _ = stream.poll_flush(&mut cx);
        }
    }
}

/// A masked close frame, as a client sends it.
fn close_frame(code: Code) -> Vec<u8> {
    let mut frame = Frame::close(Some(code.into()));
    frame.header_mut().mask = Some(rand::random());
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = frame.format(&mut bytes);
    bytes
}

fn socket_error(error: WsError) -> SocketError {
    match error {
        WsError::Io(error) => SocketError::Lost(error.into()),
        WsError::Protocol(error @ ProtocolError::ResetWithoutClosingHandshake) => {
            SocketError::Lost(error.into())
        }
        WsError::ConnectionClosed | WsError::AlreadyClosed => SocketError::Lost(error.into()),
        WsError::Utf8(_) => SocketError::Violation(Code::NotUtf8, describe(&error).into()),
        WsError::Capacity(_) => SocketError::Violation(Code::TooLarge, describe(&error).into()),
        error => SocketError::Violation(Code::Protocol, describe(&error).into()),
    }
}

/// The library's errors quote the peer in places. These sentences do not.
fn describe(error: &WsError) -> &'static str {
    match error {
        WsError::Utf8(_) => "a text that is not UTF-8",
        WsError::Capacity(_) => "a message larger than allowed",
        WsError::Protocol(error) => match error {
            ProtocolError::MaskedFrameFromServer => "a masked frame",
            ProtocolError::NonZeroReservedBits => "a reserved bit that is set",
            ProtocolError::FragmentedControlFrame => "a control frame in fragments",
            ProtocolError::ControlFrameTooBig => "a control frame larger than 125 bytes",
            ProtocolError::UnknownControlFrameType(_)
            | ProtocolError::UnknownDataFrameType(_)
            | ProtocolError::InvalidOpcode(_) => "a frame of unknown type",
            ProtocolError::UnexpectedContinueFrame => "a continuation of nothing",
            ProtocolError::ExpectedFragment(_) => "a new message within another",
            ProtocolError::InvalidCloseSequence => "a malformed close frame",
            ProtocolError::ReceivedAfterClosing => "a frame after the close frame",
            _ => "a frame that is not as RFC 6455 wants it",
        },
        _ => "an answer that makes no sense",
    }
}

#[cfg(test)]
mod tests;
