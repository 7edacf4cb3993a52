//! Messages in, frames out.

use std::collections::VecDeque;

use super::bare::{PartOfField, PartOfValue};
use super::frame::{Broken, Content, Feedback, Frame};
use super::sse::SseParser;
use super::work::{Buffer, Found, Place, Work};
use crate::json::Document;

/// Reads messages. How a message is taken in is in `take`, how it is read from there in `read`.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// The messages are server-sent events.
    pub(super) in_sse: bool,
    /// The data of an SSE event was text.
    pub(super) sse_data_is_text: bool,
    pub(super) bare: BareSoFar,
    pub(super) held: Held,
    pub(super) sse: SseParser,
    /// The message at hand, with what was held before it where they belong together.
    pub(super) message: String,
    /// The message is cut within a character.
    pub(super) splits_character: bool,
    /// What is to be read, in order.
    pub(super) work: VecDeque<Work>,
    /// From this byte on the message is SSE, which is read after all the work.
    pub(super) sse_from: Option<usize>,
    /// The data of an SSE event that came in more than one message or line.
    pub(super) data: String,
    /// The values of the message or data at hand.
    pub(super) document: Document,
    /// The first bytes of a character that goes on in the next binary message.
    part_of_character: Vec<u8>,
}

/// What the messages outside of SSE events have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BareSoFar {
    #[default]
    None,
    /// JSON.
    Values,
    /// Text, one at least. Outside of SSE, all that follow are text or objects.
    Text,
}

/// What cannot be read before the next message is there.
#[derive(Debug, Default)]
pub(super) enum Held {
    #[default]
    Nothing,
    /// Messages that are blank, or the beginning of a field's name.
    PartOfField(PartOfField),
    /// The beginning of a JSON object or array, or of `[DONE]`.
    PartOfValue(Box<PartOfValue>),
}

impl Framing {
    /// Takes in a text message. What came before is to be read to its end first.
    pub(crate) fn push_text(&mut self, message: &str) {
        if self.part_of_character.is_empty() {
            self.push(message, false);
        } else {
            self.broken(Broken::NotUtf8);
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
            Err(_) => return self.broken(Broken::NotUtf8),
        };
        self.part_of_character = part.to_vec();
        self.push(whole, !part.is_empty());
    }

    /// The connection was closed as it should be: what is pending is read as it stands.
    pub(crate) fn finish(&mut self) {
        if !self.part_of_character.is_empty() {
            return self.broken(Broken::NotUtf8);
        }
        self.message.clear();
        if !self.sse.is_idle() {
            self.work.push_back(Work::EndLastSseEvent);
        }
        // Among SSE events and JSON values white space only parts one from another.
        let is_blank = matches!(&self.held, Held::PartOfField(part) if part.is_blank());
        if is_blank && (self.in_sse || self.bare == BareSoFar::Values) {
            self.held = Held::Nothing;
        }
        self.release_held();
        self.work.push_back(Work::Done);
    }

    /// Whether a message waits for the next that would be text by itself: one that is no beginning of
    /// JSON.
    pub(crate) fn holds_text(&self) -> bool {
        self.sse.holds_data() || matches!(&self.held, Held::PartOfField(part) if !part.is_blank())
    }

    /// Whether a message waits for the next.
    pub(crate) fn holds_message(&self) -> bool {
        self.holds_text() || matches!(self.held, Held::PartOfValue(_))
    }

    /// The next frame; `None` where another message is needed.
    pub(crate) fn next(&mut self) -> Option<Frame<'_>> {
        let found = self.advance()?;
        Some(Frame::Content(match found {
            Found::Text(place) => Content::Text {
                text: self.text(&place),
                sse_name: self.sse_name(&place),
                is_sse_data: place.is_sse_data,
            },
            Found::Value(place, otherwise) => Content::Value {
                value: self.document.value(self.text(&place)),
                text: self.text(&place),
                sse_name: self.sse_name(&place),
                otherwise,
            },
            Found::OpenSseEvent(place) => Content::OpenSseEvent {
                value: self.document.value(self.text(&place)),
                sse_name: self.sse_name(&place),
            },
            Found::Name => Content::Name {
                sse_name: self.sse.name(),
            },
            Found::Done => return Some(Frame::Done),
            Found::Broken(broken) => return Some(Frame::Broken(broken)),
        }))
    }

    /// The last frame was read, and has shown this.
    pub(crate) fn take_feedback(&mut self, feedback: Feedback) {
        match feedback {
            Feedback::Nothing => {}
            Feedback::IsText => self.bare = BareSoFar::Text,
            Feedback::IsTextData => self.sse_data_is_text = true,
            Feedback::EndsReply => self.work.push_front(Work::EndLastSseEvent),
        }
        self.document.forget_large();
    }

    pub(super) fn text(&self, place: &Place) -> &str {
        let text = match place.buffer {
            Buffer::Message => &self.message,
            Buffer::Data => &self.data,
            Buffer::OpenSseEvent => self.sse.open_data(),
        };
        &text[place.range.clone()]
    }

    fn sse_name(&self, place: &Place) -> &str {
        if place.is_sse_data {
            self.sse.name()
        } else {
            ""
        }
    }
}
