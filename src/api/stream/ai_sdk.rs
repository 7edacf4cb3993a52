//! The UI message stream of the Vercel AI SDK, version 1, as its `useChat` reads it.
//!
//! <https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol#data-stream-protocol>

use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::event;
use crate::api::error::ApiError;
use crate::api::response::Metadata;
use crate::invocation::SessionId;

pub(super) const HEADER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-vercel-ai-ui-message-stream"),
    HeaderValue::from_static("v1"),
);

/// A reply is one part of text.
const TEXT_ID: &str = "text-1";

pub(super) fn beginning(session: &SessionId) -> String {
    let metadata = json!({ "sessionId": session.as_str() });
    event("", &json!({ "type": "start", "messageMetadata": metadata }))
        + &event("", &json!({ "type": "start-step" }))
        + &event("", &json!({ "type": "text-start", "id": TEXT_ID }))
}

pub(super) fn piece(text: &str) -> String {
    event(
        "",
        &json!({ "type": "text-delta", "id": TEXT_ID, "delta": text }),
    )
}

pub(super) fn end(session: &SessionId, metadata: Metadata, incomplete: bool) -> String {
    let mut told = json!({ "sessionId": session.as_str(), "metadata": metadata });
    if incomplete {
        told["incomplete"] = true.into();
    }
    event("", &json!({ "type": "text-end", "id": TEXT_ID }))
        + &event("", &json!({ "type": "finish-step" }))
        + &event("", &json!({ "type": "finish", "messageMetadata": told }))
}

pub(super) fn error(error: &ApiError) -> String {
    event(
        "",
        &json!({ "type": "error", "errorText": error.message() }),
    )
}
