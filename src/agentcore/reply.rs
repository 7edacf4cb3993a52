//! An agent's reply out of the messages that it sends, without I/O.
//!
//! Agents send what they like: server-sent events, bare JSON, bare text, cut into messages as it
//! comes. [`ReplyReader`] takes the messages and gives the pieces of text, each as soon as it is
//! whole. It holds the message at hand and what is pending, no more, and looks at each byte a
//! bounded number of times.

use std::collections::VecDeque;

use serde_json::Value;

use super::json::{Scanner, Verdict};
use super::sse::{self, Beginning, Event, EventReader, MAX_EVENT_BYTES, TooLarge};
use super::text::{Said, TextReader};
use bare::{BYTE_ORDER_MARK, Bare, PartOfField, is_json_or_done, split_done, values_in};

mod bare;

/// What a reply gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A piece of text, never empty.
    Piece(String),
    /// Nothing more comes.
    End(End),
}

/// How a reply ended by its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Complete,
    /// The agent sent an error event. What it says is its own and goes nowhere.
    AgentError,
    /// A line, an event or a value is larger than eight MiB.
    TooLarge,
    /// A message is not UTF-8.
    NotUtf8,
}

/// Reads one reply.
#[derive(Debug, Default)]
pub struct ReplyReader {
    /// The messages are server-sent events.
    in_events: bool,
    bare: BareSoFar,
    held: Held,
    events: EventReader,
    text: TextReader,
    /// What has been received and not yet read, in order.
    work: VecDeque<Work>,
    /// The first bytes of a character that goes on in the next binary message.
    part_of_character: Vec<u8>,
    ended: bool,
}

/// What the messages that are no part of an event have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum BareSoFar {
    #[default]
    None,
    /// JSON.
    Values,
    /// Text, one at least: outside of an event stream, all that follow are text or objects.
    Text,
}

/// What cannot be read before the next message is there.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    /// Messages that are blank, or the beginning of a field's name.
    PartOfField(PartOfField),
    /// The beginning of a JSON object or array.
    PartOfValue(String, Box<Scanner>),
}

#[derive(Debug)]
enum Work {
    /// A message of an event stream, read up to here; a character of it may be split.
    Events {
        message: String,
        at: usize,
        splits_character: bool,
    },
    Event(Event),
    /// The data of an event each of whose lines is JSON, read up to here.
    Lines(String, usize),
    /// JSON values with white space between, read up to here.
    Values(String, usize),
    Text(String),
    /// Messages that are a piece of text each, read up to this one.
    Texts(PartOfField, usize),
    End(End),
}

impl ReplyReader {
    /// Takes in a text message. What came before is to be read to its end first.
    pub fn push_text(&mut self, message: &str) {
        if self.part_of_character.is_empty() {
            self.push(message, false);
        } else {
            self.work.push_back(Work::End(End::NotUtf8));
        }
    }

