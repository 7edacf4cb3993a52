//! Parts of a message.

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// JSON as it stands.
    Json(String),
    /// A value, within a JSON string.
    Value(Placeholder),
    /// An id that no other message has, within a JSON string.
    FreshId,
}

/// What is replaced in a template's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Prompt,
    SessionId,
    CallerId,
}
