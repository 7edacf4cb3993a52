//! A template's text, taken to pieces.

use serde_json::value::RawValue;

use super::piece::{Piece, Placeholder};

/// What is replaced, by its name.
const PLACEHOLDERS: [(&str, Placeholder); 3] = [
    ("{prompt}", Placeholder::Prompt),
    ("{sessionId}", Placeholder::SessionId),
    ("{callerId}", Placeholder::CallerId),
];

/// A text is no template of a message. Says where, never what the text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is no JSON.
    #[error("the value is not valid JSON (line {line}, column {column})")]
    Json {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("the value is JSON, but not an object")]
    NoObject,
    /// A string of it is no text.
    #[error("a string holds half of a surrogate pair")]
    NoText,
    /// An object has a key twice: nobody knows which of the two an agent would read.
    #[error("an object has a key twice")]
    RepeatedKey,
}

/// The pieces of an object but its last brace, and its own keys.
pub(super) fn template(text: &str) -> Result<(Vec<Piece>, Vec<String>), MessageError> {
    let json: &RawValue = serde_json::from_str(text).map_err(|error| MessageError::Json {
        line: error.line(),
        column: error.column(),
    })?;
    if !json.get().starts_with('{') {
        return Err(MessageError::NoObject);
    }
    let mut pieces = Pieces::default();
    // The keys of each object that has begun. What is read here is known to be JSON.
    let mut open: Vec<Vec<String>> = Vec::new();
    let mut rest = json.get();
    loop {
        let (byte, after) = rest.split_at(1);
        match byte {
            "\"" => {
                let (string, after) = rest.split_at(string_bytes(rest));
                let text: String =
                    serde_json::from_str(string).map_err(|_| MessageError::NoText)?;
                if after.trim_start().starts_with(':') {
                    pieces.json(string);
                    let keys = open.last_mut().ok_or(MessageError::NoObject)?;
                    if keys.contains(&text) {
                        return Err(MessageError::RepeatedKey);
                    }
                    keys.push(text);
                } else {
                    pieces.string(&text);
                }
                rest = after;
                continue;
            }
            "{" => open.push(Vec::new()),
            "}" => {
                let keys = open.pop().unwrap_or_default();
                if open.is_empty() {
                    return Ok((pieces.finish(), keys));
                }
            }
            " " | "\t" | "\n" | "\r" => {
                rest = after;
                continue;
            }
            _ => {}
        }
        pieces.json(byte);
        rest = after;
    }
}

/// How long the string is that a text begins with, quotation marks included.
fn string_bytes(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Pieces, and the JSON that is no piece yet.
#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    json: String,
}

impl Pieces {
    fn json(&mut self, json: &str) {
        self.json.push_str(json);
    }

    /// A string value, with what is to be replaced in it.
    fn string(&mut self, text: &str) {
        self.json.push('"');
        let mut rest = text;
        while let Some((before, placeholder, after)) = next_placeholder(rest) {
            self.text(before);
            let json = std::mem::take(&mut self.json);
            if !json.is_empty() {
                self.done.push(Piece::Json(json));
            }
            self.done.push(Piece::Value(placeholder));
            rest = after;
        }
        self.text(rest);
        self.json.push('"');
    }

    /// A part of a string value.
    fn text(&mut self, text: &str) {
        // A text always serializes; the quotation marks around are not part of it.
        let quoted = serde_json::to_string(text).unwrap_or_default();
        self.json.push_str(&quoted[1..quoted.len() - 1]);
    }

    fn finish(mut self) -> Vec<Piece> {
        if !self.json.is_empty() {
            self.done.push(Piece::Json(self.json));
        }
        self.done
    }
}

/// The first placeholder of a text, and what is before and after it.
fn next_placeholder(text: &str) -> Option<(&str, Placeholder, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        PLACEHOLDERS.iter().find_map(|(name, placeholder)| {
            let after = text[at..].strip_prefix(name)?;
            Some((&text[..at], *placeholder, after))
        })
    })
}