    /// Takes in a binary message; a character may be split between two of them.
    pub fn push_binary(&mut self, message: &[u8]) {
        let mut bytes = std::mem::take(&mut self.part_of_character);
        bytes.extend_from_slice(message);
        let (whole, part) = match std::str::from_utf8(&bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) if error.error_len().is_none() => {
                let (whole, part) = bytes.split_at(error.valid_up_to());
                (std::str::from_utf8(whole).unwrap_or_default(), part)
            }
            Err(_) => return self.work.push_back(Work::End(End::NotUtf8)),
        };
        self.part_of_character = part.to_vec();
        self.push(whole, !part.is_empty());
    }

    /// The connection was closed as it should be: what is pending is read as it stands.
    pub fn finish(&mut self) {
        if !self.part_of_character.is_empty() {
            return self.work.push_back(Work::End(End::NotUtf8));
        }
        match self.events.finish() {
            Ok(Some(event)) => self.work.push_back(Work::Event(event)),
            Ok(None) => {}
            Err(TooLarge) => self.work.push_back(Work::End(End::TooLarge)),
        }
        let is_blank = matches!(&self.held, Held::PartOfField(part) if part.is_blank());
        if is_blank && (self.in_events || self.bare == BareSoFar::Values) {
            self.held = Held::Nothing;
        }
        self.release_held_text();
        self.work.push_back(Work::End(End::Complete));
    }

    fn push(&mut self, message: &str, splits_character: bool) {
        if message.is_empty() {
            return;
        }
        if !self.events.is_idle() {
            match self.events.before(message) {
                Ok(event) => self.work.extend(event.map(Work::Event)),
                Err(TooLarge) => return self.work.push_back(Work::End(End::TooLarge)),
            }
            if !self.events.is_idle() {
                return self.push_events(message.to_owned(), splits_character);
            }
        }
        match std::mem::take(&mut self.held) {
            Held::Nothing => self.push_fresh(message, splits_character),
            Held::PartOfField(part) => {
                self.push_after_part_of_field(part, message, splits_character);
            }
            Held::PartOfValue(held, scanner) => {
                self.push_after_part_of_value(held, scanner, message, splits_character);
            }
        }
    }

    /// A message with nothing pending before it.
    fn push_fresh(&mut self, message: &str, splits_character: bool) {
        if self.in_events && sse::without_blank_lines(message).is_empty() {
            return;
        }
        match self.beginning(message) {
            Beginning::Field => self.push_events(message.to_owned(), splits_character),
            Beginning::PartOfField => {
                self.held = Held::PartOfField(PartOfField::new(message));
            }
            Beginning::Other => self.push_bare(message),
        }
    }

    fn push_after_part_of_field(
        &mut self,
        mut part: PartOfField,
        message: &str,
        splits_character: bool,
    ) {
        if part.bytes() + message.len() > MAX_EVENT_BYTES {
            return self.work.push_back(Work::End(End::TooLarge));
        }
        let joined = format!("{}{message}", part.unread());
        match self.beginning(&joined) {
            Beginning::Field => self.push_events(joined, splits_character),
            Beginning::PartOfField => {
                part.push(message);
                self.held = Held::PartOfField(part);
            }
            Beginning::Other => {
                // White space before a value only parts it from others.
                if !(part.is_blank() && is_json_or_done(message)) {
                    self.release_text(part);
                }
                self.push_fresh(message, splits_character);
            }
        }
    }

    fn push_after_part_of_value(
        &mut self,
        mut held: String,
        mut scanner: Box<Scanner>,
        message: &str,
        splits_character: bool,
    ) {
        if held.len() + message.len() > MAX_EVENT_BYTES {
            return self.work.push_back(Work::End(End::TooLarge));
        }
        let in_value = scanner.feed_value(message.as_bytes());
        match scanner.verdict() {
            Verdict::Nonsense => {
                self.push_bare_text(&held);
                self.push_fresh(message, splits_character);
            }
            Verdict::Whole => {
                // The value's end is ASCII, so this is a character's boundary.
                let (end, rest) = message.split_at(in_value);
                held.push_str(end);
                let rest_is_blank = rest.trim().is_empty();
                if self.bare == BareSoFar::Text && held.trim_start().starts_with('[') {
                    // In a text stream an array is text: a citation, say.
                    held.push_str(if rest_is_blank { rest } else { "" });
                    self.push_bare_text(&held);
                } else {
                    self.push_values(held);
                }
                if !rest_is_blank {
                    self.push_fresh(rest, splits_character);
                }
            }
            Verdict::Empty | Verdict::Beginning | Verdict::WholeScalar => {
                held.push_str(message);
                self.held = Held::PartOfValue(held, scanner);
            }
        }
    }

    /// A message that is no part of an event: JSON, or text.
    fn push_bare(&mut self, message: &str) {
        let (message, is_last) = match split_done(message) {
            Some(before) => (before, true),
            None => (message, false),
        };
        // A byte-order mark is no text of JSON's.
        let values = message.trim_start_matches(BYTE_ORDER_MARK);
        match values_in(values, self.bare == BareSoFar::Text) {
            Bare::Values(end) => {
                self.push_values(values[..end].to_owned());
            }
            Bare::ValuesAndPart(end, scanner) => {
                self.push_values(values[..end].to_owned());
                self.held = Held::PartOfValue(values[end..].to_owned(), scanner);
            }
            Bare::Blank if self.bare == BareSoFar::Values => {}
            Bare::Blank if self.bare == BareSoFar::None && !is_last => {
                self.held = Held::PartOfField(PartOfField::new(message));
            }
            Bare::Blank | Bare::Text => self.push_bare_text(message),
        }
        if is_last {
            self.release_held_text();
            self.work.push_back(Work::End(End::Complete));
        }
    }

    fn push_bare_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.bare = BareSoFar::Text;
            self.work.push_back(Work::Text(text.to_owned()));
        }
    }

    fn push_values(&mut self, values: String) {
        if !values.is_empty() {
            if self.bare == BareSoFar::None {
                self.bare = BareSoFar::Values;
            }
            self.work.push_back(Work::Values(values, 0));
        }
    }

    fn push_events(&mut self, message: String, splits_character: bool) {
        let blank = if self.events.is_idle() {
            message.len() - sse::without_blank_lines(&message).len()
        } else {
            0
        };
        self.in_events = true;
        self.work.push_back(Work::Events {
            message,
            at: blank,
            splits_character,
        });
    }

    /// What is held turns out to be text.
    fn release_held_text(&mut self) {
        match std::mem::take(&mut self.held) {
            Held::Nothing => {}
            Held::PartOfField(part) => self.release_text(part),
            Held::PartOfValue(held, _) => self.push_bare_text(&held),
        }
    }

    fn release_text(&mut self, part: PartOfField) {
        self.bare = BareSoFar::Text;
        self.work.push_back(Work::Texts(part, 0));
    }

    /// How a message begins. Once bare text has come, a stream that is none of events stays bare:
    /// a token such as `data:` is text then.
    fn beginning(&self, message: &str) -> Beginning {
        if self.bare == BareSoFar::Text && !self.in_events {
            Beginning::Other
        } else {
            sse::beginning(message)
        }
    }

    fn read_events(&mut self, message: String, mut at: usize, splits_character: bool) {
        match self.events.read(&message, &mut at, splits_character) {
            Ok(event) => {
                if at < message.len() {
                    let rest = Work::Events {
                        message,
                        at,
                        splits_character,
                    };
                    self.work.push_front(rest);
                }
                if let Some(event) = event {
                    self.work.push_front(Work::Event(event));
                }
            }
            Err(TooLarge) => self.work.push_front(Work::End(End::TooLarge)),
        }
    }

    fn read_event(&mut self, event: Event) -> Option<Step> {
        if event.name == "error" {
            return Some(Step::End(End::AgentError));
        }
        if event.is_last {
            self.work.push_front(Work::End(End::Complete));
        }
        let data = event.data?;
        match serde_json::from_str(&data) {
            // A number's text is how it was written.
            Ok(Value::Number(_)) => Some(Step::Piece(data)),
            Ok(value) => self.say(&value),
            Err(_) if data.contains('\n') && data.split('\n').all(sse::is_json) => {
                self.work.push_front(Work::Lines(data, 0));
                None
            }
            Err(_) => Some(Step::Piece(data)),
        }
    }

    fn read_text(&mut self, part: PartOfField, at: usize) -> Option<Step> {
        let text = part.message(at)?.to_owned();
        self.work.push_front(Work::Texts(part, at + 1));
        Some(Step::Piece(text))
    }

    fn read_line(&mut self, lines: String, at: usize) -> Option<Step> {
        let rest = &lines[at..];
        let line = rest.split('\n').next().unwrap_or_default().to_owned();
        let next = at + line.len() + 1;
        if next < lines.len() {
            self.work.push_front(Work::Lines(lines, next));
        }
        let event = Event {
            data: Some(line),
            ..Event::default()
        };
        self.read_event(event)
    }

    fn read_value(&mut self, values: String, at: usize) -> Option<Step> {
        let rest = &values[at..];
        let mut parsed = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = parsed.next() else {
            // JSON by its form, yet no value: half of a surrogate pair, or too large a number.
            return (!rest.trim().is_empty()).then(|| self.bare_text_now(rest.to_owned()));
        };
        let next = at + parsed.byte_offset();
        let raw = values[at..next].to_owned();
        if next < values.len() {
            self.work.push_front(Work::Values(values, next));
        }
        match self.say(&value) {
            None if value.is_array() => Some(self.bare_text_now(raw)),
            step => step,
        }
    }

    fn bare_text_now(&mut self, text: String) -> Step {
        self.bare = BareSoFar::Text;
        Step::Piece(text)
    }

    /// The text of a value, and the end where the value is one.
    fn say(&mut self, value: &Value) -> Option<Step> {
        let Said {
            text,
            is_error,
            is_terminal,
        } = self.text.read(value);
        let end = match (is_error, is_terminal) {
            (true, _) => Some(End::AgentError),
            (false, true) => Some(End::Complete),
            (false, false) => None,
        };
        if text.is_empty() {
            return end.map(Step::End);
        }
        if let Some(end) = end {
            self.work.push_front(Work::End(end));
        }
        Some(Step::Piece(text))
    }
}

/// The next piece, or the end; `None` where another message is needed.
impl Iterator for ReplyReader {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        while !self.ended {
            let step = match self.work.pop_front()? {
                Work::Text(text) => Some(Step::Piece(text)),
                Work::End(end) => Some(Step::End(end)),
                Work::Texts(part, at) => self.read_text(part, at),
                Work::Event(event) => self.read_event(event),
                Work::Lines(lines, at) => self.read_line(lines, at),
                Work::Values(values, at) => self.read_value(values, at),
                Work::Events {
                    message,
                    at,
                    splits_character,
                } => {
                    self.read_events(message, at, splits_character);
                    None
                }
            };
            match step {
                Some(Step::Piece(text)) if text.is_empty() => {}
                Some(step) => {
                    self.ended = matches!(step, Step::End(_));
                    return Some(step);
                }
                None => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
