//! The reply as one JSON document.

use http::{HeaderName, HeaderValue, header};
use serde::Serialize;

use super::{Completion, Format, push_in_string, push_json};
use crate::api::error::ApiError;
use crate::api::response::APPLICATION_JSON;
use crate::session::SessionId;

pub(super) struct Json {
    pub(super) session: SessionId,
}

/// The statistics of a reply in a response.
#[derive(Serialize)]
pub(super) struct Metadata {
    chunks: u64,
    /// In milliseconds.
    duration: u64,
}

impl From<Completion> for Metadata {
    fn from(
        Completion {
            chunks, duration, ..
        }: Completion,
    ) -> Self {
        Self { chunks, duration }
    }
}

/// The fields that follow the text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    session_id: &'a str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

impl Format for Json {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![(header::CONTENT_TYPE, APPLICATION_JSON)]
    }

    fn escapes_line_separators(&self) -> bool {
        false
    }

    fn tells_errors(&self) -> bool {
        false
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"response":""#);
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        push_in_string(out, text);
    }

    fn piece_frame_bytes(&self) -> usize {
        0
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"","#);
        let start = out.len();
        let rest = Rest {
            session_id: self.session.as_str(),
            metadata: ended.into(),
            incomplete: ended.incomplete,
        };
        push_json(out, &rest);
        // Without its opening brace the rest continues the document's object.
        out.remove(start);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(error.to_body().as_bytes());
    }
}
