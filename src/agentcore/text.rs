//! The text in a JSON value, in whichever of the forms that agents send.

use serde_json::{Map, Value};

/// The keys that can hold an object's text, in the order in which they are tried.
const TEXT_KEYS: [&str; 12] = [
    "chunk",
    "text",
    "data",
    "delta",
    "content",
    "response",
    "result",
    "output",
    "message",
    "event",
    "contentBlockDelta",
    "choices",
];

/// The values of `type` by which an object says that nothing more comes.
const TERMINAL_TYPES: [&str; 7] = [
    "done",
    "end",
    "complete",
    "stop",
    "message_stop",
    "RUN_FINISHED",
    "response.completed",
];

/// What one JSON value of a reply says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Its text, empty where it has none.
    pub(super) text: String,
    /// It is an error event.
    pub(super) is_error: bool,
    /// It is the last of the reply.
    pub(super) is_terminal: bool,
}

/// Reads one value after the other, and knows which kinds of it repeat what was said before.
///
/// Agents on Strands send each token as `data` and again within `event`, and the whole reply again
/// as `message` and `result`: the first of `data` and `event` that gives text is believed, and the
/// others are not read for the rest of that reply.
#[derive(Debug, Default)]
pub(super) struct TextReader {
    believed: Option<&'static str>,
}

impl TextReader {
    /// What a value says.
    pub(super) fn read(&mut self, value: &Value) -> Said {
        let mut said = Said::default();
        match value {
            Value::Array(elements) => {
                for element in elements {
                    self.read_element(element, &mut said);
                    if said.is_error {
                        break;
                    }
                }
            }
            Value::Object(object) => {
                self.read_object(object, &mut said);
                said.is_terminal = is_terminal(object);
            }
            other => push_text(other, &mut said.text),
        }
        said
    }

    fn read_element(&mut self, element: &Value, said: &mut Said) {
        match element {
            Value::Object(object) => self.read_object(object, said),
            other => push_text(other, &mut said.text),
        }
    }

    fn read_object(&mut self, object: &Map<String, Value>, said: &mut Said) {
        if is_error(object) {
            said.is_error = true;
            return;
        }
        let before = said.text.len();
        let Some(key) = push_object_text(object, &mut said.text) else {
            return;
        };
        if self.is_repetition(key) {
            said.text.truncate(before);
        } else if matches!(key, "data" | "event") {
            self.believed = Some(key);
        }
    }

    fn is_repetition(&self, key: &str) -> bool {
        self.believed.is_some_and(|believed| {
            key != believed && matches!(key, "data" | "event" | "message" | "result")
        })
    }
}

/// Whether nothing comes after a value: it is an object of a terminal type, or an error.
pub(super) fn ends_reply(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| is_terminal(object) || is_error(object))
}

fn is_terminal(object: &Map<String, Value>) -> bool {
    type_of(object).is_some_and(|name| TERMINAL_TYPES.contains(&name))
}

