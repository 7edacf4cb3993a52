//! The bridge's own format: server-sent events `session`, one chunk for each piece, then `complete`
//! or `error`.

use http::HeaderValue;
use serde::Serialize;

use super::json::Metadata;
use super::sse::{CONTENT_TYPE, DONE, push_data, push_event};
use super::{Completion, Format};
use crate::api::error::ApiError;
use crate::session::SessionId;

pub(super) struct Native {
    pub(super) session: SessionId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    session_id: &'a str,
}

#[derive(Serialize)]
struct Chunk<'a> {
    chunk: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complete<'a> {
    session_id: &'a str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

impl Format for Native {
    fn content_type(&self) -> HeaderValue {
        CONTENT_TYPE
    }

    fn tells_errors(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let session_id = self.session.as_str();
        push_event(out, "session", &Session { session_id });
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        push_data(out, &Chunk { chunk: text });
    }

    fn piece_frame_bytes(&self) -> usize {
        r#"data: {\"chunk\":\"\"}\n\n"#.len()
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        let complete = Complete {
            session_id: self.session.as_str(),
            metadata: ended.into(),
            incomplete: ended.incomplete,
        };
        push_event(out, "complete", &complete);
        out.extend_from_slice(DONE);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        push_event(out, "error", &error.body());
        out.extend_from_slice(DONE);
    }
}
