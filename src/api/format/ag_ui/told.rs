//! What an agent's reply says, in events of ours.

use agentcore_reply::Step;
use serde::Serialize;

use super::fresh_id;
use crate::api::format::raw::Answered;
use crate::api::format::sse::push_data;

/// What is open, since what was started is to be ended.
#[derive(Debug, Default)]
pub(super) struct Told {
    message: Option<String>,
    reasoning: Option<String>,
    calls: Vec<OpenCall>,
}

#[derive(Debug)]
struct OpenCall {
    id: String,
    /// Pieces of its input were told: the whole is them again.
    has_arguments: bool,
}

/// An event about a message or a call. Optional fields are left out, never null: the protocol's
/// schemas refuse it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl<'a> Event<'a> {
    fn new(r#type: &'static str) -> Self {
        Self {
            r#type,
            message_id: None,
            tool_call_id: None,
            tool_call_name: None,
            role: None,
            delta: None,
            content: None,
        }
    }

    fn of_message(r#type: &'static str, id: &'a str) -> Self {
        Self {
            message_id: Some(id),
            ..Self::new(r#type)
        }
    }

    fn of_call(r#type: &'static str, id: &'a str) -> Self {
        Self {
            tool_call_id: Some(id),
            ..Self::new(r#type)
        }
    }
}

impl Told {
    pub(super) fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        self.close_reasoning(out);
        let id = self.message.get_or_insert_with(|| {
            let id = fresh_id();
            let start = Event {
                role: Some("assistant"),
                ..Event::of_message("TEXT_MESSAGE_START", &id)
            };
            push_data(out, &start);
            id
        });
        let content = Event {
            delta: Some(text),
            ..Event::of_message("TEXT_MESSAGE_CONTENT", id)
        };
        push_data(out, &content);
    }

    pub(super) fn step(&mut self, step: &Step, out: &mut Vec<u8>) {
        match step {
            Step::Reasoning(text) => self.reasoning(text, out),
            Step::CallBegun { id, name } => {
                self.close_words(out);
                let start = Event {
                    tool_call_name: Some(name),
                    ..Event::of_call("TOOL_CALL_START", id)
                };
                push_data(out, &start);
                self.calls.push(OpenCall {
                    id: id.clone(),
                    has_arguments: false,
                });
            }
            Step::CallInput { id, piece } => self.arguments(id, piece, out),
            Step::Call { id, input, .. } => self.whole_call(id, input, out),
            Step::CallResult { id, output, .. } => {
                self.close_words(out);
                let message = fresh_id();
                let result = Event {
                    message_id: Some(&message),
                    content: Some(Answered(output).as_text()),
                    role: Some("tool"),
                    ..Event::of_call("TOOL_CALL_RESULT", id)
                };
                push_data(out, &result);
            }
            Step::TurnEnd => self.close_words(out),
            Step::AgUiEvent { .. } | Step::Text(_) | Step::End(_) => {}
        }
    }

    /// Ends all that is open.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        self.close_words(out);
        for call in self.calls.drain(..) {
            push_data(out, &Event::of_call("TOOL_CALL_END", &call.id));
        }
    }

    fn reasoning(&mut self, text: &str, out: &mut Vec<u8>) {
        self.close_message(out);
        let id = self.reasoning.get_or_insert_with(|| {
            let id = fresh_id();
            push_data(out, &Event::of_message("REASONING_START", &id));
            let start = Event {
                role: Some("reasoning"),
                ..Event::of_message("REASONING_MESSAGE_START", &id)
            };
            push_data(out, &start);
            id
        });
        let content = Event {
            delta: Some(text),
            ..Event::of_message("REASONING_MESSAGE_CONTENT", id)
        };
        push_data(out, &content);
    }

    fn arguments(&mut self, id: &str, delta: &str, out: &mut Vec<u8>) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id) {
            call.has_arguments = true;
            let arguments = Event {
                delta: Some(delta),
                ..Event::of_call("TOOL_CALL_ARGS", id)
            };
            push_data(out, &arguments);
        }
    }

    fn whole_call(&mut self, id: &str, input: &str, out: &mut Vec<u8>) {
        let Some(place) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        if !self.calls[place].has_arguments {
            self.arguments(id, input, out);
        }
        self.calls.remove(place);
        push_data(out, &Event::of_call("TOOL_CALL_END", id));
    }

    /// Ends the text and the reasoning that are open: what comes is no part of them.
    fn close_words(&mut self, out: &mut Vec<u8>) {
        self.close_message(out);
        self.close_reasoning(out);
    }

    fn close_message(&mut self, out: &mut Vec<u8>) {
        if let Some(id) = self.message.take() {
            push_data(out, &Event::of_message("TEXT_MESSAGE_END", &id));
        }
    }

    fn close_reasoning(&mut self, out: &mut Vec<u8>) {
        if let Some(id) = self.reasoning.take() {
            push_data(out, &Event::of_message("REASONING_MESSAGE_END", &id));
            push_data(out, &Event::of_message("REASONING_END", &id));
        }
    }
}
