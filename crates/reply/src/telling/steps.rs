//! What was said, one thing after the other, to steps.

use std::collections::VecDeque;

use super::calls::Calls;
use super::words::Words;
use crate::said::{Item, Said, Source};
use crate::step::{End, Step};

/// Tells what a reply says.
#[derive(Debug)]
pub(crate) struct Telling {
    /// How many things of those that a frame says are told, and where the words of the next begin.
    told: usize,
    words_at: usize,
    text: Words,
    reasoning: Words,
    calls: Calls,
    /// Steps to give before anything else is told.
    ready: VecDeque<Step>,
}

impl Telling {
    /// Remembers so many bytes of text, and as many of reasoning, at the most.
    pub(crate) fn new(memory_bytes: usize) -> Self {
        Self {
            told: 0,
            words_at: 0,
            text: Words::new(memory_bytes),
            reasoning: Words::new(memory_bytes),
            calls: Calls::new(),
            ready: VecDeque::new(),
        }
    }

    /// The ids that are made for calls and results without one begin so.
    pub(crate) fn name_calls_with(&mut self, prefix: String) {
        self.calls.name_with(prefix);
    }

    /// Another frame was read: what it says is told from its beginning.
    pub(crate) fn begin(&mut self) {
        (self.told, self.words_at) = (0, 0);
    }

    /// Whether something is left to tell of what a frame said.
    pub(crate) fn has_more(&self, said: &Said) -> bool {
        !self.ready.is_empty() || self.told < said.count()
    }

    /// Tells the next thing. `None` where it is not told, or not yet.
    pub(crate) fn next(&mut self, said: &Said) -> Option<Step> {
        if let Some(step) = self.ready.pop_front() {
            return Some(step);
        }
        let item = said.item(self.told, &mut self.words_at)?;
        self.told += 1;
        let step = self.tell(item);
        self.after_ready(step)
    }

    /// What is to be told of a piece of text by itself. `None` where it is nothing, or not yet.
    pub(crate) fn piece(&mut self, text: &str, source: &Source) -> Option<String> {
        self.calls.something_else_came(&mut self.ready);
        let told = self.text.tell(source, text)?.into_owned();
        if self.ready.is_empty() {
            return Some(told);
        }
        self.ready.push_back(Step::Text(told));
        None
    }

    /// What is around the words says that the reply is over: `[DONE]`, or the connection's close.
    /// `text` is what it says then and not before.
    pub(crate) fn complete(&mut self, text: Option<String>) {
        self.calls.turn_end(None, &mut self.ready);
        self.ready.extend(text.map(Step::Text));
        self.break_off(End::Complete);
    }

    /// The reply ends here, whatever is open.
    pub(crate) fn break_off(&mut self, end: End) {
        self.ready.push_back(Step::End(end));
    }

    /// The step, unless it has ended calls: these come first, and the step after them.
    fn after_ready(&mut self, step: Option<Step>) -> Option<Step> {
        if self.ready.is_empty() {
            return step;
        }
        self.ready.extend(step);
        None
    }

    /// What is to be told of a thing that was said. What it has to say of calls goes to those that
    /// are ready.
    fn tell(&mut self, item: Item<'_>) -> Option<Step> {
        match item {
            Item::Text(text, source) => self.text(text, &source),
            Item::Reasoning(text, source) => {
                self.calls.something_else_came(&mut self.ready);
                let told = self.reasoning.tell(&source, text);
                told.map(|text| Step::Reasoning(text.into_owned()))
            }
            Item::Tool(step, speaker) => {
                self.text.turn_end(speaker);
                self.reasoning.turn_end(speaker);
                self.calls.take_in(step, speaker, &mut self.ready);
                None
            }
            Item::TurnEnd(speaker) => {
                self.text.turn_end(speaker);
                self.reasoning.turn_end(speaker);
                self.calls.turn_end(speaker, &mut self.ready);
                Some(Step::TurnEnd)
            }
            Item::Error => Some(Step::End(End::AgentError)),
            Item::End => {
                self.calls.turn_end(None, &mut self.ready);
                Some(Step::End(End::Complete))
            }
        }
    }

    fn text(&mut self, text: &str, source: &Source) -> Option<Step> {
        self.calls.something_else_came(&mut self.ready);
        let told = self.text.tell(source, text);
        told.map(|text| Step::Text(text.into_owned()))
    }
}
