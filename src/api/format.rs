//! How a reply is written. Each format is one file that turns what a reply gives into text; a new one
//! is a file here, a variant of [`FormatName`], and a way to ask for it.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::accept::wants_events;
use super::error::ApiError;
use crate::session::SessionId;

mod ai_sdk;
mod json;
pub(super) mod keep_alive;
mod native;
mod sse;

/// How a reply ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// Pieces that the agent gave.
    pub(super) chunks: u64,
    /// In milliseconds.
    pub(super) duration: u64,
    /// There would have been more.
    pub(super) incomplete: bool,
}

/// Writes one reply: what comes before the first piece, the pieces, then the end or an error.
pub(super) trait Format: Send {
    /// The answer's `Content-Type`.
    fn content_type(&self) -> HeaderValue;

    /// Another header by which the answer is known, where there is one.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    /// Whether an answer can be told an error after its first piece. Else it is an incomplete one.
    fn tells_errors(&self) -> bool;

    /// Writes what comes first.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Writes a piece of text.
    fn piece(&mut self, text: &str, out: &mut Vec<u8>);

    /// How much a piece takes beside its text, as part of a JSON string.
    fn piece_frame_bytes(&self) -> usize;

    /// Writes what comes last.
    fn end(&mut self, ended: Ended, out: &mut Vec<u8>);

    /// Writes what comes last where the reply broke off.
    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>);
}

/// The formats that there are.
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
    /// The format that a query names, else the one that `Accept` asks for.
    pub(super) fn asked_for(query: Option<&str>, headers: &HeaderMap) -> Self {
        Self::named_in(query).unwrap_or_else(|| {
            if wants_events(headers) {
                Self::Native
            } else {
                Self::Json
            }
        })
    }

    /// The format that a query names, where it names one.
    pub(super) fn named_in(query: Option<&str>) -> Option<Self> {
        let query = query?;
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let mut named = pairs
            .filter(|(name, _)| name == "format")
            .map(|(_, value)| value);
        named.find_map(|value| (value == "ai-sdk").then_some(Self::AiSdk))
    }

    /// Whether it is written while the reply arrives, where that is possible.
    pub(super) fn is_streamed(self) -> bool {
        self != Self::Json
    }

    /// A writer of it.
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
    // What formats write are structs of texts, numbers and truth values, which always serialize.
    let _ = serde_json::to_writer(out, value);
}
