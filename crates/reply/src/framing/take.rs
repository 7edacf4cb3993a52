//! How messages are taken in: what each one is, with what is held from before.

use std::ops::Range;

use super::bare::{Bare, PartOfField, PartOfValue, Texts, is_json_or_done, split_done, values_in};
use super::frame::Broken;
use super::messages::{BareSoFar, Framing, Held};
use super::sse_line::{self, Beginning};
use super::work::Work;
use super::{BYTE_ORDER_MARK, MAX_BYTES};
use crate::json::Verdict;

impl Framing {
    /// Takes in a message, or what is whole of a binary one.
    pub(super) fn push(&mut self, message: &str, splits_character: bool) {
        if message.len() > MAX_BYTES {
            return self.broken(Broken::TooLarge);
        }
        if message.is_empty() {
            return;
        }
        self.splits_character = splits_character;
        self.message.clear();
        // One huge message must not hold its memory for the rest of the reply.
        if self.message.capacity() > 1 << 16 || self.message.capacity() == 0 {
            self.message = String::with_capacity(1 << 8);
        }
        if !self.sse.is_idle() {
            self.message.push_str(message);
            return self.push_after_sse();
        }
        match std::mem::take(&mut self.held) {
            Held::Nothing => {
                self.message.push_str(message);
                let goes_on = self.in_sse && message.starts_with("data:");
                if goes_on {
                    self.sse_from = Some(0);
                } else {
                    self.work.push_back(Work::Fresh(0));
                }
            }
            Held::PartOfField(part) => self.push_after_part_of_field(part, message),
            Held::PartOfValue(part) => self.push_after_part_of_value(part, message),
        }
    }

    /// Takes in a message that comes while an SSE event is pending. It goes on with the event,
    /// unless it shows that the line and the event have ended.
    fn push_after_sse(&mut self) {
        if self.sse.ends_before(&self.message) {
            self.work.push_back(Work::EndSseEvent);
        } else {
            self.sse_from = Some(0);
        }
    }

    fn push_after_part_of_field(&mut self, mut part: PartOfField, message: &str) {
        if part.len() + message.len() > MAX_BYTES {
            return self.broken(Broken::TooLarge);
        }
        match self.beginning(&part.joined_with(message)) {
            Beginning::Field => {
                self.message.push_str(&part.joined_with(message));
                self.push_sse(0);
            }
            Beginning::PartOfField => {
                part.push(message);
                self.held = Held::PartOfField(part);
            }
            Beginning::Other => {
                self.message.push_str(message);
                // White space before JSON is none of its text.
                if !(part.is_blank() && is_json_or_done(message)) {
                    self.bare = BareSoFar::Text;
                    self.work.push_back(Work::Texts(Box::new(part.into()), 0));
                }
                self.work.push_back(Work::Fresh(0));
            }
        }
    }

    fn push_after_part_of_value(&mut self, mut part: Box<PartOfValue>, message: &str) {
        if part.len() + message.len() > MAX_BYTES {
            return self.broken(Broken::TooLarge);
        }
        let in_value = part.feed(message);
        match part.verdict() {
            Verdict::Nonsense => {
                let before = part.len();
                part.push(message);
                if part.is_done() {
                    return self.work.push_back(Work::Done);
                }
                if part.may_become_done() {
                    self.held = Held::PartOfValue(part);
                    return;
                }
                part.truncate(before);
                self.message.push_str(message);
                self.bare = BareSoFar::Text;
                self.work
                    .push_back(Work::Texts(Box::new((*part).into()), 0));
                self.work.push_back(Work::Fresh(0));
            }
            Verdict::Whole => {
                let end = part.len() + in_value;
                self.message.push_str(part.text());
                self.message.push_str(message);
                if self.message[end..].trim().is_empty() {
                    self.push_values(0..self.message.len());
                } else {
                    self.push_values(0..end);
                    self.work.push_back(Work::Fresh(end));
                }
            }
            Verdict::Empty | Verdict::Beginning | Verdict::WholeScalar => {
                part.push(message);
                self.held = Held::PartOfValue(part);
            }
        }
    }

