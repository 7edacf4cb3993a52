//! The three steps in a row: framing → dialects → telling.

use std::collections::VecDeque;

use crate::calls::Calls;
use crate::dialects::{Memory, Reading, piece};
use crate::framing::{Broken, Frame, Framing, Otherwise};
use crate::json::{Kind, Str, Value};
use crate::said::{Item, Said};
use crate::step::{End, Step};
use crate::structured::Structured;
use crate::telling::Telling;
use crate::unknown::Reprs;

/// How much is remembered of a reply, so that nothing of it is told twice, unless told otherwise.
pub const DEFAULT_MEMORY_BYTES: usize = 4 << 20;

/// Reads one reply: takes its messages, gives what they say.
#[derive(Debug)]
pub struct ReplyReader {
    framing: Framing,
    memory: Memory,
    /// What the last value said, told up to the item of this number, whose words begin there.
    said: Said,
    next_item: usize,
    words_at: usize,
    text: Telling,
    reasoning: Telling,
    calls: Calls,
    reprs: Reprs,
    structured: Structured,
    ready: VecDeque<Step>,
    /// The connection was closed as it should be.
    is_closed: bool,
    has_ended: bool,
    counts: Counts,
}

/// What a reply consisted of, for whoever wonders why it has no text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages, those that were cut included.
    pub messages: u64,
    /// JSON values that no dialect recognised.
    pub unread: u64,
}

impl Default for ReplyReader {
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_BYTES)
    }
}

impl ReplyReader {
    /// A reader that remembers so many bytes of text, and as many of reasoning, at the most.
    pub fn new(memory_bytes: usize) -> Self {
        Self {
            framing: Framing::default(),
            memory: Memory::default(),
            said: Said::default(),
            next_item: 0,
            words_at: 0,
            text: Telling::new(memory_bytes),
            reasoning: Telling::new(memory_bytes),
            calls: Calls::default(),
            reprs: Reprs::default(),
            structured: Structured::default(),
            ready: VecDeque::new(),
            is_closed: false,
            has_ended: false,
            counts: Counts::default(),
        }
    }

    /// Takes in a text message. What came before is to be read to its end first.
    pub fn push_text(&mut self, message: &str) {
        self.counts.messages += 1;
        self.framing.push_text(message);
    }

    /// Takes in a binary message, which may end or begin within a character.
    pub fn push_binary(&mut self, message: &[u8]) {
        self.counts.messages += 1;
        self.framing.push_binary(message);
    }

    /// The connection was closed as it should be: what is pending is read as it stands.
    pub fn finish(&mut self) {
        self.is_closed = true;
        self.framing.finish();
    }

    /// What the reply consisted of so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Reads what comes next in the messages; `None` where another message is needed. What it says is
    /// told next, but for a piece of text that needs no more reading.
    fn read_on(&mut self) -> Option<Told> {
        let frame = self.framing.next()?;
        if let Frame::Value {
            value, event: "", ..
        } = frame
            && let Some((text, source)) = piece(value)
        {
            self.structured.something_came();
            self.reprs.came(true);
            self.calls.end_all(&mut self.ready);
            let text = text.decode();
            let told = self.text.tell(&source, &text);
            return Some(Told::of(told.map(|text| Step::Text(text.into_owned()))));
        }
        self.said.clear();
        (self.next_item, self.words_at) = (0, 0);
        let mut reading = Reading::new(&mut self.said, &mut self.memory, "");
        let (mut text_came, mut text_data_came, mut ends_event) = (false, false, false);
        match frame {
            Frame::Text {
                text,
                event,
                is_data,
            } => {
                self.structured.something_came();
                let mark = reading.mark();
                reading.named(event).plain_text(Str::plain(text));
                text_data_came = is_data && reading.has_text_since(mark);
            }
            Frame::Name { event } => reading.named(event).name_alone(),
            Frame::Value {
                value,
                text,
                event,
                otherwise,
            } => {
                let mut reading = reading.named(event);
                let has_read = read_value(&mut reading, &mut self.reprs, value, text, otherwise);
                text_came = otherwise == Otherwise::TextOfArray && has_read == HasRead::AsText;
                if has_read == HasRead::Nothing {
                    self.counts.unread += 1;
                    self.structured.unread_came(value);
                } else {
                    self.structured.something_came();
                }
            }
            Frame::Perhaps { value, event } => {
                let mut trial = self.memory.clone();
                Reading::new(&mut self.said, &mut trial, event).value(value);
                ends_event = self.said.ends_reply();
                self.said.clear();
            }
            Frame::Done => {
                self.end();
                return Some(Told::Nothing);
            }
            Frame::Broken(broken) => {
                self.ready.push_back(Step::End(match broken {
                    Broken::TooLarge => End::TooLarge,
                    Broken::NotUtf8 => End::NotUtf8,
                }));
                return Some(Told::Nothing);
            }
        }
        if text_came {
            self.framing.text_came();
        }
        if text_data_came {
            self.framing.text_data_came();
        }
        if ends_event {
            self.framing.end_event();
        }
        self.framing.forget_large();
        Some(Told::Nothing)
    }

