//! What an agent wrote as JSON, within JSON of ours.

use agentcore_reply::Output;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON as an agent wrote it. What turns out to be none is a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a>(pub(super) &'a str);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.0) {
            Ok(json) => json.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

/// What a tool answered: text, or JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a>(pub(super) &'a Output);

impl<'a> Answered<'a> {
    /// The same as text.
    pub(super) fn as_text(self) -> &'a str {
        let (Output::Text(text) | Output::Json(text)) = self.0;
        text
    }
}

impl Serialize for Answered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Output::Text(text) => text.serialize(serializer),
            Output::Json(json) => Written(json).serialize(serializer),
        }
    }
}
