//! The three steps in a row: framing → dialects → telling.

mod frames;
mod structured;

use crate::dialects::is_ag_ui_event;
use crate::framing::{Broken, Content, Feedback, Frame, Framing};
use crate::step::{End, Step};
use crate::telling::Telling;
use frames::FrameReader;

/// How much is remembered of a reply, so that nothing of it is told twice, unless told otherwise.
pub const DEFAULT_MEMORY_BYTES: usize = 4 << 20;

/// Reads one reply: takes its messages, gives what they say.
#[derive(Debug)]
pub struct ReplyReader {
    framing: Framing,
    frames: FrameReader,
    telling: Telling,
    messages: u64,
    /// Events of AG-UI's are given as they came, beside what they say.
    passes_ag_ui_events: bool,
    /// The connection was closed as it should be.
    is_closed: bool,
    has_ended: bool,
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
            frames: FrameReader::default(),
            telling: Telling::new(memory_bytes),
            messages: 0,
            passes_ag_ui_events: false,
            is_closed: false,
            has_ended: false,
        }
    }

    /// Gives each event of AG-UI's as it came too ([`Step::AgUiEvent`]), for whoever passes them on.
    #[must_use]
    pub fn passing_ag_ui_events(mut self) -> Self {
        self.passes_ag_ui_events = true;
        self
    }

    /// Takes in a text message. What came before is to be read to its end first.
    pub fn push_text(&mut self, message: &str) {
        self.messages += 1;
        self.framing.push_text(message);
    }

    /// Takes in a binary message, which may end or begin within a character.
    pub fn push_binary(&mut self, message: &[u8]) {
        self.messages += 1;
        self.framing.push_binary(message);
    }

    /// The connection was closed as it should be: what is pending is read as it stands.
    pub fn finish(&mut self) {
        self.is_closed = true;
        self.framing.finish();
    }

    /// What the reply consisted of so far.
    pub fn counts(&self) -> Counts {
        Counts {
            messages: self.messages,
            unread: self.frames.unread(),
        }
    }

    /// The reply is over by what is around the words: `[DONE]`, or the connection's close.
    fn end(&mut self) {
        // An agent that has begun a run says itself when it is over. `[DONE]` is its word too.
        if self.is_closed && self.frames.is_in_run() {
            self.telling.break_off(End::Unfinished);
        } else {
            self.telling.complete(self.frames.take_structured());
        }
    }
}

/// What the reply says next; `None` where another message is needed, and after the end.
impl Iterator for ReplyReader {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        while !self.has_ended {
            if self.telling.has_more(self.frames.said()) {
                let step = self.telling.next(self.frames.said());
                self.has_ended = matches!(step, Some(Step::End(_)));
                if step.is_some() {
                    return step;
                }
                continue;
            }
            match self.framing.next()? {
                Frame::Content(content) => {
                    // Most frames are a piece of text. It is told at once, and its step made where
                    // it is returned: a step that is copied right after it was written stalls the
                    // processor.
                    if let Some((text, source)) = self.frames.read_piece(&content) {
                        let told = self.telling.piece(&text.decode(), &source);
                        self.framing.take_feedback(Feedback::Nothing);
                        match told {
                            Some(text) => return Some(Step::Text(text)),
                            None => continue,
                        }
                    }
                    let event = match content {
                        Content::Value { value, .. }
                            if self.passes_ag_ui_events && is_ag_ui_event(value) =>
                        {
                            Some(value.raw().to_owned())
                        }
                        _ => None,
                    };
                    let feedback = self.frames.read(content);
                    self.framing.take_feedback(feedback);
                    self.telling.begin();
                    if event.is_some() && !self.frames.said().has_error() {
                        return event.map(Step::AgUiEvent);
                    }
                }
                Frame::Done => self.end(),
                Frame::Broken(Broken::TooLarge) => self.telling.break_off(End::TooLarge),
                Frame::Broken(Broken::NotUtf8) => self.telling.break_off(End::NotUtf8),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
