//! How what was taken in is read, one thing after the other.

use std::ops::Range;

use super::WHITE_SPACE;
use super::bare::Texts;
use super::frame::{Broken, Otherwise};
use super::messages::Framing;
use super::sse::{SseData, SseEvent};
use super::work::{Buffer, Found, Place, Work};

impl Framing {
    /// Does work until something is found; `None` where another message is needed.
    pub(super) fn advance(&mut self) -> Option<Found> {
        loop {
            let Some(work) = self.work.pop_front() else {
                let at = self.sse_from.take()?;
                match self.read_sse(at) {
                    None => continue,
                    found => return found,
                }
            };
            let found = match work {
                Work::Fresh(at) => {
                    self.read_fresh(at);
                    None
                }
                Work::EndSseEvent => {
                    let event = self.sse.end_now();
                    // With a name and no data the SSE event goes on in the message.
                    if self.sse.is_idle() {
                        self.work.push_front(Work::Fresh(0));
                    } else {
                        self.sse_from = Some(0);
                    }
                    self.read_event(event)
                }
                Work::EndLastSseEvent => {
                    let event = self.sse.finish();
                    self.read_event(event)
                }
                Work::Values(range) => self.read_value(range),
                Work::Object(range) => {
                    self.document.read(&self.message[range.clone()]);
                    Some(Found::Value(Place::bare(range), Otherwise::Text))
                }
                Work::Text(range) => (!range.is_empty()).then(|| Found::Text(Place::bare(range))),
                Work::Texts(texts, at) => self.read_texts(texts, at),
                Work::Lines(at) => Some(self.read_line(at)),
                Work::Done => Some(Found::Done),
                Work::Broken(broken) => Some(Found::Broken(broken)),
            };
            if found.is_some() {
                return found;
            }
        }
    }

    /// The first of the values in a part of the message; the others are left to work.
    fn read_value(&mut self, range: Range<usize>) -> Option<Found> {
        let rest = &self.message[range.clone()];
        let length = self.document.first(rest)?;
        let mut end = range.start + length;
        if rest[length..].trim_start_matches(WHITE_SPACE).is_empty() {
            // Where the value is text after all, that is text as it came.
            end = range.end;
        } else {
            self.work.push_front(Work::Values(end..range.end));
        }
        let place = Place::bare(range.start..end);
        Some(Found::Value(place, Otherwise::TextOfArray))
    }

    /// The next of several messages that are text.
    fn read_texts(&mut self, texts: Box<Texts>, at: usize) -> Option<Found> {
        let end = texts.end_of_message(at)?;
        self.data.clear();
        self.data.push_str(&texts.text()[at..end]);
        self.work.push_front(Work::Texts(texts, end));
        Some(Found::Text(Place {
            buffer: Buffer::Data,
            range: 0..end - at,
            is_sse_data: false,
        }))
    }

    /// Reads the message as SSE from a byte on, to the end of the next SSE event.
    fn read_sse(&mut self, mut at: usize) -> Option<Found> {
        let event = self.sse.read(&self.message, &mut at, self.splits_character);
        if at < self.message.len() && event.is_ok() {
            self.sse_from = Some(at);
        } else if matches!(event, Ok(None)) {
            return self.open_sse_event();
        }
        self.read_event(event)
    }

    /// The data so far of an SSE event that has not ended with the message, where it may end the
    /// reply.
    fn open_sse_event(&mut self) -> Option<Found> {
        if self.splits_character {
            return None;
        }
        let range = self.sse.whole_object()?;
        let is_value = self.document.read(&self.sse.open_data()[range.clone()]);
        let place = Place::sse_data(Buffer::OpenSseEvent, range);
        is_value.then_some(Found::OpenSseEvent(place))
    }

    /// What is in an SSE event that has ended.
    fn read_event(&mut self, event: Result<Option<SseEvent>, Broken>) -> Option<Found> {
        let event = match event {
            Ok(event) => event?,
            Err(broken) => return Some(Found::Broken(broken)),
        };
        if event.is_last {
            self.work.clear();
            self.sse_from = None;
            self.work.push_front(Work::Done);
        }
        let (buffer, range) = match self.sse.take_data() {
            SseData::None => return (!event.is_last).then_some(Found::Name),
            SseData::InMessage(range) => (Buffer::Message, range),
            SseData::Joined => {
                self.sse.swap_data(&mut self.data);
                (Buffer::Data, 0..self.data.len())
            }
        };
        self.read_data(Place::sse_data(buffer, range))
    }

    /// The data of an SSE event as JSON, else as text.
    fn read_data(&mut self, place: Place) -> Option<Found> {
        let text = match place.buffer {
            Buffer::Message => &self.message[place.range.clone()],
            _ => &self.data[place.range.clone()],
        };
        if text.is_empty() {
            // There is no text, but the name may say something by itself.
            return Some(Found::Name);
        }
        // No JSON encoder begins with a space. Models' tokens do, and ` 42` is such a token.
        if !text.starts_with(' ') {
            if self.document.read(text) {
                return Some(Found::Value(place, self.otherwise()));
            }
            if self.is_json_in_each_line(&place) {
                self.work.push_front(Work::Lines(0));
                return None;
            }
        }
        Some(Found::Text(place))
    }

    /// What the data of an SSE event is where no dialect reads it.
    fn otherwise(&self) -> Otherwise {
        if self.sse_data_is_text {
            Otherwise::Text
        } else {
            Otherwise::Nothing
        }
    }

    /// Whether data of several lines has a JSON value in each: agents leave out the blank line
    /// between SSE events.
    fn is_json_in_each_line(&mut self, place: &Place) -> bool {
        // In the message there is data of one line alone.
        if place.buffer == Buffer::Message {
            return false;
        }
        let text = &self.data[place.range.clone()];
        // Where data is text, numbers and words in lines of their own are text too.
        let may_be = |line: &str| !self.sse_data_is_text || line.starts_with('{');
        text.contains('\n')
            && text
                .split('\n')
                .all(|line| may_be(line) && self.document.read(line))
    }

    /// The value in the next line of data.
    fn read_line(&mut self, at: usize) -> Found {
        let rest = &self.data[at..];
        let length = rest.find('\n').unwrap_or(rest.len());
        if at + length < self.data.len() {
            self.work.push_front(Work::Lines(at + length + 1));
        }
        self.document.read(&rest[..length]);
        let place = Place::sse_data(Buffer::Data, at..at + length);
        Found::Value(place, self.otherwise())
    }
}
