//! Output formats. Each is one file that turns the events of a reply into bytes. A new one is a
//! file here, a variant of [`FormatName`], and a way to ask for it.

use std::time::SystemTime;

use agentcore_reply::Step;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::accept::wants_events;
use super::error::ApiError;
use super::exposed_steps::ExposedSteps;
use crate::agent::{Agent, AgentId};
use crate::agentcore::Detail;
use crate::session::SessionId;

mod ag_ui;
mod ai_sdk;
mod json;
pub(super) mod keep_alive;
mod native;
mod openai;
mod raw;
mod sse;

pub(super) use ag_ui::{RunIds, with_text};
pub(super) use openai::{ErrorBody as OpenAiError, X_SESSION_ID, unix_seconds};

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

/// Writes one reply in an output format: the beginning, the pieces (chunks of text) and steps, then
/// the end or an error.
pub(super) trait Format: Send {
    /// The headers that identify the format, `Content-Type` among them.
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)>;

    /// Whether an error after the first piece can be written. If not, the response is marked as
    /// incomplete.
    fn tells_errors(&self) -> bool;

    /// Whether U+0085, U+2028 and U+2029 are escaped in what is written.
    fn escapes_line_separators(&self) -> bool;

    /// Writes what comes before the first piece.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Writes a piece of text.
    fn piece(&mut self, text: &str, out: &mut Vec<u8>);

    /// How many bytes a piece adds to its text at the most, escaped as part of a JSON string.
    fn piece_frame_bytes(&self) -> usize;

    /// Writes a step that is no text, or the end of a turn. Most formats have a place for few of
    /// them.
    fn step(&mut self, _step: &Step, _out: &mut Vec<u8>) {}

    /// Writes what follows the last piece of a reply.
    fn end(&mut self, ended: Completion, out: &mut Vec<u8>);

    /// Writes the error of a reply that broke off, and what follows it.
    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>);
}

/// The available formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormatName {
    /// One JSON document.
    Json,
    /// Our own server-sent events.
    Native,
    /// The UI message stream of the Vercel AI SDK.
    AiSdk,
    /// Events of AG-UI. The ids of the run are the caller's; else the session, and a fresh one.
    AgUi(Option<RunIds>),
    /// A chat completion of OpenAI's, as one document or as chunks.
    OpenAi { is_streamed: bool },
}

/// What a reply is of, as far as formats say it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) session: &'a SessionId,
    pub(super) agent: &'a AgentId,
    pub(super) now: fn() -> SystemTime,
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
        named.find_map(|value| match &*value {
            "ai-sdk" => Some(Self::AiSdk),
            "ag-ui" => Some(Self::AgUi(None)),
            _ => None,
        })
    }

    /// Whether the format is streamed, if streaming is possible.
    pub(super) fn is_streamed(&self) -> bool {
        !matches!(self, Self::Json | Self::OpenAi { is_streamed: false })
    }

    /// What is told beside the text of an agent's reply, where these steps may be seen.
    pub(super) fn detail(&self, exposed: ExposedSteps, agent: &Agent) -> Detail {
        let ExposedSteps { reasoning, tools } = exposed;
        match self {
            Self::Json | Self::OpenAi { .. } => Detail::default(),
            Self::Native | Self::AiSdk | Self::AgUi(_) => Detail {
                reasoning,
                tools,
                ag_ui_events: matches!(self, Self::AgUi(_)) && agent.message.speaks_ag_ui(),
            },
        }
    }

    /// Creates a writer of the format.
    pub(super) fn writer(self, subject: Subject<'_>) -> Box<dyn Format> {
        let session = subject.session.clone();
        match self {
            Self::Json => Box::new(json::Json { session }),
            Self::Native => Box::new(native::Native { session }),
            Self::AiSdk => Box::new(ai_sdk::AiSdk::new(session)),
            Self::AgUi(ids) => {
                let ids = ids.unwrap_or_else(|| RunIds::fresh(session.as_str()));
                Box::new(ag_ui::AgUi::new(ids))
            }
            Self::OpenAi { is_streamed: false } => Box::new(openai::Whole::new(subject)),
            Self::OpenAi { is_streamed: true } => Box::new(openai::Chunks::new(subject)),
        }
    }
}

/// Appends a value as JSON.
fn push_json(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Formats write structs of strings, numbers and booleans, which always serialize.
    let _ = serde_json::to_writer(out, value);
}

/// Appends a text as a part of the JSON string that has begun.
fn push_in_string(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    push_json(out, &text);
    // Without the quotation marks around.
    out.pop();
    out.remove(start);
}