    /// Tells what the message is from this byte on, as if nothing were pending.
    pub(super) fn read_fresh(&mut self, at: usize) {
        let at = at + self.rest_of_line(at);
        let message = &self.message[at..];
        if self.in_sse && sse_line::without_blank_lines(message).is_empty() {
            return;
        }
        match self.beginning(message) {
            Beginning::Field => self.push_sse(at),
            Beginning::PartOfField => {
                self.held = Held::PartOfField(PartOfField::new(message));
            }
            Beginning::Other => self.read_bare(at),
        }
    }

    /// How much white space is left of a line whose value was whole with the last message.
    fn rest_of_line(&self, at: usize) -> usize {
        let message = &self.message[at..];
        if !(self.in_sse && message.starts_with([' ', '\t'])) {
            return 0;
        }
        let rest = message.trim_start_matches([' ', '\t']);
        let ends_line = rest.starts_with(['\r', '\n']);
        if ends_line && self.beginning(rest) != Beginning::Other {
            message.len() - rest.len()
        } else {
            0
        }
    }

    fn push_sse(&mut self, at: usize) {
        let blank = self.message[at..].len();
        let blank = blank - sse_line::without_blank_lines(&self.message[at..]).len();
        self.in_sse = true;
        self.sse_from = Some(at + blank);
    }

    /// Takes a message that is no part of SSE as JSON, else as text.
    fn read_bare(&mut self, at: usize) {
        let message = &self.message[at..];
        let (message, is_last) = match split_done(message) {
            Some(before) => (before, true),
            None => (message, false),
        };
        let end = at + message.len();
        if self.bare == BareSoFar::Text {
            // Of text, an object is only what is nothing but an object from `{` to `}`. A model may
            // write JSON in its text too, but a line of that ends in a newline.
            let is_object = message.starts_with('{') && self.document.read(message);
            self.work.push_back(if is_object && message.ends_with('}') {
                Work::Object(at..end)
            } else {
                Work::Text(at..end)
            });
        } else {
            self.read_bare_before_text(at, end, is_last);
        }
        if is_last {
            self.release_held();
            self.work.push_back(Work::Done);
        }
    }

    fn read_bare_before_text(&mut self, at: usize, end: usize, is_last: bool) {
        let message = &self.message[at..end];
        // A byte-order mark is no part of JSON.
        let values = message.trim_start_matches(BYTE_ORDER_MARK);
        let start = end - values.len();
        match values_in(values, &mut self.document) {
            Bare::Values(length) => self.push_values(start..start + length),
            Bare::ValuesAndPart(length, part) => {
                self.push_values(start..start + length);
                self.held = Held::PartOfValue(part);
            }
            Bare::Blank if self.bare == BareSoFar::Values || is_last => {}
            Bare::Blank => self.held = Held::PartOfField(PartOfField::new(message)),
            Bare::Text => {
                self.bare = BareSoFar::Text;
                self.work.push_back(Work::Text(at..end));
            }
        }
    }

    fn push_values(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            if self.bare == BareSoFar::None {
                self.bare = BareSoFar::Values;
            }
            self.work.push_back(Work::Values(range));
        }
    }

    /// Takes what is held for text.
    pub(super) fn release_held(&mut self) {
        let texts = match std::mem::take(&mut self.held) {
            Held::Nothing => return,
            Held::PartOfField(part) => Texts::from(part),
            Held::PartOfValue(part) => (*part).into(),
        };
        self.bare = BareSoFar::Text;
        self.work.push_back(Work::Texts(Box::new(texts), 0));
    }

    pub(super) fn broken(&mut self, broken: Broken) {
        self.work.push_back(Work::Broken(broken));
    }

    /// How a message begins. Once bare text has come, and no SSE before it, there is no SSE: a
    /// token such as `data:` is text then.
    fn beginning(&self, message: &str) -> Beginning {
        if self.bare == BareSoFar::Text && !self.in_sse {
            Beginning::Other
        } else {
            sse_line::beginning(message)
        }
    }
}
