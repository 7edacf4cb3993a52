//! Objects of no framework: what people write by hand. Nobody defines their format, so the rules
//! are the bridge's own; docs/agents.md tells of them.
//!
//! An object has a name (`type`, else `event`, else its outer name) and text under one of a few
//! keys. It is what the first of six rules that fits says: an error, words that are not the
//! agent's, a tool's or a thought, housekeeping, text, the end.

mod fields;
mod steps;
mod text;

use super::{Dialect, Memory, Reading};
use crate::json::{Keys, Object, Str, Value};
use crate::names::{Meaning, Name};
use crate::said::{Coverage, Form, Source};
use fields::{Fields, TextKeys};

pub(super) use steps::{answer, calls};

pub(super) const DIALECT: Dialect = Dialect {
    name: "home-made",
    keys: Keys::ANY,
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let fields = Fields::of(object);
    let outer_name = reading.outer_name();
    let name = fields.name(outer_name);
    let meaning = name.meaning();
    // A tool or a step that failed has not failed the agent.
    let is_step = fields.has_call_id
        || fields.whose == Some(Meaning::ToolsWords)
        || matches!(
            meaning,
            Meaning::Tool | Meaning::ToolsWords | Meaning::StepError
        );
    if !is_step && (fields.has_error || meaning == Meaning::Error) {
        reading.error();
        return true;
    }
    match fields.whose.unwrap_or(meaning) {
        Meaning::NotTheAgent => steps::answers(object, reading),
        Meaning::StepError => return true,
        Meaning::ToolsWords => steps::tools_words(object, reading),
        Meaning::Tool => steps::tool(object, &name, outer_name, reading),
        _ if fields.has_call_id => steps::tools_words(object, reading),
        Meaning::Reasoning => steps::reasoning(object, &mut words(&name, reading)),
        _ if fields.is_thought => steps::reasoning(object, &mut words(&name, reading)),
        Meaning::Housekeeping => {
            // A piece of text counts even so: `{"type": "start", "chunk": …}`.
            let carried = fields.text_keys.and(TextKeys::CARRIED);
            text::text(object, &fields, carried, &mut words(&name, reading));
        }
        Meaning::Plain | Meaning::Error | Meaning::End => {
            return say(object, &fields, &name, meaning == Meaning::End, reading);
        }
    }
    true
}

/// Whether an object has one of the keys under which people put text.
pub(super) fn may_have_text(object: &Object<'_>) -> bool {
    object
        .iter()
        .any(|(key, _)| fields::is_text_key(&key.decode()))
}

/// The keys under which a piece of text comes by itself most often, and the form that it has there.
/// No other dialect recognises an object with one of these and nothing else.
const PIECES: [(&str, Form); 5] = [
    ("chunk", Form::TOP.then("").then("chunk")),
    ("token", Form::TOP.then("").then("token")),
    ("text", Form::TOP.then("").then("text")),
    ("content", Form::TOP.then("").then("content")),
    ("data", Form::TOP.then("").then("data")),
];

/// The text of `{"chunk": "…"}` and its source. Most replies are made of such objects, so no
/// dialect is asked of them. The object came by itself and has no outer name.
pub(crate) fn piece<'v>(value: Value<'v>, memory: &mut Memory) -> Option<(Str<'v>, Source)> {
    let (key, text) = value.as_only_string()?;
    if text.is_empty() {
        return None;
    }
    let (_, form) = PIECES.iter().find(|(known, _)| key.is(known))?;
    memory.has_text = true;
    let source = Source {
        form: *form,
        coverage: Coverage::Unknown,
        speaker: None,
    };
    Some((text, source))
}

/// A text that came by itself and has no outer name, and its source: what [`named_text`] says of
/// it.
pub(crate) fn bare_text<'t>(text: Str<'t>, memory: &mut Memory) -> (Str<'t>, Source) {
    memory.has_text |= !text.is_empty();
    let source = Source {
        form: BARE_TEXT,
        coverage: Coverage::Unknown,
        speaker: None,
    };
    (text, source)
}

const BARE_TEXT: Form = Form::TOP.then("text");

