//! The reply as one JSON document.

use http::HeaderValue;
use serde::Serialize;

use super::{Ended, Format, push_json};
use crate::api::error::ApiError;
use crate::api::response::APPLICATION_JSON;
use crate::session::SessionId;

pub(super) struct Json {
    pub(super) session: SessionId,
}

/// What an answer says of the reply beside its text.
#[derive(Serialize)]
pub(super) struct Metadata {
    chunks: u64,
    /// In milliseconds.
    duration: u64,
}

impl From<Ended> for Metadata {
    fn from(
        Ended {
            chunks, duration, ..
        }: Ended,
    ) -> Self {
        Self { chunks, duration }
    }
}

/// What follows the text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    session_id: &'a str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

impl Format for Json {
    fn content_type(&self) -> HeaderValue {
        APPLICATION_JSON
    }

    fn tells_errors(&self) -> bool {
        false
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"response":""#);
    }

    /// The text goes into the document as it comes, without the quotation marks that JSON puts around
    /// each piece.
    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        let start = out.len();
        push_json(out, &text);
        out.pop();
        out.remove(start);
    }

    fn piece_frame_bytes(&self) -> usize {
        0
    }

    fn end(&mut self, ended: Ended, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"","#);
        let start = out.len();
        let rest = Rest {
            session_id: self.session.as_str(),
            metadata: ended.into(),
            incomplete: ended.incomplete,
        };
        push_json(out, &rest);
        // The rest of this object, and not one of its own.
        out.remove(start);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(error.to_body().as_bytes());
    }
}
