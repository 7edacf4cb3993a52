//! Messages to text and JSON values.
//!
//! Agents send what they like: server-sent events, bare JSON, bare text, cut into messages as it
//! comes. [`Framing`] takes the messages and gives what is in them, each thing as soon as it is
//! whole. It holds the message at hand and what is pending, no more, and looks at each byte a
//! bounded number of times.

use std::collections::VecDeque;
use std::ops::Range;

use crate::json::{Document, Value, Verdict};
use bare::{Bare, PartOfField, PartOfValue, Texts, is_json_or_done, split_done, values_in};
use events::{Beginning, Data, Events, Found};

mod bare;
mod events;
mod pending;

/// The largest message, line, event or value, in bytes.
pub(crate) const MAX_BYTES: usize = 8 << 20;

/// Data that ends a reply, as OpenAI's API introduced it.
const DONE: &str = "[DONE]";

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The white space of JSON.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// What is in the messages, one thing after the other.
#[derive(Debug)]
pub(crate) enum Frame<'f> {
    /// Text as it stands. `event` is the name that an SSE `event:` gave it, empty where none.
    Text {
        text: &'f str,
        event: &'f str,
        /// It is the data of an event.
        is_data: bool,
    },
    /// A JSON value, and what to make of it where no dialect reads it.
    Value {
        value: Value<'f>,
        /// The text that it was read from.
        text: &'f str,
        event: &'f str,
        otherwise: Otherwise,
    },
    /// The data of an event whose end has not come: it counts only where it ends the reply.
    Perhaps { value: Value<'f>, event: &'f str },
    /// An event that has a name and no data.
    Name { event: &'f str },
    /// The reply's end.
    Done,
    /// The messages break the protocol.
    Broken(Broken),
}

/// What a value is that no dialect reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// Nothing.
    Nothing,
    /// Text as it stands: the model's own words. The text is its, with the white space around it.
    Text,
    /// Text as it stands where it is an array without objects.
    TextOfArray,
}

/// How messages can break the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A message, a line, an event or a value is larger than 8 MiB.
    TooLarge,
    /// A message is not UTF-8.
    NotUtf8,
}

/// Reads messages.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// The messages are server-sent events.
    in_events: bool,
    /// Data that is not JSON was read as text.
    in_text_data: bool,
    bare: BareSoFar,
    held: Held,
    events: Events,
    /// The message at hand, with what was held before it where they belong together.
    message: String,
    /// The message is cut within a character.
    splits_character: bool,
    /// What is to be read, in order.
    work: VecDeque<Work>,
    /// The data of an event that came in more than one message or line.
    data: String,
    /// The values of the message or data at hand.
    document: Document,
    /// The first bytes of a character that goes on in the next binary message.
    part_of_character: Vec<u8>,
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
    /// The beginning of a JSON object or array, or of `[DONE]`.
    PartOfValue(Box<PartOfValue>),
}

#[derive(Debug)]
enum Work {
    /// A part of the message that is to be looked at as if it were a message.
    Fresh(usize),
    /// Events of the message, read up to here.
    Events(usize),
    /// The event at hand has ended with the message before; then the message.
    EndOfEvent,
    /// The event at hand has ended with the reply.
    EndOfEvents,
    /// JSON values in the message with white space between.
    Values(Range<usize>),
    /// An object that was sent in a stream of text, if a dialect reads it.
    Object(Range<usize>),
    /// Text of the message.
    Text(Range<usize>),
    /// Messages that are a piece of text each, read up to this byte.
    Texts(Box<Texts>, usize),
    /// Lines of data that are JSON each, read up to here.
    Lines(usize),
    Done,
    Broken(Broken),
}

/// What was found, before it is put together: the work that finds it must not hold on to its text.
enum Next {
    Text(Place),
    Value(Place, Otherwise),
    Perhaps(Place),
    Name,
    Done,
    Broken(Broken),
}

/// Where the text of a frame is, and whether an event gives it a name.
struct Place {
    source: Source,
    range: Range<usize>,
    is_of_event: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Message,
    /// What came in more than one message or line.
    Data,
    /// The data of an event whose end has not come.
    Pending,
}

impl Framing {
    /// Takes in a text message. What came before is to be read to its end first.
    pub(crate) fn push_text(&mut self, message: &str) {
        if self.part_of_character.is_empty() {
            self.push(message, false);
        } else {
            self.work.push_back(Work::Broken(Broken::NotUtf8));
        }
    }

