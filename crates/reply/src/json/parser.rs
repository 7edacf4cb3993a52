//! From text to the list of its values, in one pass and without recursion.

use super::MAX_DEPTH;
use super::bytes::{is_white_space, plain_length};
use super::node::Node;
use super::scanner::{Scanner, Verdict};

/// So many values make a document large.
pub(super) const LARGE: usize = 1 << 12;

pub(super) struct Parser<'t, 'n> {
    bytes: &'t [u8],
    at: usize,
    nodes: &'n mut Vec<Node>,
    open: &'n mut Vec<u32>,
}

impl<'t, 'n> Parser<'t, 'n> {
    /// A parser that puts the values of a text into `nodes`. Both lists are empty.
    pub(super) fn new(text: &'t str, nodes: &'n mut Vec<Node>, open: &'n mut Vec<u32>) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            nodes,
            open,
        }
    }

    /// Reads one value; gives where it ends.
    pub(super) fn value(&mut self) -> Option<usize> {
        loop {
            self.skip_white_space();
            let begun = self.begin_value()?;
            if begun {
                // An object or array with something in it: its first key or value comes.
                if self.peek()? == b'"' && self.is_object() {
                    self.key()?;
                }
                continue;
            }
            // A value has ended, and with it perhaps what it is in.
            loop {
                if self.open.is_empty() {
                    return Some(self.at);
                }
                self.skip_white_space();
                let byte = self.peek()?;
                self.at += 1;
                match (byte, self.is_object()) {
                    (b',', true) => {
                        self.skip_white_space();
                        self.key()?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => self.close(),
                    _ => return None,
                }
            }
        }
    }

    /// Reads a value, but of an object or array that is not empty only the opening bracket: then it
    /// is true.
    fn begin_value(&mut self) -> Option<bool> {
        match self.peek()? {
            b'"' => self.string().map(|()| false),
            bracket @ (b'{' | b'[') => {
                if self.open.len() == MAX_DEPTH {
                    return self.too_deep();
                }
                let node = u32::try_from(self.nodes.len()).ok()?;
                self.open.push(node);
                self.push(self.at, 0, false);
                self.at += 1;
                self.skip_white_space();
                let next = self.peek()?;
                // In ASCII, `}` and `]` come two after `{` and `[`.
                if next == bracket + 2 {
                    self.at += 1;
                    self.close();
                    return Some(false);
                }
                if bracket == b'{' && next != b'"' {
                    return None;
                }
                Some(true)
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'N' if !self.open.is_empty() => self.word(b"NaN"),
            b'I' if !self.open.is_empty() => self.word(b"Infinity"),
            b'-' if !self.open.is_empty() && self.bytes[self.at..].starts_with(b"-Infinity") => {
                self.word(b"-Infinity")
            }
            _ => self.number(),
        }
    }

    /// Passes over an object or array that is nested too deep to be looked into.
    fn too_deep(&mut self) -> Option<bool> {
        let mut scanner = Scanner::new();
        let length = scanner.feed_value(&self.bytes[self.at..]);
        if scanner.verdict() != Verdict::Whole {
            return None;
        }
        self.push(self.at, self.nodes.len() + 1, false);
        // What it is in is no list of texts then, which would be told.
        if let Some(parent) = self.open.last() {
            self.nodes[*parent as usize].set_holds_object();
        }
        self.at += length;
        Some(false)
    }

    fn close(&mut self) {
        let Some(closed) = self.open.pop() else {
            return;
        };
        let after = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let node = &mut self.nodes[closed as usize];
        node.set_link(after);
        let holds_object = node.holds_object() || self.bytes[node.start()] == b'{';
        if let Some(parent) = self.open.last().filter(|_| holds_object) {
            self.nodes[*parent as usize].set_holds_object();
        }
    }

    fn is_object(&self) -> bool {
        self.open.last().is_some_and(|innermost| {
            let node = self.nodes[*innermost as usize];
            self.bytes[node.start()] == b'{'
        })
    }

    fn key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        self.skip_white_space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                // A control character.
                _ => return None,
            }
        }
        self.push(start, self.at, escaped);
        self.at += 1;
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<bool> {
        if !self.bytes[self.at..].starts_with(word) {
            return None;
        }
        self.push(self.at, self.at + word.len(), false);
        self.at += word.len();
        Some(false)
    }

    fn number(&mut self) -> Option<bool> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(start, self.at, false);
        Some(false)
    }

    fn digits(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn push(&mut self, start: usize, link: usize, escaped: bool) {
        if self.nodes.len() == self.nodes.capacity() && self.nodes.len() >= LARGE {
            self.make_room(start);
        }
        self.nodes.push(Node::new(start, link, escaped));
    }

    /// Reserves at once what the rest of a large text can need: a list that doubles would take
    /// three times as much while it grows. It happens once a document, since it is enough.
    fn make_room(&mut self, at: usize) {
        let rest = &self.bytes[at..];
        let is_sign = |byte: &&u8| matches!(**byte, b',' | b':' | b'[' | b'{');
        let signs = rest.iter().filter(is_sign).count();
        // Each key, and each value but the first, comes after one of these signs. Each takes two
        // bytes at least, its sign included.
        let most = (signs + 2).min(rest.len() / 2 + MAX_DEPTH);
        self.nodes.reserve_exact(most);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_white_space(&mut self) {
        while self.peek().is_some_and(is_white_space) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::json::Document;

    proptest! {
        #[test]
        fn the_parser_takes_what_serde_json_takes(text in r#"[ \[\]{},:"\\a0-9.eE+truflsn\n-]{0,24}"#) {
            let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(Document::default().read(&text), expected, "{}", text);
        }
    }
}
