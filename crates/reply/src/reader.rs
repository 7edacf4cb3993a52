//! The three steps in a row: framing → dialects → telling.

mod account;
mod ag_ui_events;
mod frames;
mod structured;

use crate::framing::{Broken, Content, Feedback, Frame, Framing};
use crate::step::{End, Step};
use crate::telling::Telling;
pub use account::{Account, Utterance, UtteranceKind};
use ag_ui_events::AgUiEvents;
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
    /// Events of AG-UI's, where they are given as they came.
    ag_ui_events: Option<AgUiEvents>,
    /// How each frame was read, where somebody wants to know.
    accounts: Option<Vec<Account>>,
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
            ag_ui_events: None,
            accounts: None,
            is_closed: false,
            has_ended: false,
        }
    }

    /// Gives each event of AG-UI's as it came ([`Step::AgUiEvent`]), for whoever passes them on.
    #[must_use]
    pub fn passing_ag_ui_events(mut self) -> Self {
        self.ag_ui_events = Some(AgUiEvents::default());
        self
    }

    /// Keeps an [`Account`] of each frame, which takes time and memory: for a person, not for a service.
    #[must_use]
    pub fn accounting(mut self) -> Self {
        self.accounts = Some(Vec::new());
        self
    }

    /// The accounts of the frames that were read since the last time, where they are kept. Complete once
    /// the reader has given `None`.
    pub fn take_accounts(&mut self) -> Vec<Account> {
        self.accounts
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// The ids that are made for calls of tools to which the agent gave none begin so. Who tells
    /// several replies in one place has a prefix of its own for each.
    #[must_use]
    pub fn naming_calls(mut self, prefix: impl Into<String>) -> Self {
        self.telling.name_calls_with(prefix.into());
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

    /// Whether a message that came waits for the next, and would be text if none came.
    pub fn holds_text(&self) -> bool {
        self.framing.holds_text()
    }

    /// Whether what came would be text if nothing else came: a message that waits for the next, or a
    /// value that no format has.
    pub fn may_hold_text(&self) -> bool {
        self.framing.holds_message() || self.frames.is_structured()
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
        // Returned from where it is made, for the reason below.
        if self.accounts.is_none() {
            return self.step();
        }
        let step = self.step()?;
        self.account_told(&step);
        Some(step)
    }
}

impl ReplyReader {
    /// Notes what is told of the last frame, or of none: an end may be around the words.
    fn account_told(&mut self, step: &Step) {
        let accounts = self.accounts.get_or_insert_default();
        match accounts.last_mut() {
            Some(last) => last.told.push(step.clone()),
            None => accounts.push(Account {
                told: vec![step.clone()],
                ..Account::default()
            }),
        }
    }

    fn step(&mut self) -> Option<Step> {
        while !self.has_ended {
            if self.telling.has_more(self.frames.said()) {
                let step = self.telling.next(self.frames.said());
                self.has_ended = matches!(step, Some(Step::End(_)));
                if step.is_some() {
                    return step;
                }
                continue;
            }
            if self.is_in_array() {
                match self.next_of_array() {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            match self.framing.next()? {
                Frame::Content(content) => {
                    // Most frames are a piece of text. It is told at once, and its step made where
                    // it is returned: a step that is copied right after it was written stalls the
                    // processor.
                    if self.accounts.is_none()
                        && let Some((text, source)) = self.frames.read_piece(&content)
                    {
                        let told = self.telling.piece(&text.decode(), &source);
                        self.framing.take_feedback(Feedback::Nothing);
                        match told {
                            Some(text) => return Some(Step::Text(text)),
                            None => continue,
                        }
                    }
                    let mut event = None;
                    if let (Some(events), Content::Value { value, .. }) =
                        (&mut self.ag_ui_events, content)
                    {
                        if events.take_array(value) {
                            self.framing.take_feedback(Feedback::Nothing);
                            continue;
                        }
                        event = AgUiEvents::event(value);
                    }
                    // What is only tried comes again.
                    let is_trial = matches!(content, Content::OpenSseEvent { .. });
                    let account =
                        (self.accounts.is_some() && !is_trial).then(|| Account::of(&content));
                    let feedback = self.frames.read(content);
                    if let (Some(account), Some(accounts)) = (account, &mut self.accounts) {
                        accounts.push(self.frames.account_for(account));
                    }
                    self.framing.take_feedback(feedback);
                    self.telling.begin();
                    if let Some(step) = event.and_then(|event| self.pass(event)) {
                        return Some(step);
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
