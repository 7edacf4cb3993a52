//! The framing of server-sent events, for all formats that use them.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use http::HeaderValue;
use serde::Serialize;

use super::push_json;

pub(super) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/event-stream");

/// The last event of every stream.
pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// Appends an unnamed event.
pub(super) fn push_data(out: &mut Vec<u8>, data: &impl Serialize) {
    out.extend_from_slice(b"data: ");
    // JSON escapes line breaks within strings, so the data is always a single line.
    push_json(out, data);
    out.extend_from_slice(b"\n\n");
}

/// Appends a named event.
pub(super) fn push_event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    push_data(out, data);
}
