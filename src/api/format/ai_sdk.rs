//! The UI message stream of the Vercel AI SDK, version 1, which its `useChat` reads.
//!
//! <https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol#data-stream-protocol>

use std::collections::HashSet;

use agentcore_reply::Step;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;

use super::json::Metadata;
use super::raw::{Answered, Written};
use super::sse::{CONTENT_TYPE, DONE, push_data};
use super::{Completion, Format};
use crate::api::error::ApiError;
use crate::session::SessionId;

const HEADER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-vercel-ai-ui-message-stream"),
    HeaderValue::from_static("v1"),
);

pub(super) struct AiSdk {
    session: SessionId,
    /// The part that is open.
    open: Option<Part>,
    /// How many parts there were, for their ids.
    parts: u64,
    /// The turn is over: what comes next is of another step.
    turn_is_over: bool,
    /// The calls that were told. The SDK refuses the result of one that it does not know.
    calls: HashSet<String>,
}

/// A part that has a beginning and an end, with pieces between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Text,
    Reasoning,
}

impl Part {
    /// The types of its beginning, its pieces and its end.
    fn types(self) -> [&'static str; 3] {
        match self {
            Self::Text => ["text-start", "text-delta", "text-end"],
            Self::Reasoning => ["reasoning-start", "reasoning-delta", "reasoning-end"],
        }
    }

    fn id(self, number: u64) -> String {
        match self {
            Self::Text => format!("text-{number}"),
            Self::Reasoning => format!("reasoning-{number}"),
        }
    }
}

#[derive(Serialize)]
struct Bound<'a> {
    r#type: &'static str,
    id: &'a str,
}

#[derive(Serialize)]
struct Piece<'a> {
    r#type: &'static str,
    id: &'a str,
    delta: &'a str,
}

/// A step of a tool that the agent ran: no tool of the client's, and none that it knows the types
/// of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolPart<'a> {
    r#type: &'static str,
    tool_call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Written<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Answered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_text: Option<&'a str>,
    provider_executed: bool,
    dynamic: bool,
}

impl<'a> ToolPart<'a> {
    fn new(r#type: &'static str, tool_call_id: &'a str) -> Self {
        Self {
            r#type,
            tool_call_id,
            tool_name: None,
            input: None,
            output: None,
            error_text: None,
            provider_executed: true,
            dynamic: true,
        }
    }
}

impl AiSdk {
    pub(super) fn new(session: SessionId) -> Self {
        Self {
            session,
            open: None,
            parts: 0,
            turn_is_over: false,
            calls: HashSet::new(),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some(part) = self.open.take() {
            let [_, _, r#type] = part.types();
            let id = &part.id(self.parts);
            push_data(out, &Bound { r#type, id });
        }
    }

    /// Closes what is open, and begins another step where the turn is over.
    fn make_way(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        if std::mem::take(&mut self.turn_is_over) {
            push_data(out, &json!({ "type": "finish-step" }));
            push_data(out, &json!({ "type": "start-step" }));
        }
    }

    fn begin_part(&mut self, part: Part, out: &mut Vec<u8>) {
        self.make_way(out);
        self.parts += 1;
        self.open = Some(part);
        let [r#type, _, _] = part.types();
        let id = &part.id(self.parts);
        push_data(out, &Bound { r#type, id });
    }

    fn delta(&mut self, part: Part, delta: &str, out: &mut Vec<u8>) {
        if self.open != Some(part) {
            self.begin_part(part, out);
        }
        let [_, r#type, _] = part.types();
        let id = &part.id(self.parts);
        push_data(out, &Piece { r#type, id, delta });
    }

    fn begin_call(&mut self, id: &str, name: &str, out: &mut Vec<u8>) {
        self.make_way(out);
        self.calls.insert(id.to_owned());
        let part = ToolPart {
            tool_name: Some(name),
            ..ToolPart::new("tool-input-start", id)
        };
        push_data(out, &part);
    }
}

fn push_call(id: &str, name: &str, input: &str, out: &mut Vec<u8>) {
    let part = ToolPart {
        tool_name: Some(name),
        input: Some(Written(input)),
        ..ToolPart::new("tool-input-available", id)
    };
    push_data(out, &part);
}

impl Format for AiSdk {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![CONTENT_TYPE, HEADER]
    }

    fn tells_errors(&self) -> bool {
        true
    }

    fn escapes_line_separators(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let metadata = json!({ "sessionId": self.session.as_str() });
        push_data(
            out,
            &json!({ "type": "start", "messageMetadata": metadata }),
        );
        push_data(out, &json!({ "type": "start-step" }));
    }

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        self.delta(Part::Text, text, out);
    }

    fn piece_frame_bytes(&self) -> usize {
        // The end of a part, of a step, the begin of others, and the delta around the text.
        512
    }

    fn step(&mut self, step: &Step, out: &mut Vec<u8>) {
        match step {
            Step::Reasoning(text) => self.delta(Part::Reasoning, text, out),
            Step::CallBegun { id, name } => self.begin_call(id, name, out),
            Step::CallInput { id, piece } => {
                let delta = json!({
                    "type": "tool-input-delta", "toolCallId": id, "inputTextDelta": piece
                });
                push_data(out, &delta);
            }
            Step::Call { id, name, input } => push_call(id, name, input, out),
            Step::CallResult { id, output, failed } => {
                if !self.calls.contains(id) {
                    self.begin_call(id, "unknown", out);
                    push_call(id, "unknown", "{}", out);
                }
                let output = Answered(output);
                let part = if *failed {
                    ToolPart {
                        error_text: Some(output.as_text()),
                        ..ToolPart::new("tool-output-error", id)
                    }
                } else {
                    ToolPart {
                        output: Some(output),
                        ..ToolPart::new("tool-output-available", id)
                    }
                };
                push_data(out, &part);
            }
            Step::TurnEnd => {
                self.close(out);
                self.turn_is_over = true;
            }
            Step::AgUiEvent { .. } | Step::Text(_) | Step::End(_) => {}
        }
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        let metadata = Metadata::from(ended);
        let mut message_metadata =
            json!({ "sessionId": self.session.as_str(), "metadata": metadata });
        if ended.incomplete {
            message_metadata["incomplete"] = true.into();
        }
        // A message without text has an empty text, and not no parts at all.
        if self.parts == 0 && self.calls.is_empty() {
            self.begin_part(Part::Text, out);
        }
        self.close(out);
        push_data(out, &json!({ "type": "finish-step" }));
        push_data(
            out,
            &json!({ "type": "finish", "messageMetadata": message_metadata }),
        );
        out.extend_from_slice(DONE);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        push_data(
            out,
            &json!({ "type": "error", "errorText": error.message() }),
        );
        out.extend_from_slice(DONE);
    }
}
