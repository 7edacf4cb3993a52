//! What a message is that is no part of an event.

use crate::agentcore::json::{Scanner, Verdict};
use crate::agentcore::sse::{self, DONE};

pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Messages that are blank, or the beginning of a field's name: what they are, the next one shows.
#[derive(Debug)]
pub(super) struct PartOfField {
    pub(super) text: String,
    /// Where each message ends, since each is a piece of its own if all this turns out to be text.
    ends: Vec<usize>,
    /// How much of the text is known to be blank lines, not to be looked at again.
    blank: usize,
}

impl PartOfField {
    pub(super) fn new(message: &str) -> Self {
        let mut part = Self {
            text: String::new(),
            ends: Vec::new(),
            blank: 0,
        };
        part.push(message);
        part
    }

    pub(super) fn push(&mut self, message: &str) {
        self.text.push_str(message);
        self.ends.push(self.text.len());
        self.blank = self.text.len() - sse::without_blank_lines(self.unread()).len();
    }

    /// What comes after the blank lines.
    pub(super) fn unread(&self) -> &str {
        &self.text[self.blank..]
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text
            .trim_start_matches(BYTE_ORDER_MARK)
            .trim()
            .is_empty()
    }

    /// What it takes, its bookkeeping included: a byte a message must not take nine.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>()
    }

    pub(super) fn message(&self, at: usize) -> Option<&str> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..*self.ends.get(at)?])
    }
}

/// What a bare message is.
pub(super) enum Bare {
    /// White space alone.
    Blank,
    /// JSON objects, arrays or strings, which end here.
    Values(usize),
    /// The same, then the beginning of an object or an array.
    ValuesAndPart(usize, Box<Scanner>),
    Text,
}

/// Tells what a bare message is. In a stream of text only objects are values.
pub(super) fn values_in(message: &str, in_text: bool) -> Bare {
    let mut at = 0;
    loop {
        let rest = message[at..].trim_start_matches([' ', '\t', '\n', '\r']);
        let may_be_whole: &[char] = if in_text { &['{'] } else { &['{', '[', '"'] };
        match rest.chars().next() {
            None if at == 0 => return Bare::Blank,
            None => return Bare::Values(at),
            Some('{' | '[') => {}
            Some('"') if !in_text => {}
            Some(_) => return Bare::Text,
        }
        let mut scanner = Scanner::new();
        let start = message.len() - rest.len();
        let length = scanner.feed_value(rest.as_bytes());
        match scanner.verdict() {
            Verdict::Whole if rest.starts_with(may_be_whole) => at = start + length,
            Verdict::Beginning if rest.starts_with(['{', '[']) => {
                return Bare::ValuesAndPart(at, Box::new(scanner));
            }
            _ => return Bare::Text,
        }
    }
}

pub(super) fn is_json_or_done(message: &str) -> bool {
    split_done(message).is_some()
        || matches!(
            values_in(message, false),
            Bare::Values(_) | Bare::ValuesAndPart(..)
        )
}

/// What comes before a last line that is `[DONE]`; `None` where the last line is another.
pub(super) fn split_done(message: &str) -> Option<&str> {
    let before = message.trim_end().strip_suffix(DONE)?;
    let begins_line = before.trim_end_matches([' ', '\t']);
    (begins_line.is_empty() || begins_line.ends_with(['\n', '\r'])).then_some(begins_line)
}
