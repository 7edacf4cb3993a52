//! A WebSocket to an agent. The only file that knows the WebSocket library.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connect::Transport;
use super::endpoint::Endpoint;
use super::handshake::{HandshakeError, shake_hands};

/// The service refuses larger frames.
const MAX_SENT_FRAME_BYTES: usize = 32 * 1024;

/// No message of the peer may be larger, nor is more allocated on its word.
const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// What is read at once. All of it is zeroed each time, so it is no larger than what events take.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// How long a close frame may take to leave. Lambda may freeze the process right after the answer,
/// so it goes out before; a peer that does not read must not hold the answer up.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

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
    stream: WebSocketStream<T>,
    /// Frames of the message that is being sent.
    outgoing: VecDeque<Frame>,
    /// The message has not left altogether.
    is_sending: bool,
    /// Sending has failed. What the peer sent before that can still be read.
    send_error: Option<WsError>,
    closed_by_peer: bool,
    closed: bool,
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
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let (received, role) = (received.to_vec(), Role::Client);
        let stream =
            WebSocketStream::from_partially_read(transport, received, role, Some(config)).await;
        Ok(Self {
            stream,
            outgoing: VecDeque::new(),
            is_sending: false,
            send_error: None,
            closed_by_peer: false,
            closed: false,
        })
    }

    /// Begins to send a text message, in frames that the service takes. [`Socket::next`] sends it.
    pub(in crate::agentcore) fn send(&mut self, text: Bytes) {
        let mut rest = text;
        let mut opcode = OpCode::Data(Data::Text);
        while rest.len() > MAX_SENT_FRAME_BYTES {
            let part = rest.split_to(MAX_SENT_FRAME_BYTES);
            self.outgoing.push_back(Frame::message(part, opcode, false));
            opcode = OpCode::Data(Data::Continue);
        }
        self.outgoing.push_back(Frame::message(rest, opcode, true));
        self.is_sending = true;
    }

    /// Whether the message has not left altogether.
    pub(in crate::agentcore) fn is_sending(&self) -> bool {
        self.is_sending
    }

    /// The next message. Reading does not wait for the sending: a peer that answers before it has
    /// read everything would wait for us as we for it.
    ///
    /// Cancelling it loses nothing.
    pub(in crate::agentcore) async fn next(&mut self) -> Result<Incoming, SocketError> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, SocketError>> {
        if self.is_sending
            && self.send_error.is_none()
            && let Poll::Ready(Err(error)) = self.poll_send(cx)
        {
            self.send_error = Some(error);
        }
        loop {
            return match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(Message::Text(text))) => Poll::Ready(Ok(Incoming::Text(text))),
                Some(Ok(Message::Binary(bytes))) => Poll::Ready(Ok(Incoming::Binary(bytes))),
                Some(Ok(Message::Close(frame))) => {
                    self.closed_by_peer = true;
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
        while !self.outgoing.is_empty() {
            ready!(self.stream.poll_ready_unpin(cx))?;
            if let Some(frame) = self.outgoing.pop_front() {
                self.stream.start_send_unpin(Message::Frame(frame))?;
            }
        }
        ready!(self.stream.poll_flush_unpin(cx))?;
        self.is_sending = false;
        Poll::Ready(Ok(()))
    }

    /// Sends a close frame, waits at most 100 ms for it to leave, and ends the connection. The
    /// peer's own close is not waited for.
    pub(in crate::agentcore) async fn close(mut self, code: Code) {
        self.closed = true;
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.send_close(code)).await;
    }

    async fn send_close(&mut self, code: Code) -> Result<(), WsError> {
        if self.closed_by_peer {
            // The library would repeat the peer's code, and says nothing else any more.
            if !self.is_sending {
                let transport = self.stream.get_mut();
                transport.write_all(&close_frame(code)).await?;
                transport.flush().await?;
            }
        } else {
            self.stream.feed(Message::Close(Some(code.into()))).await?;
            self.stream.flush().await?;
        }
        self.stream.get_mut().shutdown().await?;
        Ok(())
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
