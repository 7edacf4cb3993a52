//! An agent's reply out of the messages that it sends, without I/O.
//!
//! Agents send what they like: server-sent events, bare JSON, bare text, cut into messages as it
//! comes. [`ReplyReader`] takes the messages and gives the pieces of text, each as soon as it is
//! whole. It holds the message at hand and what is pending, no more, and looks at each byte a
//! bounded number of times.

use std::collections::VecDeque;

use serde_json::Value;

use super::json::{Scanner, Verdict};
use super::sse::{self, Beginning, DONE, Event, EventReader, MAX_EVENT_BYTES, TooLarge};
use super::text::{Said, TextReader};

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
struct PartOfField {
    text: String,
    /// Where each message ends, since each is a piece of its own if all this turns out to be text.
    ends: Vec<usize>,
    /// How much of the text is known to be blank lines, not to be looked at again.
    blank: usize,
}

impl PartOfField {
    fn new(message: &str) -> Self {
        let mut part = Self {
            text: String::new(),
            ends: Vec::new(),
            blank: 0,
        };
        part.push(message);
        part
    }

    fn push(&mut self, message: &str) {
        self.text.push_str(message);
        self.ends.push(self.text.len());
        self.blank = self.text.len() - sse::without_blank_lines(self.unread()).len();
    }

