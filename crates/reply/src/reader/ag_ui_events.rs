//! Events of AG-UI's that are passed on as they came.

use std::collections::VecDeque;

use super::ReplyReader;
use crate::dialects::is_ag_ui_event;
use crate::framing::{Content, Otherwise};
use crate::json::{Document, Value};
use crate::step::Step;

/// The events that wait: those of an array, which came in one message.
#[derive(Debug, Default)]
pub(super) struct AgUiEvents {
    elements: VecDeque<String>,
    document: Document,
}

impl AgUiEvents {
    /// The event that a value is.
    pub(super) fn event(value: Value<'_>) -> Option<String> {
        is_ag_ui_event(value).then(|| value.raw().to_owned())
    }

    /// Whether elements of an array wait.
    fn wait(&self) -> bool {
        !self.elements.is_empty()
    }

    /// Takes the elements of an array that holds an event, to read each by itself; false where the
    /// value is no such array.
    pub(super) fn take_array(&mut self, value: Value<'_>) -> bool {
        let holds_event = |value: Value<'_>| {
            let mut elements = value.as_array().into_iter().flatten();
            elements.any(is_ag_ui_event)
        };
        if !holds_event(value) {
            return false;
        }
        // Beside an object a string is a name, and gives nothing.
        let elements = value.as_array().into_iter().flatten();
        let elements = elements.filter(|element| element.is_or_holds_object());
        self.elements
            .extend(elements.map(|element| element.raw().to_owned()));
        true
    }
}

impl ReplyReader {
    /// Whether elements of an array are to be read before the next frame.
    pub(super) fn is_in_array(&self) -> bool {
        self.ag_ui_events.as_ref().is_some_and(AgUiEvents::wait)
    }

    /// The event that the next element of an array is. An element that is none is read, and `None` is
    /// given.
    pub(super) fn next_of_array(&mut self) -> Option<Step> {
        let events = self.ag_ui_events.as_mut()?;
        let text = events.elements.pop_front()?;
        if !events.document.read(&text) {
            return None;
        }
        let value = events.document.value(&text);
        let event = AgUiEvents::event(value);
        self.frames.read(Content::Value {
            value,
            text: &text,
            sse_name: "",
            otherwise: Otherwise::Nothing,
        });
        self.telling.begin();
        event.and_then(|event| self.pass(event))
    }

    /// The step of an event that was just read, with its text. `None` where it says that the agent
    /// failed.
    pub(super) fn pass(&mut self, event: String) -> Option<Step> {
        if self.frames.said().has_error() {
            return None;
        }
        let mut text = String::new();
        let mut end = None;
        while self.telling.has_more(self.frames.said()) {
            match self.telling.next(self.frames.said()) {
                Some(Step::Text(piece)) => text.push_str(&piece),
                Some(Step::End(over)) => {
                    end = Some(over);
                    break;
                }
                _ => {}
            }
        }
        if let Some(end) = end {
            self.telling.break_off(end);
        }
        Some(Step::AgUiEvent { event, text })
    }
}
