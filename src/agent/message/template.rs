//! A message with places for what an invocation says.

use std::fmt;

use uuid::Uuid;

use super::fields::RequestFields;
use super::parse::{self, MessageError};
use super::piece::{Piece, Placeholder};

/// The message that is sent where nothing else is configured.
const DEFAULT: &str = r#"{"prompt":"{prompt}","sessionId":"{sessionId}"}"#;

/// The value that stands for a `RunAgentInput`.
const AG_UI: &str = "ag-ui";

/// What an agent is sent: a JSON object with places for what an invocation says.
/// `<NAME>_AGENT_MESSAGE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplate {
    /// All of the object but its last brace, before which fields of the request go.
    pieces: Vec<Piece>,
    /// The object's own keys.
    keys: Vec<String>,
    speaks_ag_ui: bool,
}

/// What an invocation puts into its message.
#[derive(Clone, Copy)]
pub struct MessageValues<'a> {
    /// What the caller says.
    pub prompt: &'a str,
    /// The session as the agent is told it.
    pub session_id: &'a str,
    /// Who calls; empty where nobody knows.
    pub caller_id: &'a str,
}

impl MessageTemplate {
    /// What [`Self::parse`] takes.
    pub const ACCEPTED: &str = r#"ag-ui, or a JSON object such as {"prompt":"{prompt}"}, in whose string values {prompt}, {sessionId} and {callerId} are replaced"#;

    /// Parses `ag-ui` or a JSON object.
    ///
    /// # Errors
    /// [`MessageError`] says what is wrong with the object.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case(AG_UI) {
            return Ok(Self::ag_ui());
        }
        let (pieces, keys) = parse::template(text)?;
        Ok(Self {
            pieces,
            keys,
            speaks_ag_ui: false,
        })
    }

    /// AG-UI's `RunAgentInput`, a conversation of one message.
    fn ag_ui() -> Self {
        let json = |text: &str| Piece::Json(text.to_owned());
        let keys = [
            "threadId",
            "runId",
            "state",
            "messages",
            "tools",
            "context",
            "forwardedProps",
        ];
        Self {
            pieces: vec![
                json(r#"{"threadId":""#),
                Piece::Value(Placeholder::SessionId),
                json(r#"","runId":""#),
                Piece::FreshId,
                json(r#"","state":{},"messages":[{"id":""#),
                Piece::FreshId,
                json(r#"","role":"user","content":""#),
                Piece::Value(Placeholder::Prompt),
                json(r#""}],"tools":[],"context":[],"forwardedProps":{}"#),
            ],
            keys: keys.map(str::to_owned).to_vec(),
            speaks_ag_ui: true,
        }
    }

    /// Whether the agent takes AG-UI's `RunAgentInput`.
    pub fn speaks_ag_ui(&self) -> bool {
        self.speaks_ag_ui
    }

    /// Whether the message has a key of this name by itself.
    pub fn has_key(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key == name)
    }

    /// Writes a message. Each place is filled once: what a value holds is never a place itself.
    pub fn write(&self, values: &MessageValues<'_>, fields: &RequestFields) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.expected_bytes(values, fields));
        for piece in &self.pieces {
            match piece {
                Piece::Json(json) => message.extend_from_slice(json.as_bytes()),
                Piece::Value(placeholder) => escape(&mut message, values.of(*placeholder)),
                Piece::FreshId => {
                    let mut buffer = Uuid::encode_buffer();
                    let id = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
                    message.extend_from_slice(id.as_bytes());
                }
            }
        }
        if !fields.is_empty() {
            if !self.keys.is_empty() {
                message.push(b',');
            }
            message.extend_from_slice(fields.as_str().as_bytes());
        }
        message.push(b'}');
        message
    }

    /// Room for all of it unless much is escaped, so that a long prompt is copied once.
    fn expected_bytes(&self, values: &MessageValues<'_>, fields: &RequestFields) -> usize {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Json(json) => json.len(),
            Piece::Value(placeholder) => {
                let bytes = values.of(*placeholder).len();
                bytes + bytes / 4
            }
            Piece::FreshId => uuid::fmt::Hyphenated::LENGTH,
        });
        pieces.sum::<usize>() + fields.as_str().len() + 32
    }
}

impl Default for MessageTemplate {
    #[expect(clippy::expect_used, reason = "a constant, which a test parses")]
    fn default() -> Self {
        Self::parse(DEFAULT).expect("the default is an object, as a test shows")
    }
}

impl<'a> MessageValues<'a> {
    fn of(&self, placeholder: Placeholder) -> &'a str {
        match placeholder {
            Placeholder::Prompt => self.prompt,
            Placeholder::SessionId => self.session_id,
            Placeholder::CallerId => self.caller_id,
        }
    }
}

/// What somebody says is not shown.
impl fmt::Debug for MessageValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageValues").finish_non_exhaustive()
    }
}

/// Writes a text as a part of the JSON string that has begun.
fn escape(message: &mut Vec<u8>, text: &str) {
    // It would be written with quotation marks around: the first one takes the place of the byte
    // before, which is put back, and the last one goes.
    let Some(before) = message.pop() else { return };
    let at = message.len();
    // Writing a text to a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *message, text);
    message[at] = before;
    message.pop();
}

#[cfg(test)]
mod tests;
