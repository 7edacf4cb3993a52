//! A reply as a stream of events, in one of several formats: written while it arrives, or as one
//! document where nothing can be streamed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderName, HeaderValue, header};

use super::AnswerLimit;
use super::error::ApiError;
use super::response::{Metadata, OVERHEAD_BYTES, bytes_escaped_once, fitting};
use crate::agent::AgentId;
use crate::agentcore::ReplyStream;
use crate::agentcore::error::InvocationError;
use crate::agentcore::exchange::ReplyEvent;
use crate::invocation::SessionId;
use crate::limits::Permit;
use crate::telemetry::invocation::InvocationLog;
use keep_alive::KeepAlive;

mod ai_sdk;
mod keep_alive;
mod sse;

const DONE: &str = "data: [DONE]\n\n";

/// How a reply is written as events. One file each: a new one is a variant here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Our own.
    Events,
    /// The UI message stream of the Vercel AI SDK.
    AiSdk,
}

impl Format {
    /// The format that a query names, where it names one.
    pub(super) fn named_in(query: Option<&str>) -> Option<Self> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut named = pairs
            .filter(|(name, _)| name == "format")
            .map(|(_, value)| value);
        named.find_map(|value| (value == "ai-sdk").then_some(Self::AiSdk))
    }

    fn header(self) -> Option<(HeaderName, HeaderValue)> {
        (self == Self::AiSdk).then_some(ai_sdk::HEADER)
    }

    fn beginning(self, session: &SessionId) -> String {
        match self {
            Self::Events => sse::beginning(session),
            Self::AiSdk => ai_sdk::beginning(session),
        }
    }

    fn piece(self, text: &str) -> String {
        match self {
            Self::Events => sse::piece(text),
            Self::AiSdk => ai_sdk::piece(text),
        }
    }

    fn end(self, session: &SessionId, metadata: Metadata, incomplete: bool) -> String {
        match self {
            Self::Events => sse::end(session, metadata, incomplete),
            Self::AiSdk => ai_sdk::end(session, metadata, incomplete),
        }
    }

    fn error(self, error: &ApiError) -> String {
        match self {
            Self::Events => sse::error(error),
            Self::AiSdk => ai_sdk::error(error),
        }
    }
}

/// What is to be written.
pub(super) struct Streamed {
    pub(super) reply: ReplyStream,
    pub(super) format: Format,
    pub(super) agent: AgentId,
    pub(super) session: SessionId,
    /// The caller sent the session itself, and is told it in an error.
    pub(super) sent_session: bool,
    /// Given back when the stream has ended, or is given up.
    pub(super) _permit: Permit,
    pub(super) limit: AnswerLimit,
    pub(super) log: Arc<InvocationLog>,
    pub(super) chunks: u64,
    pub(super) bytes: usize,
}

impl Streamed {
    /// An answer that is written while the reply arrives: nothing is collected, and a caller that
    /// reads slowly slows the reading from the agent.
    pub(super) fn respond(self) -> Response {
        let format = self.format;
        let beginning = format.beginning(&self.session);
        let events = stream::unfold(Some(self), move |streamed| async move {
            let mut streamed = streamed?;
            let request = streamed.log.request().clone();
            let next = AssertUnwindSafe(request.scope(streamed.next_bytes()));
            let next = next.catch_unwind().await;
            let (text, is_last) = next.unwrap_or_else(|_| (streamed.panicked(), true));
            Some((text, (!is_last).then_some(streamed)))
        });
        // The session goes out with the first piece: not before it, and not in a packet of its own.
        let mut beginning = Some(beginning);
        let events = KeepAlive::new(Box::pin(events)).map(move |text| {
            let text = beginning.take().unwrap_or_default() + &text;
            Ok::<_, std::convert::Infallible>(Bytes::from(text))
        });
        answer(format, Body::from_stream(events))
    }

    /// What goes out next, and whether nothing comes after it.
    async fn next_bytes(&mut self) -> (String, bool) {
        match self.reply.next().await {
            ReplyEvent::Piece(text) => {
                self.chunks += 1;
                self.bytes += text.len();
                (self.format.piece(&text), false)
            }
            ReplyEvent::Complete => (self.end(false), true),
            ReplyEvent::Interrupted(error) => (self.error(&error), true),
        }
    }

    /// An answer that holds the whole document, of which at most `max_reply_bytes` are the reply's,
    /// and which stays below the limit of an answer.
    pub(super) async fn respond_whole(mut self, max_reply_bytes: usize) -> Response {
        let mut document = self.format.beginning(&self.session);
        let mut room = self.limit.bytes() - OVERHEAD_BYTES;
        loop {
            match self.reply.next().await {
                ReplyEvent::Piece(text) => {
                    self.chunks += 1;
                    let of_reply = max_reply_bytes - self.bytes;
                    let kept = &text[..text.floor_char_boundary(of_reply)];
                    let frame = bytes_escaped_once(&self.format.piece(""));
                    let kept = fitting(kept, room.saturating_sub(frame));
                    if !kept.is_empty() {
                        let event = self.format.piece(kept);
                        room = room.saturating_sub(bytes_escaped_once(&event));
                        document.push_str(&event);
                        self.bytes += kept.len();
                    }
                    if kept.len() < text.len() {
                        document.push_str(&self.end(true));
                        self.reply.close().await;
                        break;
                    }
                }
                ReplyEvent::Complete => {
                    document.push_str(&self.end(false));
                    break;
                }
                ReplyEvent::Interrupted(error) => {
                    document.push_str(&self.error(&error));
                    break;
                }
            }
        }
        answer(self.format, Body::from(document))
    }

    fn end(&self, incomplete: bool) -> String {
        let duration = self.log.complete(self.bytes, incomplete);
        let metadata = Metadata {
            chunks: self.chunks,
            duration,
        };
        self.format.end(&self.session, metadata, incomplete) + DONE
    }

    fn error(&self, error: &InvocationError) -> String {
        let session = self.sent_session.then_some(&self.session);
        let answer = ApiError::from(error)
            .of_agent(&self.agent)
            .in_session(session);
        self.log.failed(answer.told(), error);
        self.format.error(&answer) + DONE
    }

    fn panicked(&self) -> String {
        let answer = ApiError::panicked();
        self.log.panicked(answer.told());
        self.format.error(&answer) + DONE
    }
}

fn answer(format: Format, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.extend(format.header());
    response
}

/// An event of the name, or of none, with JSON for data.
fn event(name: &str, data: &impl serde::Serialize) -> String {
    // JSON has no line ends but escaped ones, and our structs always serialize.
    let data = serde_json::to_string(data).unwrap_or_default();
    match name {
        "" => format!("data: {data}\n\n"),
        _ => format!("event: {name}\ndata: {data}\n\n"),
    }
}
