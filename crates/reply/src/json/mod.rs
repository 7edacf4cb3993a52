//! JSON as agents send it, without a tree: a [`Document`] is a flat list of where each value in a
//! text begins and ends, eight bytes a value. So no message of an agent's takes many times its size
//! in memory.

mod bytes;
mod document;
mod keys;
mod nesting;
mod node;
mod parser;
mod scanner;
mod string;
mod value;

pub(crate) use document::Document;
pub(crate) use keys::Keys;
pub(crate) use scanner::{Scanner, Verdict};
pub(crate) use string::Str;
pub(crate) use value::{Array, Kind, Object, Value};

/// How deep values are looked into, which is as deep as `serde_json` goes. What is nested deeper is
/// JSON as well, of which nothing but its end is known: an object or array that seems empty.
const MAX_DEPTH: usize = 127;
