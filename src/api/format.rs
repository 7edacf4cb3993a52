//! Output formats. Each is one file that turns the events of a reply into bytes. A new one is a
//! file here, a variant of [`FormatName`], and a way to ask for it.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::accept::wants_events;
use super::error::ApiError;
use crate::session::SessionId;

mod ai_sdk;
mod json;
pub(super) mod keep_alive;
mod native;
mod sse;

/// The outcome of a reply, for the end of a response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    /// The number of chunks that the agent sent.
    pub(super) chunks: u64,
    /// In milliseconds.
    pub(super) duration: u64,
    /// Part of the reply is missing from the response.
    pub(super) incomplete: bool,
}

/// Writes one reply in an output format: the beginning, the pieces (chunks of text), then the end
/// or an error.
pub(super) trait Format: Send {
    /// The `Content-Type` of the response.
    fn content_type(&self) -> HeaderValue;

    /// A further header that identifies the format, if it has one.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    /// Whether an error after the first piece can be written. If not, the response is marked as
    /// incomplete.
    fn tells_errors(&self) -> bool;

    /// Writes what comes before the first piece.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Writes a piece of text.
    fn piece(&mut self, text: &str, out: &mut Vec<u8>);

    /// How many bytes a piece adds to its text, escaped as part of a JSON string.
    fn piece_frame_bytes(&self) -> usize;

    /// Writes what follows the last piece of a reply.
    fn end(&mut self, ended: Completion, out: &mut Vec<u8>);

    /// Writes the error of a reply that broke off, and what follows it.
    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>);
}

/// The available formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatName {
    /// One JSON document.
    Json,
    /// Our own server-sent events.
    Native,
    /// The UI message stream of the Vercel AI SDK.
    AiSdk,
}

impl FormatName {
    /// The format named in the query, or else the one that the `Accept` header asks for.
    pub(super) fn asked_for(query: Option<&str>, headers: &HeaderMap) -> Self {
        Self::named_in(query).unwrap_or_else(|| {
            if wants_events(headers) {
                Self::Native
            } else {
                Self::Json
            }
        })
    }

    /// The format named in the query; `None` for an unknown one.
    pub(super) fn named_in(query: Option<&str>) -> Option<Self> {
        let query = query?;
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let mut named = pairs
            .filter(|(name, _)| name == "format")
            .map(|(_, value)| value);
        named.find_map(|value| (value == "ai-sdk").then_some(Self::AiSdk))
    }

    /// Whether the format is streamed, if streaming is possible.
    pub(super) fn is_streamed(self) -> bool {
        self != Self::Json
    }

    /// Creates a writer of the format.
    pub(super) fn writer(self, session: &SessionId) -> Box<dyn Format> {
        let session = session.clone();
        match self {
            Self::Json => Box::new(json::Json { session }),
            Self::Native => Box::new(native::Native { session }),
            Self::AiSdk => Box::new(ai_sdk::AiSdk { session }),
        }
    }
}

/// Appends a value as JSON.
fn push_json(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Formats write structs of strings, numbers and booleans, which always serialize.
    let _ = serde_json::to_writer(out, value);
}
