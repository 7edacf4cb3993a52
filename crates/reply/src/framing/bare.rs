//! What a message is that is no part of SSE.

use super::{BYTE_ORDER_MARK, DONE, WHITE_SPACE, sse_line};
use crate::json::{Document, Scanner, Verdict};

/// Messages in a row. If they turn out to be text, each is a piece of its own.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    /// A bit for each byte with which a message ends.
    ends: Vec<u64>,
}

impl Texts {
    pub(super) fn new(message: &str) -> Self {
        let mut texts = Self::default();
        texts.push(message);
        texts
    }

    fn push(&mut self, message: &str) {
        self.text.push_str(message);
        if let Some(last) = self.text.len().checked_sub(1) {
            self.ends.resize(last / 64 + 1, 0);
            self.ends[last / 64] |= 1 << (last % 64);
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where the message ends that begins at this byte; `None` where none does.
    pub(super) fn end_of_message(&self, start: usize) -> Option<usize> {
        let is_end = |at: &usize| self.ends[at / 64] & (1 << (at % 64)) != 0;
        let last = (start..self.text.len()).find(is_end)?;
        Some(last + 1)
    }
}

/// Messages that are blank, or the beginning of a field's name. The next message shows which.
#[derive(Debug)]
pub(super) struct PartOfField {
    texts: Texts,
    /// How much of the text is known to be blank lines, and not looked at again.
    blank: usize,
}

impl PartOfField {
    pub(super) fn new(message: &str) -> Self {
        let mut part = Self {
            texts: Texts::default(),
            blank: 0,
        };
        part.push(message);
        part
    }

    pub(super) fn push(&mut self, message: &str) {
        self.texts.push(message);
        let text = self.texts.text();
        self.blank = text.len() - sse_line::without_blank_lines(&text[self.blank..]).len();
    }

    pub(super) fn len(&self) -> usize {
        self.texts.text.len()
    }

    /// What is held, without its blank lines, with the next message behind it.
    pub(super) fn joined_with(&self, message: &str) -> String {
        [&self.texts.text[self.blank..], message].concat()
    }

    pub(super) fn is_blank(&self) -> bool {
        let text = self.texts.text[self.blank..].trim_start_matches(BYTE_ORDER_MARK);
        text.trim().is_empty()
    }
}

impl From<PartOfField> for Texts {
    fn from(part: PartOfField) -> Self {
        part.texts
    }
}

/// The beginning of a JSON object or array, or of `[DONE]`.
#[derive(Debug)]
pub(super) struct PartOfValue {
    texts: Texts,
    scanner: Scanner,
}

impl PartOfValue {
    fn new(message: &str, scanner: Scanner) -> Self {
        Self {
            texts: Texts::new(message),
            scanner,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.texts.text.len()
    }

    pub(super) fn text(&self) -> &str {
        self.texts.text()
    }

    /// Looks at the next message; gives how many of its bytes belong to the value.
    pub(super) fn feed(&mut self, message: &str) -> usize {
        self.scanner.feed_value(message.as_bytes())
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.scanner.verdict()
    }

    pub(super) fn push(&mut self, message: &str) {
        self.texts.push(message);
    }

    /// Takes out the last message, before which there were so many bytes.
    pub(super) fn truncate(&mut self, bytes: usize) {
        let last = self.len().saturating_sub(1);
        self.texts.ends[last / 64] &= !(1 << (last % 64));
        self.texts.text.truncate(bytes);
    }

    pub(super) fn is_done(&self) -> bool {
        self.text().len() <= 64 && self.text().trim() == DONE
    }

    pub(super) fn may_become_done(&self) -> bool {
        may_become_done(self.text())
    }
}

impl From<PartOfValue> for Texts {
    fn from(part: PartOfValue) -> Self {
        part.texts
    }
}

/// What a bare message is.
pub(super) enum Bare {
    /// White space alone.
    Blank,
    /// JSON objects, arrays or strings, with the white space between and behind them up to this byte.
    Values(usize),
    /// The same, then the beginning of an object or an array, or of `[DONE]`.
    ValuesAndPart(usize, Box<PartOfValue>),
    Text,
}

/// Tells what a bare message is.
pub(super) fn values_in(message: &str, document: &mut Document) -> Bare {
    // Most messages are one value.
    if message.starts_with(['{', '[', '"']) && document.read(message) {
        return Bare::Values(message.len());
    }
    let mut at = 0;
    loop {
        let rest = message[at..].trim_start_matches(WHITE_SPACE);
        match rest.chars().next() {
            None if at == 0 => return Bare::Blank,
            None => return Bare::Values(message.len()),
            Some('{' | '[' | '"') => {}
            Some(_) => return Bare::Text,
        }
        let mut scanner = Scanner::new();
        let start = message.len() - rest.len();
        let length = scanner.feed_value(rest.as_bytes());
        let is_part = match scanner.verdict() {
            Verdict::Whole => {
                at = start + length;
                continue;
            }
            Verdict::Beginning => !rest.starts_with('"'),
            _ => may_become_done(rest),
        };
        return if is_part {
            Bare::ValuesAndPart(at, Box::new(PartOfValue::new(&message[at..], scanner)))
        } else {
            Bare::Text
        };
    }
}

pub(super) fn is_json_or_done(message: &str) -> bool {
    let is_json = |message| {
        let bare = values_in(message, &mut Document::default());
        matches!(bare, Bare::Values(_) | Bare::ValuesAndPart(..))
    };
    split_done(message).is_some() || is_json(message)
}

/// What comes before the last line, where that is `[DONE]`.
pub(super) fn split_done(message: &str) -> Option<&str> {
    let before = message.trim_end().strip_suffix(DONE)?;
    let begins_line = before.trim_end_matches([' ', '\t']);
    (begins_line.is_empty() || begins_line.ends_with(['\n', '\r'])).then_some(begins_line)
}

fn may_become_done(text: &str) -> bool {
    DONE.starts_with(text.trim_start_matches(WHITE_SPACE))
}
