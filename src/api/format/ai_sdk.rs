//! The UI message stream of the Vercel AI SDK, version 1, which its `useChat` reads.
//!
//! <https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol#data-stream-protocol>

use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;

use super::json::Metadata;
use super::sse::{CONTENT_TYPE, DONE, push_data};
use super::{Completion, Format};
use crate::api::error::ApiError;
use crate::session::SessionId;

const HEADER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-vercel-ai-ui-message-stream"),
    HeaderValue::from_static("v1"),
);

/// A whole reply is one text part.
const TEXT_ID: &str = "text-1";

pub(super) struct AiSdk {
    pub(super) session: SessionId,
}

#[derive(Serialize)]
struct TextDelta<'a> {
    r#type: &'static str,
    id: &'static str,
    delta: &'a str,
}

impl Format for AiSdk {
    fn content_type(&self) -> HeaderValue {
        CONTENT_TYPE
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some(HEADER)
    }

    fn tells_errors(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let metadata = json!({ "sessionId": self.session.as_str() });
        push_data(
            out,
            &json!({ "type": "start", "messageMetadata": metadata }),
        );
        push_data(out, &json!({ "type": "start-step" }));
        push_data(out, &json!({ "type": "text-start", "id": TEXT_ID }));
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        let delta = TextDelta {
            r#type: "text-delta",
            id: TEXT_ID,
            delta: text,
        };
        push_data(out, &delta);
    }

    fn piece_frame_bytes(&self) -> usize {
        r#"data: {\"type\":\"text-delta\",\"id\":\"text-1\",\"delta\":\"\"}\n\n"#.len()
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        let metadata = Metadata::from(ended);
        let mut message_metadata =
            json!({ "sessionId": self.session.as_str(), "metadata": metadata });
        if ended.incomplete {
            message_metadata["incomplete"] = true.into();
        }
        push_data(out, &json!({ "type": "text-end", "id": TEXT_ID }));
        push_data(out, &json!({ "type": "finish-step" }));
        push_data(
            out,
            &json!({ "type": "finish", "messageMetadata": message_metadata }),
        );
        out.extend_from_slice(DONE);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        push_data(
            out,
            &json!({ "type": "error", "errorText": error.message() }),
        );
        out.extend_from_slice(DONE);
    }
}
