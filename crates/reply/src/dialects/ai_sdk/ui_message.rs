//! A whole `UIMessage`: <https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message>. While a message is
//! streamed, each of these holds all that the one before held, and more.

use super::input_of;
use crate::dialects::Reading;
use crate::json::{Object, Str, Value};
use crate::said::{Coverage, Input};

/// Reads a message; false where the object is none.
pub(super) fn read(message: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let role = message.string("role");
    let is_role = role.is_some_and(|role| role.is_any(&["assistant", "user", "system"]));
    let parts = message.array("parts").filter(|_| is_role);
    let parts = parts.into_iter().flatten().filter_map(Value::as_object);
    let is_one = parts
        .clone()
        .next()
        .is_some_and(|part| part.string("type").is_some());
    if is_one && message.is("role", "assistant") {
        let mut reading = reading.spoken_by(message.string("id"));
        for part in parts {
            self::part(&part, &mut reading);
        }
    }
    is_one
}

fn part(part: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(kind) = part.string("type") else {
        return;
    };
    if kind.is("text") {
        if let Some(text) = part.string("text") {
            reading.text_covering("ai-sdk message", text, Coverage::Snapshot);
        }
    } else if kind.is("reasoning") {
        if let Some(text) = part.string("text") {
            reading.reasoning_covering("ai-sdk message", text, Coverage::Snapshot);
        }
    } else if let Some(id) = part.string("toolCallId") {
        let kind = kind.decode();
        let name = part.string("toolName");
        let name = name.or_else(|| kind.strip_prefix("tool-").map(Str::plain));
        if !part.is("state", "input-streaming") {
            reading.call(Some(id), None, name, Input::Whole(input_of(part)));
        }
        if part.is("state", "output-available") && !part.is_true("preliminary") {
            reading.result(Some(id), part.get("output"), false);
        } else if part.is("state", "output-error") {
            reading.result(Some(id), part.get("errorText"), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn a_message_is_a_snapshot_of_its_parts() {
        let lines = said(&[
            r#"{"id":"u","role":"user","parts":[{"type":"text","text":"PROMPT"}]}"#,
            r#"{"id":"m","role":"assistant","parts":[{"type":"step-start"},{"type":"reasoning","text":"hm","state":"done"},
                {"type":"tool-get_weather","toolCallId":"c","state":"output-available","input":{"a":1},"output":"sun"},
                {"type":"dynamic-tool","toolName":"f","toolCallId":"d","state":"output-error","input":{},"errorText":"SECRET"},
                {"type":"data-x","data":{"text":"DATA"}},{"text":"x"},{"type":"text","text":"Hi","state":"done"}]}"#,
        ]);
        let expected = [
            "reasoning hm",
            r#"call c get_weather whole {"a":1}"#,
            "result c sun",
            "call d f whole {}",
            "result d SECRET failed",
            "text Hi",
        ];
        assert_eq!(lines, expected);
    }
}
