//! JSON as agents send it, without a tree: a [`Document`] is the text and a flat list of where each
//! value in it begins and ends, eight bytes a value, so that no message of an agent's becomes many
//! times itself in memory.

mod document;
mod parse;
mod scanner;
mod text;

pub(crate) use document::{Array, Keys, Kind, Object, Value};
pub(crate) use parse::Document;
pub(crate) use scanner::{Scanner, Verdict};
pub(crate) use text::Str;

/// As deep as values may be nested; what is nested deeper is no JSON here, as for `serde_json`.
const MAX_DEPTH: usize = 127;
