//! Fields of a request's body that go to an agent beside its message: attachments and the like.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::message::{MessageTemplate, RequestFields};

/// What the bridge reads itself: a prompt that was not looked at, or a session that is not the
/// caller's own, must not reach an agent by another way.
const OURS: [&str; 3] = ["agentId", "prompt", "sessionId"];

/// Which fields of a request go into an agent's message. `<NAME>_AGENT_FIELDS`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames(Vec<String>);

/// A list of names cannot be one of fields. Says what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldNamesError {
    /// It names what the bridge reads itself, and the message has no such key.
    #[error(
        "agentId, prompt and sessionId do not go on as they came; the message has {{prompt}} and {{sessionId}} for them"
    )]
    Ours,
    /// A name holds a control character.
    #[error("a name holds a control character")]
    Control,
}

impl FieldNames {
    /// What [`Self::parse`] takes.
    pub const ACCEPTED: &str =
        "names of fields separated by commas, without agentId, prompt and sessionId";

    /// Parses names that are separated by commas. A name that the message has as a key is left out:
    /// the message's own key wins.
    ///
    /// # Errors
    /// [`FieldNamesError`] where one of them is none.
    pub fn parse(text: &str, message: &MessageTemplate) -> Result<Self, FieldNamesError> {
        let mut names: Vec<String> = Vec::new();
        for name in text.split(',').map(str::trim) {
            if name.chars().any(char::is_control) {
                return Err(FieldNamesError::Control);
            }
            if name.is_empty() || message.has_key(name) || names.iter().any(|known| known == name) {
                continue;
            }
            if OURS.contains(&name) {
                return Err(FieldNamesError::Ours);
            }
            names.push(name.to_owned());
        }
        Ok(Self(names))
    }

    /// Takes the fields out of a body, a JSON object that has been looked at, in their order there.
    ///
    /// # Errors
    /// The name of one that is there twice: nobody knows which of them is meant.
    pub fn take(&self, body: &str) -> Result<RequestFields, RepeatedField<'_>> {
        if self.0.is_empty() {
            return Ok(RequestFields::default());
        }
        let mut taken = Taken {
            names: &self.0,
            seen: Vec::new(),
            fields: String::new(),
        };
        let mut body = serde_json::Deserializer::from_str(body);
        // What is no object has no fields.
        let _ = body.deserialize_map(&mut taken);
        for (n, name) in taken.seen.iter().enumerate() {
            if taken.seen[..n].contains(name) {
                return Err(RepeatedField(name));
            }
        }
        Ok(RequestFields::of_members(taken.fields))
    }
}

/// The name of a field that a body has twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedField<'a>(pub &'a str);

struct Taken<'n> {
    names: &'n [String],
    seen: Vec<&'n str>,
    fields: String,
}

impl<'de> Visitor<'de> for &mut Taken<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let Some(name) = self.names.iter().find(|wanted| **wanted == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &RawValue = map.next_value()?;
            if !self.fields.is_empty() {
                self.fields.push(',');
            }
            // A text always serializes.
            self.fields
                .push_str(&serde_json::to_string(name).unwrap_or_default());
            self.fields.push(':');
            self.fields.push_str(value.get());
            self.seen.push(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<FieldNames, FieldNamesError> {
        FieldNames::parse(
            text,
            &MessageTemplate::parse(r#"{"sessionId":""}"#).unwrap(),
        )
    }

    #[test]
    fn what_the_bridge_reads_itself_does_not_go_on() {
        for text in ["prompt", "files, agentId"] {
            assert_eq!(names(text), Err(FieldNamesError::Ours), "{text}");
        }
        assert_eq!(names("a\u{1}"), Err(FieldNamesError::Control));
        // The message has a key of its own for it, which wins.
        assert_eq!(names("sessionId"), Ok(FieldNames::default()));
        assert_eq!(names(" , "), Ok(FieldNames::default()));
        let usual = MessageTemplate::default();
        assert!(FieldNames::parse("prompt,sessionId", &usual).is_ok());
    }

    #[test]
    fn a_field_that_is_wanted_is_there_once() {
        let names = names("files").unwrap();
        let body = r#"{"files":1,"x":1,"x":2,"f\u0069les":2}"#;
        assert_eq!(names.take(body), Err(RepeatedField("files")));
        assert!(names.take(r#"{"x":1,"x":2}"#).unwrap().is_empty());
        let deep = format!(
            r#"{{"files":{0}1{1}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(names.take(&deep).unwrap().as_str().len(), deep.len() - 2);
    }

    #[test]
    fn fields_are_not_shown() {
        let names = names("files").unwrap();
        let fields = names.take(r#"{"files":"MARKER"}"#).unwrap();
        assert_eq!(format!("{fields:?}"), "RequestFields(16 bytes)");
    }
}