    /// Tells the next thing of what was said.
    fn tell_next(&mut self) -> Told {
        let Some(item) = self.said.item(self.next_item, &mut self.words_at) else {
            return Told::All;
        };
        self.next_item += 1;
        match item {
            Item::Text(text, source) => {
                self.calls.end_all(&mut self.ready);
                let told = self.text.tell(&source, text);
                return Told::of(told.map(|text| Step::Text(text.into_owned())));
            }
            Item::Reasoning(text, source) => {
                self.calls.end_all(&mut self.ready);
                let told = self.reasoning.tell(&source, text);
                return Told::of(told.map(|text| Step::Reasoning(text.into_owned())));
            }
            Item::Tool(step, speaker) => {
                self.text.turn_end(speaker);
                self.reasoning.turn_end(speaker);
                self.calls.take_in(step, &mut self.ready);
            }
            Item::TurnEnd(speaker) => {
                self.text.turn_end(speaker);
                self.reasoning.turn_end(speaker);
                self.calls.end_all(&mut self.ready);
                return Told::Step(Step::TurnEnd);
            }
            Item::Error => return Told::Step(Step::End(End::AgentError)),
            Item::End => {
                self.calls.end_all(&mut self.ready);
                return Told::Step(Step::End(End::Complete));
            }
        }
        Told::Nothing
    }

    /// The reply is over by what is around the words: `[DONE]`, or the connection's close.
    fn end(&mut self) {
        if self.is_closed && self.memory.is_in_run() {
            return self.ready.push_back(Step::End(End::Unfinished));
        }
        self.calls.end_all(&mut self.ready);
        if let Some(text) = self.structured.take() {
            self.ready.push_back(Step::Text(text));
        }
        self.ready.push_back(Step::End(End::Complete));
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HasRead {
    /// A dialect has read it, or there was nothing to read.
    Value,
    /// It is the model's own words.
    AsText,
    /// No dialect recognises it.
    Nothing,
}

fn read_value(
    reading: &mut Reading<'_>,
    reprs: &mut Reprs,
    value: Value<'_>,
    text: &str,
    otherwise: Otherwise,
) -> HasRead {
    let has_objects = value.is_or_holds_object();
    reprs.came(has_objects);
    let as_text = |reading: &mut Reading<'_>| {
        reading.plain_text(Str::plain(text));
        HasRead::AsText
    };
    match value.kind() {
        Kind::Object | Kind::Array if has_objects => {
            if reading.value(value) {
                HasRead::Value
            } else if otherwise == Otherwise::Text {
                as_text(reading)
            } else {
                HasRead::Nothing
            }
        }
        _ if otherwise == Otherwise::Text => as_text(reading),
        Kind::Array => {
            let mark = reading.mark();
            reading.value(value);
            reading.name_alone();
            if otherwise == Otherwise::TextOfArray && !reading.has_text_since(mark) {
                return as_text(reading);
            }
            HasRead::Value
        }
        Kind::String => {
            if let Some(text) = value.as_str().filter(|text| !reprs.is_repr(*text)) {
                reading.plain_text(text);
            }
            HasRead::Value
        }
        Kind::Number | Kind::True | Kind::False => as_text(reading),
        Kind::Null | Kind::Object => {
            reading.name_alone();
            HasRead::Value
        }
    }
}

/// What the reply says next; `None` where another message is needed, and after the end.
impl Iterator for ReplyReader {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        while !self.has_ended {
            let step = if let Some(step) = self.ready.pop_front() {
                step
            } else {
                let told = match self.tell_next() {
                    Told::All => self.read_on()?,
                    told => told,
                };
                match told {
                    Told::Step(step) if self.ready.is_empty() => step,
                    // What was open is over first.
                    Told::Step(step) => {
                        self.ready.push_back(step);
                        continue;
                    }
                    Told::Nothing | Told::All => continue,
                }
            };
            self.has_ended = matches!(step, Step::End(_));
            return Some(step);
        }
        None
    }
}

/// What telling the next thing came to.
enum Told {
    Step(Step),
    /// It is not told, or is put among those that are ready.
    Nothing,
    /// Nothing is left to tell.
    All,
}

impl Told {
    fn of(step: Option<Step>) -> Self {
        step.map_or(Self::Nothing, Self::Step)
    }
}

#[cfg(test)]
mod tests;
