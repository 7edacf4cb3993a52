//! Messages of a conversation, as AG-UI and OpenAI's API have them: a role, and text that may be in
//! parts.

use serde_json::value::RawValue;

use super::error::ApiError;
use super::object::{Field, fields, wrong_type};

/// A message. What else it has is not looked at.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) role: String,
    content: Field<'a>,
}

impl<'a> Message<'a> {
    /// # Errors
    /// 400 where it is no object, or has no role.
    pub(super) fn parse(json: &'a RawValue) -> Result<Self, ApiError> {
        if !json.get().starts_with('{') {
            return Err(wrong_type("each of messages", "an object"));
        }
        let [role, content] = fields(json.get(), &["role", "content"])?;
        match role {
            Field::Text(role) => Ok(Self { role, content }),
            Field::None | Field::Other(_) => {
                Err(wrong_type("the role of each message", "a string"))
            }
        }
    }

    pub(super) fn is_of_user(&self) -> bool {
        self.role == "user"
    }

    /// The text, its parts joined by newlines; `None` where there is none.
    ///
    /// # Errors
    /// 400 where a part is no text: the agent would never see it.
    pub(super) fn text(&self) -> Result<Option<String>, ApiError> {
        let parts = match &self.content {
            Field::None => return Ok(None),
            Field::Text(text) => return Ok(Some(text.clone())),
            Field::Other(value) => parts(value)
                .ok_or_else(|| wrong_type("the content of a message", "a string or an array"))?,
        };
        let texts: Result<Vec<_>, _> = parts.into_iter().map(part_text).collect();
        Ok(Some(texts?.join("\n")))
    }

    /// How long what text there is of it is, in bytes of UTF-8.
    pub(super) fn text_bytes(&self) -> usize {
        match &self.content {
            Field::None => 0,
            Field::Text(text) => text.len(),
            Field::Other(value) => {
                let parts = parts(value).unwrap_or_default();
                let texts = parts.into_iter().filter_map(|part| part_text(part).ok());
                texts.map(|text| text.len()).sum()
            }
        }
    }
}

/// The elements of an array.
fn parts(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// # Errors
/// 400 where the part is no text.
fn part_text(part: &RawValue) -> Result<String, ApiError> {
    let no_text = || {
        ApiError::validation("a message has a part that is no text, which the agent would not see")
    };
    if !part.get().starts_with('{') {
        return Err(no_text());
    }
    match fields(part.get(), &["type", "text"])? {
        [Field::Text(kind), Field::Text(text)] if kind == "text" => Ok(text),
        _ => Err(no_text()),
    }
}
