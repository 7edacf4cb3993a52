//! Messages to text and JSON values.
//!
//! Agents send what they like: server-sent events, bare JSON, bare text, cut into messages as it
//! comes. [`Framing`] takes the messages and gives what is in them, each thing as soon as it is
//! whole. It holds the message at hand and what is pending, no more, and looks at each byte a
//! bounded number of times.

use std::collections::VecDeque;
use std::ops::Range;

use crate::json::{Document, Value};
use bare::{PartOfField, PartOfValue, Texts};
use sse::Events;

mod bare;
mod pending;
mod read;
mod sse;
mod take;

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
    /// The message is events from here on, which are read after all that.
    events_from: Option<usize>,
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
