//! Our own events: `session`, a chunk for each piece, then `complete` or `error`.

use serde::Serialize;
use serde_json::value::RawValue;

use super::event;
use crate::api::error::ApiError;
use crate::api::response::Metadata;
use crate::invocation::SessionId;

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

pub(super) fn beginning(session: &SessionId) -> String {
    event(
        "session",
        &Session {
            session_id: session.as_str(),
        },
    )
}

pub(super) fn piece(text: &str) -> String {
    event("", &Chunk { chunk: text })
}

pub(super) fn end(session: &SessionId, metadata: Metadata, incomplete: bool) -> String {
    event(
        "complete",
        &Complete {
            session_id: session.as_str(),
            metadata,
            incomplete,
        },
    )
}

pub(super) fn error(error: &ApiError) -> String {
    event("error", &RawValue::from_string(error.to_body()).ok())
}