    /// What comes after the blank lines.
    fn unread(&self) -> &str {
        &self.text[self.blank..]
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn messages(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.text[start..*end])
    }
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
        if part.text.len() + message.len() > MAX_EVENT_BYTES {
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
                    self.release_text(&part);
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
        match values_in(message, self.bare == BareSoFar::Text) {
            Bare::Values(end) => {
                self.push_values(message[..end].to_owned());
            }
            Bare::ValuesAndPart(end, scanner) => {
                self.push_values(message[..end].to_owned());
                self.held = Held::PartOfValue(message[end..].to_owned(), scanner);
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
            Held::PartOfField(part) => self.release_text(&part),
            Held::PartOfValue(held, _) => self.push_bare_text(&held),
        }
    }

    fn release_text(&mut self, part: &PartOfField) {
        part.messages()
            .for_each(|message| self.push_bare_text(message));
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

/// What a bare message is.
enum Bare {
    /// White space alone.
    Blank,
    /// JSON objects, arrays or strings, which end here.
    Values(usize),
    /// The same, then the beginning of an object or an array.
    ValuesAndPart(usize, Box<Scanner>),
    Text,
}

/// Tells what a bare message is. In a stream of text only objects are values.
fn values_in(message: &str, in_text: bool) -> Bare {
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

fn is_json_or_done(message: &str) -> bool {
    split_done(message).is_some()
        || matches!(
            values_in(message, false),
            Bare::Values(_) | Bare::ValuesAndPart(..)
        )
}

/// What comes before a last line that is `[DONE]`; `None` where the last line is another.
fn split_done(message: &str) -> Option<&str> {
    let before = message.trim_end().strip_suffix(DONE)?;
    let begins_line = before.trim_end_matches([' ', '\t']);
    (begins_line.is_empty() || begins_line.ends_with(['\n', '\r'])).then_some(begins_line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pieces of a reply and its end; `None` where the connection must be read on.
    fn read(messages: &[&str], closed: bool) -> (Vec<String>, Option<End>) {
        let mut reader = ReplyReader::default();
        let mut pieces = Vec::new();
        for message in messages {
            reader.push_text(message);
            if let Some(end) = drain(&mut reader, &mut pieces) {
                return (pieces, Some(end));
            }
        }
        if closed {
            reader.finish();
        }
        let end = drain(&mut reader, &mut pieces);
        (pieces, end)
    }

    fn drain(reader: &mut ReplyReader, pieces: &mut Vec<String>) -> Option<End> {
        for step in reader.by_ref() {
            match step {
                Step::Piece(piece) => pieces.push(piece),
                Step::End(end) => return Some(end),
            }
        }
        None
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        messages: Vec<String>,
        close: Option<u16>,
        response: Option<String>,
        chunks: usize,
        outcome: String,
    }

    #[test]
    fn every_rule_is_as_its_example_shows() {
        let vectors = include_str!("../../tests/data/reply-vectors.json");
        let vectors: Vec<Vector> = serde_json::from_str(vectors).unwrap();
        assert!(vectors.len() > 30);
        for vector in vectors {
            let messages: Vec<_> = vector.messages.iter().map(String::as_str).collect();
            let (pieces, end) = read(&messages, vector.close == Some(1000));
            assert_eq!(
                pieces.concat(),
                vector.response.unwrap_or_default(),
                "{}",
                vector.name
            );
            assert_eq!(pieces.len(), vector.chunks, "{}", vector.name);
            let expected = match (vector.outcome.as_str(), vector.close) {
                ("complete", _) => Some(End::Complete),
                ("incomplete", Some(1011)) => None,
                _ => Some(End::AgentError),
            };
            assert_eq!(end, expected, "{}", vector.name);
        }
    }

    /// Each case: messages, then the pieces, and whether the reply ended before the close.
    fn check(cases: &[(&[&str], &[&str], bool)]) {
        for (messages, expected, ends) in cases {
            let (pieces, end) = read(messages, !ends);
            assert_eq!(pieces, *expected, "{messages:?}");
            assert_eq!(end, Some(End::Complete), "{messages:?}");
        }
    }

    #[test]
    fn events_end_where_they_end() {
        check(&[
            (&["data: {\"chunk\":\"a\"}\n"], &["a"], false),
            (&["data: a\r", "\ndata: b\r\n\r\n"], &["a\nb"], false),
            (&["data: a\rdata: b\r\r"], &["a\nb"], false),
            (&["event: done"], &[], true),
            (&["event: done\ndata: {\"text\":\"b\"}\n\n"], &["b"], true),
            (&["data: b\nevent: end\n"], &["b"], true),
            (&["event: done\n", "data: late\n\n"], &[], true),
            (&["event: dones\n\n", "data: a\n\n"], &["a"], false),
            (&["data: a\ndata: [DONE]\n"], &["a"], true),
            (&["data: a\ndata: [DONE]"], &["a"], true),
            (&["data: [DO", "NE]"], &[], true),
            (&["data:[DONE]\n"], &[], true),
            (&["data: a\n", "[DONE]"], &["a"], true),
            (
                &["data: {\"type\":\"done\",\"text\":\"a\"}\n\n"],
                &["a"],
                true,
            ),
            (
                &["data: {\"chunk\":\"a\"}\n\ndata: [DONE]\n\ndata: b\n\n"],
                &["a"],
                true,
            ),
            (
                &["data\n\n", "data: a\n\n"],
                &["data\n\n", "data: a\n\n"],
                false,
            ),
            (&[":\n\ndata\ndata: a\n\n"], &["\na"], false),
            (&["\u{feff}\r\n\ndata: a\n\n"], &["a"], false),
            (&["\u{feff}", "\n", "da", "ta: a\n\n"], &["a"], false),
            (&["retry: 5\n\n", "data: a\n\n"], &["a"], false),
            (&["data: \n\n", "data:\n\n", "data: a\n\n"], &["a"], false),
            (&["data: 1\ndata: 2\n\n"], &["1", "2"], false),
            (
                &["data: {\ndata: \"chunk\":\ndata: \"a\"}\n\n"],
                &["a"],
                false,
            ),
            (
                &["data: {\ndata: \"chunk\":", "\ndata: \"a\"}"],
                &["a"],
                false,
            ),
            (
                &["data: {\"chunk\":\"a\"}\ndata: {\"chunk\":\"b\"}", "[DONE]"],
                &["a", "b"],
                true,
            ),
            (&["data: true\n\n", "data: a\n\n"], &["a"], false),
            (&["data: [1]\n\n", "data: a\n\n"], &["a"], false),
        ]);
    }

    #[test]
    fn a_line_without_its_end_goes_on_unless_the_next_message_shows_that_it_does_not() {
        check(&[
            (
                &["data: nullable", " thing\n\n"],
                &["nullable thing"],
                false,
            ),
            (&["data: null", "able\n\n"], &["nullable"], false),
            (&["data: 4", "2 apples\n\n"], &["42 apples"], false),
            (&["data: 42", "data: 43"], &["42", "43"], false),
            (&["data: 42", "[DONE]"], &["42"], true),
            (&["data: a", ": b\n\n"], &["a: b"], false),
            (&["data: {\"chunk\"", ":\"a\"}\n\n"], &["a"], false),
            (
                &["data: {\"chunk\":\"see ", "data: x\"}\n\n"],
                &["see data: x"],
                false,
            ),
            (
                &["data: {\"chunk\":\"a\"", "data: b\n\n"],
                &["{\"chunk\":\"a\"", "b"],
                false,
            ),
            (&["event: message", "data: a\n\n"], &["a"], false),
            (&[": hi", "data: a\n\n"], &["a"], false),
            (&["id: 4", "data: a\n\n"], &["a"], false),
            (&["data:", " a\n\n"], &["a"], false),
        ]);
        let (pieces, end) = read(&["event: error", "data: the agent's own words\n\n"], true);
        assert_eq!((pieces, end), (vec![], Some(End::AgentError)));
    }

    #[test]
    fn bare_messages_are_values_or_text() {
        check(&[
            (
                &["{\"chunk\":\"a\"}", "\n", "{\"chunk\":\"b\"}\n"],
                &["a", "b"],
                false,
            ),
            (&["{\n \"chunk\": \"a\"\n}\n"], &["a"], false),
            (&["\"a\"\"b\" [\"c\"]"], &["a", "b", "c"], false),
            (
                &["{\"chunk\":\"a\"}{\"chu", "nk\":\"b\"}", "[DONE]\n"],
                &["a", "b"],
                true,
            ),
            (&["{\"chunk\":\"a\"}\n[DONE]"], &["a"], true),
            (&["Hello\n[DONE]\n"], &["Hello\n"], true),
            (&["Hello [DONE]"], &["Hello [DONE]"], false),
            (&["{\"chunk\":"], &["{\"chunk\":"], false),
            (&["{", "{\"chunk\":\"a\"}"], &["{", "a"], false),
            (&["[", "see", "]"], &["[", "see", "]"], false),
            (&["[1]"], &["[1]"], false),
            (&["[1]", "\"a\""], &["[1]", "\"a\""], false),
            (
                &["see [1", "] ", "there"],
                &["see [1", "] ", "there"],
                false,
            ),
            (
                &["see ", "[1", "] ", "there"],
                &["see ", "[1] ", "there"],
                false,
            ),
            (
                &["a", "{\"chunk\":\"b\"}", "\"c\""],
                &["a", "b", "\"c\""],
                false,
            ),
            (&["true", " 1"], &["true", " 1"], false),
            (&["\n\n", "Hello"], &["\n\n", "Hello"], false),
            (&["d", "a", "nke"], &["d", "a", "nke"], false),
            (&["data", " is"], &["data", " is"], false),
            (&["data"], &["data"], false),
            (&["\n"], &["\n"], false),
            (&["a", "\n", "b"], &["a", "\n", "b"], false),
            (
                &["{\"type\":\"message_stop\"}", "{\"text\":\"late\"}"],
                &[],
                true,
            ),
            (&["\"\\ud800\""], &["\"\\ud800\""], false),
            (&["", "a", ""], &["a"], false),
        ]);
    }

    #[test]
    fn a_bare_message_among_events_is_bare_and_the_events_go_on() {
        check(&[
            (
                &["data: a\n\n", "{\"text\":\"b\"}", "data: c\n\n"],
                &["a", "b", "c"],
                false,
            ),
            (
                &["data: a\n\n", "b", "data: c\n\n"],
                &["a", "b", "c"],
                false,
            ),
            (&["{\"text\":\"a\"}", "data: b\n\n"], &["a", "b"], false),
            (&["data: a\n\n", "[DONE]"], &["a"], true),
            (&["data: a\n\n", "{\"type\":", "\"done\"}"], &["a"], true),
            (
                &["data: a\n\n", "\n", "foo: x\n"],
                &["a", "foo: x\n"],
                false,
            ),
            (&["data: a\n\n", "re", "ally"], &["a", "re", "ally"], false),
        ]);
    }

    #[test]
    fn what_is_pending_is_not_given_before_the_reply_ends_well() {
        for pending in [
            "data: hel",
            "{\"chunk\":",
            "da",
            "data: {\"chunk\":\"a\"}\n",
        ] {
            assert_eq!(read(&[pending], false), (vec![], None), "{pending:?}");
        }
    }

    #[test]
    fn binary_messages_may_split_a_character_and_must_be_utf_8() {
        let mut reader = ReplyReader::default();
        let mut pieces = Vec::new();
        let bytes = "data: \"é\"\n\ndata: 1é\n\n".as_bytes();
        for byte in bytes {
            reader.push_binary(&[*byte]);
            assert_eq!(drain(&mut reader, &mut pieces), None);
        }
        assert_eq!(pieces, ["é", "1é"]);

        for bad in [&b"a\xff"[..], b"\xc3("] {
            let mut reader = ReplyReader::default();
            reader.push_binary(bad);
            assert_eq!(drain(&mut reader, &mut Vec::new()), Some(End::NotUtf8));
        }
        let mut reader = ReplyReader::default();
        reader.push_binary(b"\xc3");
        assert_eq!(reader.next(), None);
        let mut closed = reader;
        closed.finish();
        assert_eq!(closed.next(), Some(Step::End(End::NotUtf8)));
    }

    #[test]
    fn lines_events_and_values_have_a_limit() {
        let mebibyte = "a".repeat(1 << 20);
        let line = |reader: &mut ReplyReader| reader.push_text(&mebibyte);
        let event = |reader: &mut ReplyReader| reader.push_text(&format!("data: {mebibyte}\n"));
        for (first, more) in [
            ("data: ", &line as &dyn Fn(&mut ReplyReader)),
            ("{\"chunk\":\"", &line),
            (":\n", &event),
        ] {
            let mut reader = ReplyReader::default();
            reader.push_text(first);
            assert_eq!(reader.next(), None);
            let steps = (0..9).find_map(|_| {
                more(&mut reader);
                reader.next()
            });
            assert!(steps == Some(Step::End(End::TooLarge)), "{first:?}");
        }
    }

    /// Half a million messages of a byte or two: with a cost that grows with what is pending this
    /// would take hours.
    #[test]
    fn small_messages_cost_no_more_than_large_ones() {
        for (first, more) in [
            ("data: {\"chunk\":\"", "a"),
            ("data: x\ndata: {\"chunk\":\"", "a"),
            ("data: ", " "),
            ("data: [", "[]"),
            ("{\"chunk\":\"", "a"),
            ("", "\n"),
            (":", "a"),
            ("data: a\n", "data: 1\n"),
        ] {
            let mut reader = ReplyReader::default();
            reader.push_text(first);
            assert_eq!(reader.next(), None);
            for _ in 0..500_000 {
                reader.push_text(more);
                if reader.next().is_some() {
                    break;
                }
            }
        }
    }

    fn event_stream() -> impl Strategy<Value = String> {
        let text = r#"[a-zé "\\:{}\[\]]{0,8}"#;
        let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
        let data = prop_oneof![
            text.prop_map(|text| serde_json::json!({ "chunk": text }).to_string()),
            text.prop_map(|text| serde_json::Value::from(text).to_string()),
            text.prop_map(|text| serde_json::json!({ "content": [{ "text": text }] }).to_string()),
            Just("words, and more".to_owned()),
        ];
        let event = (
            data,
            line_end,
            prop::sample::select(vec!["", ": c", "event: m", "id: 1"]),
        )
            .prop_map(|(data, end, before)| match before {
                "" => format!("data: {data}{end}{end}"),
                _ => format!("{before}{end}data: {data}{end}{end}"),
            });
        prop::collection::vec(event, 0..6).prop_map(|events| events.concat() + "data: [DONE]\n\n")
    }

    proptest! {
        /// The same bytes cut anywhere give the same pieces.
        #[test]
        fn an_event_stream_may_be_cut_anywhere(
            stream in event_stream(),
            cuts in prop::collection::vec(0usize..200, 0..12),
        ) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let (mut reader, mut pieces, mut end, mut start) = (ReplyReader::default(), vec![], None, 0);
            for cut in cuts {
                if end.is_none() {
                    reader.push_binary(&bytes[start..cut]);
                    end = drain(&mut reader, &mut pieces);
                    start = cut;
                }
            }
            let (whole, whole_end) = read(&[&stream], true);
            prop_assert_eq!(end, Some(End::Complete));
            prop_assert_eq!(whole_end, Some(End::Complete));
            prop_assert_eq!(pieces, whole);
        }

        #[test]
        fn no_bytes_make_it_panic(
            messages in prop::collection::vec(
                prop_oneof![
                    r#"(data: ?|event: |[:{}\[\]",\n\r]|chunk|done|error|DONE|1|é| ){0,10}"#
                        .prop_map(String::into_bytes),
                    prop::collection::vec(any::<u8>(), 0..8),
                ],
                0..12,
            ),
            text in any::<bool>(),
        ) {
            let mut reader = ReplyReader::default();
            let mut ended = 0;
            for message in &messages {
                match std::str::from_utf8(message) {
                    Ok(message) if text => reader.push_text(message),
                    _ => reader.push_binary(message),
                }
                for step in reader.by_ref() {
                    prop_assert_eq!(ended, 0, "nothing comes after the end");
                    match step {
                        Step::Piece(piece) => prop_assert!(!piece.is_empty()),
                        Step::End(_) => ended += 1,
                    }
                }
            }
            reader.finish();
            for step in reader.by_ref() {
                ended += usize::from(matches!(step, Step::End(_)));
            }
            prop_assert_eq!(ended, 1);
        }
    }
}
