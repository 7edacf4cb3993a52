//! From text to the list of its values, in one pass and without recursion.

use super::MAX_DEPTH;
use super::document::{Kind, Value};

/// One value, or one key, of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Where it begins in the text, and in the two highest bits whether it is a string with escapes,
    /// or an array that holds an object somewhere inside.
    start: u32,
    /// Of an object or array, the number of the node that comes after all that is inside. Of all
    /// else, where it ends in the text; of a string, where its closing quote is.
    link: u32,
}

const ESCAPED: u32 = 1 << 31;
const HOLDS_OBJECT: u32 = 1 << 30;

/// So many values make a document large.
const LARGE: usize = 1 << 12;

impl Node {
    pub(super) fn start(self) -> usize {
        (self.start & !(ESCAPED | HOLDS_OBJECT)) as usize
    }

    pub(super) fn has_escapes(self) -> bool {
        self.start & ESCAPED != 0
    }

    pub(super) fn holds_object(self) -> bool {
        self.start & HOLDS_OBJECT != 0
    }

    pub(super) fn link(self) -> usize {
        self.link as usize
    }
}

/// The values of one JSON text. It is kept and used again, so that a stream of small values costs
/// no allocation.
#[derive(Debug, Default)]
pub(crate) struct Document {
    nodes: Vec<Node>,
    /// The open objects and arrays while a text is read: the number of each one's node.
    open: Vec<u32>,
}

impl Document {
    /// Reads a text; whether it is one value with white space around it.
    ///
    /// Besides RFC 8259 it takes `NaN` and `Infinity` inside of an object or array, which Python's
    /// `json.dumps` writes.
    pub(crate) fn read(&mut self, text: &str) -> bool {
        let rest = self.first(text).map(|end| &text.as_bytes()[end..]);
        rest.is_some_and(|rest| rest.iter().all(|byte| is_white_space(*byte)))
    }

    /// Reads the first value of a text; gives where it ends.
    pub(crate) fn first(&mut self, text: &str) -> Option<usize> {
        self.nodes.clear();
        self.read_first(text)
    }

    /// The value of the text that was read last, which is to be given again.
    pub(crate) fn value<'a>(&'a self, text: &'a str) -> Value<'a> {
        Value::new(text, &self.nodes)
    }

    /// Gives back what a large text took: one huge message must not be paid for during the rest of a
    /// reply.
    pub(crate) fn forget_large(&mut self) {
        if self.nodes.capacity() > 2 * LARGE {
            self.nodes = Vec::new();
        }
    }

    fn read_first(&mut self, text: &str) -> Option<usize> {
        // Offsets have 30 bits. Nothing of that size gets here: a message has 8 MiB at most.
        if text.len() >= HOLDS_OBJECT as usize {
            return None;
        }
        self.open.clear();
        Parser {
            bytes: text.as_bytes(),
            at: 0,
            nodes: &mut self.nodes,
            open: &mut self.open,
        }
        .value()
    }
}

struct Parser<'t, 'n> {
    bytes: &'t [u8],
    at: usize,
    nodes: &'n mut Vec<Node>,
    open: &'n mut Vec<u32>,
}

impl Parser<'_, '_> {
    /// Reads one value; gives where it ends.
    fn value(&mut self) -> Option<usize> {
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

    /// Begins a value, and ends it unless it is an object or array that is not empty, which is true.
    fn begin_value(&mut self) -> Option<bool> {
        match self.peek()? {
            b'"' => self.string().map(|()| false),
            bracket @ (b'{' | b'[') => {
                if self.open.len() == MAX_DEPTH {
                    return None;
                }
                let node = u32::try_from(self.nodes.len()).ok()?;
                self.open.push(node);
                self.push(self.at, 0, false);
                self.at += 1;
                self.skip_white_space();
                let next = self.peek()?;
                // The closing brackets are two behind the opening ones.
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

    fn close(&mut self) {
        let Some(closed) = self.open.pop() else {
            return;
        };
        let after = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let node = &mut self.nodes[closed as usize];
        node.link = after;
        let holds_object = node.holds_object() || self.bytes[node.start()] == b'{';
        if let Some(parent) = self.open.last().filter(|_| holds_object) {
            self.nodes[*parent as usize].start |= HOLDS_OBJECT;
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
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the text is shorter than 30 bits can say"
        )]
        self.nodes.push(Node {
            start: start as u32 | if escaped { ESCAPED } else { 0 },
            link: link as u32,
        });
    }

    /// Takes at once what the rest of a large text can need: a list that doubles would hold three
    /// times that while it grows. It happens once a value, since it is enough.
    fn make_room(&mut self, at: usize) {
        let rest = &self.bytes[at..];
        let is_sign = |byte: &&u8| matches!(**byte, b',' | b':' | b'[' | b'{');
        let signs = rest.iter().filter(is_sign).count();
        // Each value but the first, and each key, comes after such a sign; and none is shorter than
        // two bytes with what parts it from the next.
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

/// What the first byte of a value says of its kind.
pub(super) fn kind_of(first: u8) -> Kind {
    match first {
        b'{' => Kind::Object,
        b'[' => Kind::Array,
        b'"' => Kind::String,
        b't' => Kind::True,
        b'f' => Kind::False,
        b'n' => Kind::Null,
        _ => Kind::Number,
    }
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How many bytes of a string come before a quote, a backslash or a control character. Eight bytes
/// at a time, since strings are most of what agents send.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    /// Has a high bit where a byte is zero, and perhaps in bytes above the first such one.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGH
    }
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, chunk) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')))
            | control;
        if found != 0 {
            return number * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let before = bytes.len() - rest.len();
    let plain = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
    before + plain.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_characters_are_counted_up_to_the_first_that_is_none() {
        for length in 0..40 {
            for stop in ["\"", "\\", "\n", "\0", "\u{1f}"] {
                let text = "é".repeat(length) + stop + "aaaaaaaaaaaa\"";
                assert_eq!(plain_length(text.as_bytes()), length * 2, "{text:?}");
            }
            let text = "\u{7f} ~".repeat(length);
            assert_eq!(plain_length(text.as_bytes()), text.len());
        }
    }

    #[test]
    fn python_writes_numbers_that_are_none() {
        let mut document = Document::default();
        assert!(document.read("{\"a\":[NaN,Infinity,-Infinity]}"));
        assert!(!document.read("NaN"));
    }

    #[test]
    fn a_value_takes_eight_bytes() {
        assert_eq!(size_of::<Node>(), 8);
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_json_takes(text in r#"[ \[\]{},:"\\a0-9.eE+truflsn\n-]{0,24}"#) {
            let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(Document::default().read(&text), expected, "{}", text);
        }
    }
}