/// Says the agent's own words, and the end or the error that comes with them. False where there is
/// nothing of that.
fn say(
    object: &Object<'_>,
    fields: &Fields<'_>,
    name: &Name<'_>,
    is_end: bool,
    reading: &mut Reading<'_>,
) -> bool {
    // An SSE event that was put into an object, with the word that ends a stream of them.
    if is_end && fields.only_text().is_some_and(|text| text.is("[DONE]")) {
        reading.end();
        return true;
    }
    let mut keys = fields.text_keys;
    if fields.may_be_error {
        keys = keys.without(TextKeys::MESSAGE);
    }
    let mut words = words(name, reading);
    if fields.is_whole {
        words = words.into_inside("whole");
    }
    if let Some(thought) = fields.thought.filter(|_| !fields.text_keys.is_empty()) {
        words.reasoning("thought", thought);
    }
    let found = text::text(object, fields, keys, &mut words);
    let mut has_read = found.place;
    if let Some(messages) = fields.messages.filter(|_| !found.text) {
        has_read |= text::messages(messages, &mut words);
    }
    if let Some(calls) = fields.tool_calls {
        has_read |= steps::calls(calls, &mut words);
    }
    let message = object
        .get("message")
        .filter(|message| !message.is_nothing());
    // `{"status": "error", "message": …}` is an error, unless it has text under another key.
    if fields.may_be_error && !found.text && message.is_some() {
        reading.error();
        return true;
    }
    if is_end || fields.is_over {
        reading.end();
        return true;
    }
    has_read
}

/// The reading of the words in an object of this name.
fn words<'n>(name: &Name<'_>, reading: &'n mut Reading<'_>) -> Reading<'n> {
    reading.inside(name.as_str())
}

/// Reads text that came by itself, by its outer name.
pub(super) fn named_text(reading: &mut Reading<'_>, text: Str<'_>) {
    if reading.outer_name().is_empty() {
        return reading.text("text", text);
    }
    named_words(reading, text);
    if Name::plain(reading.outer_name()).meaning() == Meaning::End {
        reading.end();
    }
}

/// The same, of one text of several: an end comes after the last.
pub(super) fn named_words(reading: &mut Reading<'_>, text: Str<'_>) {
    let name = Name::plain(reading.outer_name());
    text::alone(text, &name, reading);
}

/// Says what a tool answered, where the outer name says that an array is that. False where not.
pub(super) fn named_result(reading: &mut Reading<'_>, array: Value<'_>) -> bool {
    if reading.outer_name().is_empty() {
        return false;
    }
    let name = Name::plain(reading.outer_name());
    let is_result = match name.meaning() {
        Meaning::Tool => steps::is_result(&name),
        meaning => meaning == Meaning::ToolsWords,
    };
    if is_result {
        reading.result(None, Some(array), name.is_failure());
    }
    is_result
}

/// Reads an SSE event of which there is nothing but the name.
pub(super) fn name_alone(reading: &mut Reading<'_>) {
    match Name::plain(reading.outer_name()).meaning() {
        Meaning::Error => reading.error(),
        Meaning::End => reading.end(),
        _ => {}
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod quick_way {
    use super::*;
    use crate::json::Document;
    use crate::said::{Item, Said};

    #[test]
    fn the_quick_way_says_what_the_dialect_says() {
        for (key, _) in PIECES {
            for text in ["Hi", " ", "a\\n\\u00e9"] {
                let json = format!("{{\"{key}\":\"{text}\"}}");
                let (mut said, mut memory) = (Said::default(), Memory::default());
                let mut document = Document::default();
                assert!(document.read(&json));
                let value = document.value(&json);
                let object = value.as_object().expect("an object");
                assert!(Reading::new(&mut said, &mut memory, "").object(&object));
                let Some(Item::Text(expected, expected_source)) = said.item(0, &mut 0) else {
                    panic!("no text: {json}");
                };
                let mut quick_memory = Memory::default();
                let (text, source) = piece(value, &mut quick_memory).expect("a piece");
                assert_eq!(
                    (&*text.decode(), source),
                    (expected, expected_source),
                    "{json}"
                );
                assert_eq!(quick_memory.has_text, memory.has_text, "{json}");
            }
        }
    }

    #[test]
    fn the_quick_way_of_bare_text_says_what_the_dialect_says() {
        let (mut said, mut memory) = (Said::default(), Memory::default());
        Reading::new(&mut said, &mut memory, "").plain_text(Str::plain("Hi"));
        let mut quick_memory = Memory::default();
        let (text, source) = bare_text(Str::plain("Hi"), &mut quick_memory);
        let Some(Item::Text(expected, expected_source)) = said.item(0, &mut 0) else {
            panic!("no text");
        };
        assert_eq!((&*text.decode(), source), (expected, expected_source));
        assert_eq!(quick_memory.has_text, memory.has_text);
    }
}
