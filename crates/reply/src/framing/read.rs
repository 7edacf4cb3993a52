//! Reading what was taken in, one thing after the other.

use std::ops::Range;

use super::bare::Texts;
use super::sse::{Data, Found};
use super::{Broken, Framing, Next, Otherwise, Place, Source, WHITE_SPACE, Work};

impl Framing {
    pub(super) fn advance(&mut self) -> Option<Next> {
        loop {
            let Some(work) = self.work.pop_front() else {
                let at = self.events_from.take()?;
                match self.read_events(at) {
                    None => continue,
                    found => return found,
                }
            };
            let found = match work {
                Work::Fresh(at) => {
                    self.read_fresh(at);
                    None
                }
                Work::EndOfEvent => {
                    let found = self.events.end_now();
                    // A name without data goes on with the message.
                    if self.events.is_idle() {
                        self.work.push_front(Work::Fresh(0));
                    } else {
                        self.events_from = Some(0);
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

    pub(super) fn read_value(&mut self, range: Range<usize>) -> Option<Next> {
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

    pub(super) fn read_texts(&mut self, texts: Box<Texts>, at: usize) -> Option<Next> {
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

    pub(super) fn read_events(&mut self, mut at: usize) -> Option<Next> {
        let found = self
            .events
            .read(&self.message, &mut at, self.splits_character);
        if at < self.message.len() && found.is_ok() {
            self.events_from = Some(at);
        } else if matches!(found, Ok(None)) {
            return self.perhaps_end();
        }
        self.found(found)
    }

    /// The message has ended, and the event at hand has not: its data counts if it ends the reply.
    pub(super) fn perhaps_end(&mut self) -> Option<Next> {
        if self.splits_character {
            return None;
        }
        let range = self.events.perhaps_whole()?;
        let is_value = self.document.read(&self.events.pending()[range.clone()]);
        let place = Place {
            source: Source::Pending,
            range,
            is_of_event: true,
        };
        is_value.then_some(Next::Perhaps(place))
    }

    pub(super) fn found(&mut self, found: Result<Option<Found>, Broken>) -> Option<Next> {
        let event = match found {
            Ok(event) => event?,
            Err(broken) => return Some(Next::Broken(broken)),
        };
        if event.is_last {
            self.work.clear();
            self.events_from = None;
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
    pub(super) fn read_data(&mut self, place: Place) -> Option<Next> {
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

    pub(super) fn otherwise(&self) -> Otherwise {
        if self.in_text_data {
            Otherwise::Text
        } else {
            Otherwise::Nothing
        }
    }

    pub(super) fn is_json_in_each_line(&mut self, place: &Place) -> bool {
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

    pub(super) fn read_line(&mut self, at: usize) -> Next {
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
