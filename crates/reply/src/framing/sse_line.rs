//! Single lines of an event stream, and how a message begins.

use super::{BYTE_ORDER_MARK, DONE};

/// The fields by whose names, at the beginning of a message, an event stream is told from other
/// text.
pub(super) const FIELDS: [&str; 4] = ["data:", "event:", "id:", "retry:"];

/// How a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With a field or a comment.
    Field,
    /// With what the next message may complete to a field: part of its name, or nothing yet.
    PartOfField,
    /// Otherwise.
    Other,
}

/// How a message begins, after blank lines and a byte-order mark.
pub(super) fn beginning(message: &str) -> Beginning {
    let first = without_blank_lines(message);
    if first.starts_with(':') || begins_field(first) {
        Beginning::Field
    } else if FIELDS.iter().any(|field| field.starts_with(first)) {
        Beginning::PartOfField
    } else {
        Beginning::Other
    }
}

/// The message without the byte-order mark and the blank lines at its beginning.
pub(super) fn without_blank_lines(message: &str) -> &str {
    message
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(message)
        .trim_start_matches(['\r', '\n'])
}

fn begins_field(text: &str) -> bool {
    FIELDS.iter().any(|field| text.starts_with(field))
}

/// A field's name and value; a line without a colon is a field without a value.
pub(super) fn split_field(line: &str) -> (&str, &str) {
    let colon = memchr::memchr(b':', line.as_bytes());
    let (field, value) = colon.map_or((line, ""), |at| (&line[..at], &line[at + 1..]));
    (field, value.strip_prefix(' ').unwrap_or(value))
}

/// Whether the value of a field, or a line without one, says that the reply ends.
pub(super) fn is_done(text: &str) -> bool {
    text.strip_prefix(DONE)
        .is_some_and(|rest| rest.trim_start().is_empty())
}
