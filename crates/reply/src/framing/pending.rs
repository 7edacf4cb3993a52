//! Whether the data of an SSE event is whole, where the message has ended and its line has not.

use crate::json::{Document, Scanner, Verdict};

/// What is known of data whose last line has not ended. It is kept from message to message, so that
/// no byte is looked at again.
#[derive(Debug)]
pub(super) struct PendingData {
    /// Has seen all lines, joined by newlines.
    joined: Scanner,
    joined_bytes: usize,
    /// Has seen the last line alone.
    line: Scanner,
    line_bytes: usize,
    /// Each of the lines before it is a JSON value, as far as they were looked at.
    lines_are_json: bool,
    lines_bytes: usize,
}

impl Default for PendingData {
    fn default() -> Self {
        Self {
            joined: Scanner::new(),
            joined_bytes: 0,
            line: Scanner::new(),
            line_bytes: 0,
            lines_are_json: true,
            lines_bytes: 0,
        }
    }
}

impl PendingData {
    pub(super) fn line_ended(&mut self) {
        self.line = Scanner::new();
        self.line_bytes = 0;
    }

    /// Whether the data is a whole JSON value, or each of its lines is one: `lines` are those that
    /// have ended, `value` is the last. A number or a word is not whole before it is known what
    /// follows, since it may be the beginning of a text.
    pub(super) fn is_whole(&mut self, lines: Option<&str>, value: &str) -> bool {
        self.line.feed(&value.as_bytes()[self.line_bytes..]);
        self.line_bytes = value.len();
        if self.line.verdict() == Verdict::Empty {
            // Its value may come with the next message.
            return false;
        }
        let Some(lines) = lines else {
            return self.line.verdict() == Verdict::Whole;
        };

        self.feed_lines(lines);
        if self.joined_bytes == lines.len() {
            self.joined.feed(b"\n");
            self.joined_bytes += 1;
        }
        let value_bytes = self.joined_bytes - lines.len() - 1;
        self.joined.feed(&value.as_bytes()[value_bytes..]);
        self.joined_bytes = lines.len() + 1 + value.len();
        if self.joined.verdict() == Verdict::Whole {
            return true;
        }

        let bytes = lines.len();
        if self.lines_are_json && self.lines_bytes <= bytes {
            let mut document = Document::default();
            let mut lines = lines[self.lines_bytes..].split('\n');
            self.lines_are_json = lines.all(|line| document.read(line));
            self.lines_bytes = bytes + 1;
        }
        self.lines_are_json && self.line.verdict() == Verdict::Whole
    }

    /// Whether the lines, joined by newlines, are a whole JSON value.
    pub(super) fn is_joined_whole(&mut self, lines: &str) -> bool {
        self.feed_lines(lines);
        self.joined.verdict() == Verdict::Whole
    }

    fn feed_lines(&mut self, lines: &str) {
        if self.joined_bytes < lines.len() {
            self.joined.feed(&lines.as_bytes()[self.joined_bytes..]);
            self.joined_bytes = lines.len();
        }
    }

    pub(super) fn is_whole_scalar(&self) -> bool {
        self.line.verdict() == Verdict::WholeScalar
    }

    pub(super) fn can_go_on_with(&self, bytes: &[u8]) -> bool {
        self.line.can_go_on_with(bytes) || self.joined.can_go_on_with(bytes)
    }
}