/// Appends the text of a value that is not at the top of a reply's event.
fn push_text(value: &Value, text: &mut String) {
    match value {
        Value::String(string) => text.push_str(string),
        Value::Array(elements) => elements.iter().for_each(|element| push_text(element, text)),
        Value::Object(object) if !is_error(object) => {
            push_object_text(object, text);
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Appends the text of an object that is no error, and returns the key that gave it.
fn push_object_text(object: &Map<String, Value>, text: &mut String) -> Option<&'static str> {
    let before = text.len();
    let gives_text = |key: &&'static str, text: &mut String| {
        if let Some(value) = object.get(*key) {
            push_text(value, text);
        }
        text.len() > before
    };
    match type_of(object) {
        // AG-UI, https://docs.ag-ui.com/concepts/events
        Some(name) if is_ag_ui(name) => {
            let speaks = matches!(name, "TEXT_MESSAGE_CONTENT" | "TEXT_MESSAGE_CHUNK");
            Some("delta").filter(|key| speaks && gives_text(key, text))
        }
        // The events of OpenAI's Responses API
        Some(name) if name.starts_with("response.") => {
            let speaks = name == "response.output_text.delta";
            Some("delta").filter(|key| speaks && gives_text(key, text))
        }
        _ => TEXT_KEYS.into_iter().find(|key| gives_text(key, text)),
    }
}

fn is_error(object: &Map<String, Value>) -> bool {
    object.get("error").is_some_and(|error| !error.is_null())
        || matches!(type_of(object), Some("error" | "RUN_ERROR"))
}

fn is_ag_ui(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

fn type_of(object: &Map<String, Value>) -> Option<&str> {
    object.get("type").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        TextReader::default().read(value).text
    }

    #[test]
    fn the_first_key_that_yields_text_gives_it() {
        for (value, expected) in [
            (json!({"text": "b", "chunk": "a"}), "a"),
            (json!({"chunk": "", "text": "b"}), "b"),
            (
                json!({"chunk": null, "data": 5, "delta": true, "content": "c"}),
                "c",
            ),
            (
                json!({"data": {"x": 1}, "content": [{"text": "a"}, 1, "b", null]}),
                "ab",
            ),
            (
                json!({"message": {"content": [{"text": "a"}, {"toolUse": {"input": "x"}}]}}),
                "a",
            ),
            (
                json!({"event": {"contentBlockDelta": {"delta": {"text": "a"}}}}),
                "a",
            ),
            (
                json!({"choices": [{"delta": {"content": "a"}}, {"delta": {"content": "b"}}]}),
                "ab",
            ),
            (json!({"delta": {"type": "text_delta", "text": "a"}}), "a"),
            (json!({"usage": {"text": "no"}}), ""),
            (json!({"data": {"error": "no"}, "output": "a"}), "a"),
            (
                json!({"data": {"type": "TOOL_CALL_ARGS", "delta": "no"}, "output": "a"}),
                "a",
            ),
            (json!({"error": null, "text": "a"}), "a"),
            (json!(["a", {"text": "b"}, ["c", 1], 2]), "abc"),
            (json!("a"), "a"),
            (json!(true), ""),
            (json!({}), ""),
        ] {
            assert_eq!(text(&value), expected, "{value}");
        }
    }

    #[test]
    fn protocols_with_a_type_of_their_own_speak_only_where_they_speak() {
        for (value, expected) in [
            (json!({"type": "TEXT_MESSAGE_CONTENT", "delta": "a"}), "a"),
            (json!({"type": "TEXT_MESSAGE_CHUNK", "delta": "a"}), "a"),
            (json!({"type": "TEXT_MESSAGE_START", "text": "no"}), ""),
            (json!({"type": "RUN_FINISHED", "result": "no"}), ""),
            (
                json!({"type": "response.output_text.delta", "delta": "a"}),
                "a",
            ),
            (
                json!({"type": "response.output_text.done", "text": "no"}),
                "",
            ),
            (json!({"type": "Text", "text": "a"}), "a"),
            (json!({"type": 5, "text": "a"}), "a"),
        ] {
            assert_eq!(text(&value), expected, "{value}");
        }
    }

    #[test]
    fn errors_are_errors_at_the_top_alone() {
        let is_error = |value: &Value| TextReader::default().read(value).is_error;
        for value in [
            json!({"error": "x", "text": "no"}),
            json!({"error": false}),
            json!({"type": "error", "message": "x"}),
            json!({"type": "RUN_ERROR"}),
            json!([{"error": "x"}]),
        ] {
            assert!(is_error(&value), "{value}");
        }
        for value in [
            json!({"error": null}),
            json!({"data": {"error": "x"}}),
            json!("error"),
        ] {
            assert!(!is_error(&value), "{value}");
        }
        let said = TextReader::default().read(&json!(["a", {"error": "x"}, "b"]));
        assert_eq!((said.text.as_str(), said.is_error), ("a", true));
    }

    #[test]
    fn what_strands_repeats_is_read_once() {
        let mut reader = TextReader::default();
        let mut text = |value: Value| reader.read(&value).text;
        assert_eq!(text(json!({"message": "before"})), "before");
        assert_eq!(text(json!({"data": "a", "delta": {"text": "a"}})), "a");
        assert_eq!(
            text(json!({"event": {"contentBlockDelta": {"delta": {"text": "a"}}}})),
            ""
        );
        assert_eq!(text(json!({"message": {"content": [{"text": "a"}]}})), "");
        assert_eq!(text(json!({"result": "a"})), "");
        assert_eq!(text(json!({"data": "b"})), "b");
        assert_eq!(text(json!({"response": "c"})), "c");
    }

    #[test]
    fn terminal_types_end_a_reply() {
        for name in TERMINAL_TYPES {
            assert!(
                TextReader::default()
                    .read(&json!({"type": name}))
                    .is_terminal
            );
        }
        assert!(
            !TextReader::default()
                .read(&json!({"type": "ended"}))
                .is_terminal
        );
        assert!(
            !TextReader::default()
                .read(&json!({"data": {"type": "done"}}))
                .is_terminal
        );
    }
}
