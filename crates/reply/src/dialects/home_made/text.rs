//! Where an object has its text.

use super::fields::{Fields, TextKeys};
use super::steps;
use crate::dialects::Reading;
use crate::json::{Kind, Object, Str, Value};
use crate::names::{Meaning, Name};

/// What was found where text may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) text: bool,
    /// There was a key for text, perhaps with no text under it.
    pub(super) place: bool,
}

/// Says the text under the first of the keys that yields some.
pub(super) fn text(
    object: &Object<'_>,
    fields: &Fields<'_>,
    keys: TextKeys,
    reading: &mut Reading<'_>,
) -> Found {
    // Beside a delta stands all the text so far. An empty delta says that nothing is new.
    if let Some(delta) = fields.delta {
        reading.text("delta", delta);
        return Found {
            text: !delta.is_empty(),
            place: true,
        };
    }
    let mut found = Found::default();
    for (key, value) in fields.texts(object, keys) {
        let here = at(key, value, reading);
        found.place |= here.place;
        if here.text {
            return Found {
                text: true,
                ..found
            };
        }
    }
    found
}

fn at(key: &str, value: Value<'_>, reading: &mut Reading<'_>) -> Found {
    match value.kind() {
        Kind::String => {
            let text = value.as_str().filter(|text| !text.is_empty());
            if let Some(text) = text {
                reading.text(key, text);
            }
            Found {
                text: text.is_some(),
                place: true,
            }
        }
        Kind::Object | Kind::Array => {
            let mark = reading.mark();
            let place = reading.inside(key).value(value);
            let text = reading.has_text_since(mark);
            Found { text, place }
        }
        Kind::Number | Kind::True | Kind::False | Kind::Null => Found::default(),
    }
}

/// Says the messages of a conversation that come after the user's last one.
pub(super) fn messages(value: Value<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(messages) = value.as_array() else {
        return false;
    };
    let (mut has_roles, mut after_user) = (false, 0);
    for (place, message) in messages.enumerate() {
        let Some(role) = message.as_object().and_then(|message| role(&message)) else {
            continue;
        };
        has_roles = true;
        if role == Role::User {
            after_user = place + 1;
        }
    }
    if !has_roles {
        return false;
    }
    let mut reading = reading.inside("messages");
    for message in messages.skip(after_user) {
        reading.snapshot().value(message);
    }
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    User,
    Other,
}

fn role(message: &Object<'_>) -> Option<Role> {
    let role = message.string("role").or_else(|| message.string("type"))?;
    match Name::of(role).as_str() {
        "user" | "human" => Some(Role::User),
        "assistant" | "ai" | "model" | "bot" | "agent" | "system" | "developer" | "tool"
        | "function" => Some(Role::Other),
        _ => message.string("role").map(|_| Role::Other),
    }
}

/// Says a text that came by itself as its name has it.
pub(super) fn alone(text: Str<'_>, name: &Name<'_>, reading: &mut Reading<'_>) {
    let mut words = reading.inside(name.as_str());
    match name.meaning() {
        Meaning::Plain | Meaning::End => words.text("text", text),
        Meaning::Reasoning => words.reasoning("text", text),
        Meaning::Tool if steps::is_result(name) => words.result_text(text, name.is_failure()),
        Meaning::ToolsWords => words.result_text(text, false),
        Meaning::Error => reading.error(),
        Meaning::Tool | Meaning::StepError | Meaning::NotTheAgent | Meaning::Housekeeping => {}
    }
}