    /// Takes in a binary message; a character may be split between two of them.
    pub(crate) fn push_binary(&mut self, message: &[u8]) {
        let joined;
        let bytes = if self.part_of_character.is_empty() {
            message
        } else {
            joined = [&std::mem::take(&mut self.part_of_character), message].concat();
            &joined
        };
        let (whole, part) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) if error.error_len().is_none() => {
                let (whole, part) = bytes.split_at(error.valid_up_to());
                (std::str::from_utf8(whole).unwrap_or_default(), part)
            }
            Err(_) => return self.work.push_back(Work::Broken(Broken::NotUtf8)),
        };
        self.part_of_character = part.to_vec();
        self.push(whole, !part.is_empty());
    }

    /// The connection was closed as it should be: what is pending is read as it stands.
    pub(crate) fn finish(&mut self) {
        if !self.part_of_character.is_empty() {
            return self.work.push_back(Work::Broken(Broken::NotUtf8));
        }
        self.message.clear();
        if !self.events.is_idle() {
            self.work.push_back(Work::EndOfEvents);
        }
        let is_blank = matches!(&self.held, Held::PartOfField(part) if part.is_blank());
        if is_blank && (self.in_events || self.bare == BareSoFar::Values) {
            self.held = Held::Nothing;
        }
        self.release_held();
        self.work.push_back(Work::Done);
    }

    /// A value that is no text by itself was taken for text.
    pub(crate) fn text_came(&mut self) {
        self.bare = BareSoFar::Text;
    }

    /// The data of an event that is not JSON was read as text.
    pub(crate) fn text_data_came(&mut self) {
        self.in_text_data = true;
    }

    /// The event at hand ends the reply, so it has ended, though the blank line after it has not come.
    pub(crate) fn end_event(&mut self) {
        self.work.push_front(Work::EndOfEvents);
    }

    /// The last thing was read: what a large one took is given back.
    pub(crate) fn forget_large(&mut self) {
        self.document.forget_large();
    }

    /// The next thing that is in the messages; `None` where another message is needed.
    pub(crate) fn next(&mut self) -> Option<Frame<'_>> {
        let next = self.advance()?;
        Some(match next {
            Next::Text(place) => Frame::Text {
                text: self.text(&place),
                event: self.event(&place),
                is_data: place.is_of_event,
            },
            Next::Value(place, otherwise) => Frame::Value {
                value: self.document.value(self.text(&place)),
                text: self.text(&place),
                event: self.event(&place),
                otherwise,
            },
            Next::Perhaps(place) => Frame::Perhaps {
                value: self.document.value(self.text(&place)),
                event: self.event(&place),
            },
            Next::Name => Frame::Name {
                event: self.events.name(),
            },
            Next::Done => Frame::Done,
            Next::Broken(broken) => Frame::Broken(broken),
        })
    }

    fn text(&self, place: &Place) -> &str {
        let text = match place.source {
            Source::Message => &self.message,
            Source::Data => &self.data,
            Source::Pending => self.events.pending(),
        };
        &text[place.range.clone()]
    }

    fn event(&self, place: &Place) -> &str {
        if place.is_of_event {
            self.events.name()
        } else {
            ""
        }
    }

    fn push(&mut self, message: &str, splits_character: bool) {
        if message.len() > MAX_BYTES {
            return self.broken(Broken::TooLarge);
        }
        if message.is_empty() {
            return;
        }
        self.splits_character = splits_character;
        self.message.clear();
        // One huge message must not be paid for during the rest of a reply.
        if self.message.capacity() > 1 << 16 {
            self.message = String::new();
        }
        if !self.events.is_idle() {
            self.message.push_str(message);
            return self.push_after_event();
        }
        match std::mem::take(&mut self.held) {
            Held::Nothing => {
                self.message.push_str(message);
                let goes_on = self.in_events && message.starts_with("data:");
                self.work.push_back(if goes_on {
                    Work::Events(0)
                } else {
                    Work::Fresh(0)
                });
            }
            Held::PartOfField(part) => self.push_after_part_of_field(part, message),
            Held::PartOfValue(part) => self.push_after_part_of_value(part, message),
        }
    }

    /// A message that comes while an event is pending: it goes on with it, unless it shows that the
    /// line and the event have ended.
    fn push_after_event(&mut self) {
        let ended = self.events.ends_before(&self.message);
        if ended {
            self.work.push_back(Work::EndOfEvent);
        } else {
            self.work.push_back(Work::Events(0));
        }
    }

    fn push_after_part_of_field(&mut self, mut part: PartOfField, message: &str) {
        if part.len() + message.len() > MAX_BYTES {
            return self.broken(Broken::TooLarge);
        }
        match self.beginning(&part.joined_with(message)) {
            Beginning::Field => {
                self.message.push_str(&part.joined_with(message));
                self.push_events(0);
            }
            Beginning::PartOfField => {
                part.push(message);
                self.held = Held::PartOfField(part);
            }
            Beginning::Other => {
                self.message.push_str(message);
                // White space before a value only parts it from others.
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
                self.push_values(0..end);
                if !self.message[end..].trim().is_empty() {
                    self.work.push_back(Work::Fresh(end));
                }
            }
            Verdict::Empty | Verdict::Beginning | Verdict::WholeScalar => {
                part.push(message);
                self.held = Held::PartOfValue(part);
            }
        }
    }

    /// Looks at the message from here on as if nothing were pending.
    fn read_fresh(&mut self, at: usize) {
        let message = &self.message[at..];
        if self.in_events && events::without_blank_lines(message).is_empty() {
            return;
        }
        match self.beginning(message) {
            Beginning::Field => self.push_events(at),
            Beginning::PartOfField => {
                self.held = Held::PartOfField(PartOfField::new(message));
            }
            Beginning::Other => self.read_bare(at),
        }
    }

    fn push_events(&mut self, at: usize) {
        let blank = self.message[at..].len();
        let blank = blank - events::without_blank_lines(&self.message[at..]).len();
        self.in_events = true;
        self.work.push_back(Work::Events(at + blank));
    }

    /// A message that is no part of an event: JSON, or text.
    fn read_bare(&mut self, at: usize) {
        let message = &self.message[at..];
        let (message, is_last) = match split_done(message) {
            Some(before) => (before, true),
            None => (message, false),
        };
        let end = at + message.len();
        if self.bare == BareSoFar::Text {
            // From `{` to `}`: a line of a JSON block that a model writes ends in a newline.
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
        // A byte-order mark is no text of JSON's.
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

    /// What is held turns out to be text.
    fn release_held(&mut self) {
        let texts = match std::mem::take(&mut self.held) {
            Held::Nothing => return,
            Held::PartOfField(part) => Texts::from(part),
            Held::PartOfValue(part) => (*part).into(),
        };
        self.bare = BareSoFar::Text;
        self.work.push_back(Work::Texts(Box::new(texts), 0));
    }

    fn broken(&mut self, broken: Broken) {
        self.work.push_back(Work::Broken(broken));
    }

    /// How a message begins. Once bare text has come, a stream that is none of events stays bare:
    /// a token such as `data:` is text then.
    fn beginning(&self, message: &str) -> Beginning {
        if self.bare == BareSoFar::Text && !self.in_events {
            Beginning::Other
        } else {
            events::beginning(message)
        }
    }

    fn advance(&mut self) -> Option<Next> {
        loop {
            let found = match self.work.pop_front()? {
                Work::Fresh(at) => {
                    self.read_fresh(at);
                    None
                }
                Work::Events(at) => self.read_events(at),
                Work::EndOfEvent => {
                    let found = self.events.end_now();
                    // A name without data goes on with the message.
                    if self.events.is_idle() {
                        self.work.push_front(Work::Fresh(0));
                    } else {
                        self.work.push_front(Work::Events(0));
                    }
                    self.found(found)
                }
                Work::EndOfEvents => {
                    let found = self.events.finish();
                    self.found(found)
                }
                Work::Values(range) => self.read_value(range),
                Work::Object(range) => {
                    self.document.read(&self.message[range.clone()]);
                    Some(Next::Value(Place::bare(range), Otherwise::Text))
                }
                Work::Text(range) => (!range.is_empty()).then(|| Next::Text(Place::bare(range))),
                Work::Texts(texts, at) => self.read_texts(texts, at),
                Work::Lines(at) => Some(self.read_line(at)),
                Work::Done => Some(Next::Done),
                Work::Broken(broken) => Some(Next::Broken(broken)),
            };
            if found.is_some() {
                return found;
            }
        }
    }

    fn read_value(&mut self, range: Range<usize>) -> Option<Next> {
        let rest = &self.message[range.clone()];
        let blank = rest.len() - rest.trim_start_matches(WHITE_SPACE).len();
        let start = range.start + blank;
        let length = self.document.first(&rest[blank..])?;
        if start + length < range.end {
            self.work
                .push_front(Work::Values(start + length..range.end));
        }
        let place = Place::bare(start..start + length);
        Some(Next::Value(place, Otherwise::TextOfArray))
    }

    fn read_texts(&mut self, texts: Box<Texts>, at: usize) -> Option<Next> {
        let end = texts.end_of_message(at)?;
        self.data.clear();
        self.data.push_str(&texts.text()[at..end]);
        self.work.push_front(Work::Texts(texts, end));
        Some(Next::Text(Place {
            source: Source::Data,
            range: 0..end - at,
            is_of_event: false,
        }))
    }

    fn read_events(&mut self, mut at: usize) -> Option<Next> {
        let found = self
            .events
            .read(&self.message, &mut at, self.splits_character);
        if at < self.message.len() && found.is_ok() {
            self.work.push_front(Work::Events(at));
        } else if matches!(found, Ok(None)) {
            return self.perhaps_end();
        }
        self.found(found)
    }

    /// The message has ended, and the event at hand has not: its data counts if it ends the reply.
    fn perhaps_end(&mut self) -> Option<Next> {
        if self.splits_character {
            return None;
        }
        let range = self.events.perhaps_whole()?;
        let is_value = self.document.read(&self.events.pending()[range.clone()]);
        is_value.then(|| {
            Next::Perhaps(Place {
                source: Source::Pending,
                range,
                is_of_event: true,
            })
        })
    }

    fn found(&mut self, found: Result<Option<Found>, Broken>) -> Option<Next> {
        let event = match found {
            Ok(event) => event?,
            Err(broken) => return Some(Next::Broken(broken)),
        };
        if event.is_last {
            self.work.clear();
            self.work.push_front(Work::Done);
        }
        let (source, range) = match event.data {
            Data::None => return (!event.is_last).then_some(Next::Name),
            Data::Here(range) => (Source::Message, range),
            Data::Joined => {
                self.events.swap_data(&mut self.data);
                (Source::Data, 0..self.data.len())
            }
        };
        let place = Place {
            source,
            range,
            is_of_event: true,
        };
        self.read_data(place)
    }

    /// The data of an event: JSON, or text.
    fn read_data(&mut self, place: Place) -> Option<Next> {
        let text = match place.source {
            Source::Message => &self.message[place.range.clone()],
            _ => &self.data[place.range.clone()],
        };
        if text.is_empty() {
            // No text, and perhaps an event that its name says all of.
            return Some(Next::Name);
        }
        // No JSON encoder leaves a space in front; models' tokens begin with it.
        if !text.starts_with(' ') {
            if self.document.read(text) {
                return Some(Next::Value(place, self.otherwise()));
            }
            if self.is_json_in_each_line(&place) {
                if place.source == Source::Message {
                    let text = self.text(&place).to_owned();
                    self.data = text;
                }
                self.work.push_front(Work::Lines(0));
                return None;
            }
        }
        Some(Next::Text(place))
    }

    fn otherwise(&self) -> Otherwise {
        if self.in_text_data {
            Otherwise::Text
        } else {
            Otherwise::Nothing
        }
    }

    fn is_json_in_each_line(&mut self, place: &Place) -> bool {
        let text = match place.source {
            Source::Message => &self.message[place.range.clone()],
            _ => &self.data[place.range.clone()],
        };
        // In a stream of text, lines of numbers and words are text too.
        let may_be = |line: &str| !self.in_text_data || line.starts_with('{');
        text.contains('\n')
            && text
                .split('\n')
                .all(|line| may_be(line) && self.document.read(line))
    }

    fn read_line(&mut self, at: usize) -> Next {
        let rest = &self.data[at..];
        let length = rest.find('\n').unwrap_or(rest.len());
        if at + length < self.data.len() {
            self.work.push_front(Work::Lines(at + length + 1));
        }
        self.document.read(&rest[..length]);
        let place = Place {
            source: Source::Data,
            range: at..at + length,
            is_of_event: true,
        };
        Next::Value(place, self.otherwise())
    }
}

impl Place {
    fn bare(range: Range<usize>) -> Self {
        Self {
            source: Source::Message,
            range,
            is_of_event: false,
        }
    }
}
