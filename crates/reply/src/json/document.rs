//! A JSON text as a flat list of its values.

use super::bytes::is_white_space;
use super::node::{MAX_TEXT_BYTES, Node};
use super::parser::{LARGE, Parser};
use super::value::Value;

/// The values of one JSON text. It is used again for the next, so that a stream of small values
/// costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Document {
    nodes: Vec<Node>,
    /// While a text is read, the numbers of the nodes of the objects and arrays that are open.
    open: Vec<u32>,
}

impl Document {
    /// Reads a text; false where it is not one value with white space around it.
    ///
    /// Besides what RFC 8259 allows it takes `NaN` and `Infinity` inside of an object or array,
    /// since Python's `json.dumps` writes them.
    pub(crate) fn read(&mut self, text: &str) -> bool {
        let rest = self.first(text).map(|end| &text.as_bytes()[end..]);
        rest.is_some_and(|rest| rest.iter().all(|byte| is_white_space(*byte)))
    }

    /// Reads the first value of a text; gives where it ends.
    pub(crate) fn first(&mut self, text: &str) -> Option<usize> {
        self.nodes.clear();
        self.open.clear();
        // Nothing of that size gets here: a message has 8 MiB at most.
        if text.len() >= MAX_TEXT_BYTES {
            return None;
        }
        Parser::new(text, &mut self.nodes, &mut self.open).value()
    }

    /// The value of the text that was read last. The caller gives that text again.
    pub(crate) fn value<'a>(&'a self, text: &'a str) -> Value<'a> {
        Value::new(text, &self.nodes)
    }

    /// Gives back the memory that a large text took, so that one huge message does not hold it for
    /// the rest of the reply.
    pub(crate) fn forget_large(&mut self) {
        if self.nodes.capacity() > 2 * LARGE {
            self.nodes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deep_is_passed_over() {
        for depth in [126, 127, 128, 1 << 20] {
            for (inside, is_json) in [("\"x\"", true), ("", true), ("]", false), ("x", false)] {
                let value = "[".repeat(depth) + inside + &"]".repeat(depth);
                let text = format!("{{\"a\":{value},\"b\":1}}");
                let mut document = Document::default();
                assert_eq!(document.read(&text), is_json, "{depth} {inside}");
                if is_json {
                    let object = document.value(&text).as_object().expect("an object");
                    assert_eq!(object.number("b"), Some(1));
                    let deep = object.get("a").expect("there");
                    assert_eq!(deep.raw(), value);
                    assert_eq!(deep.is_or_holds_object(), depth > 126);
                }
            }
        }
    }

    #[test]
    fn nan_and_infinity_are_taken_inside_of_a_value() {
        let mut document = Document::default();
        assert!(document.read("{\"a\":[NaN,Infinity,-Infinity]}"));
        assert!(!document.read("NaN"));
    }
}
