//! Vercel's AI SDK: the UI message stream,
//! <https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol>, whose parts are
//! `packages/ai/src/ui-message-stream/ui-message-chunks.ts` in <https://github.com/vercel/ai>; and
//! `fullStream`, <https://ai-sdk.dev/docs/reference/ai-sdk-core/stream-text>, whose parts are
//! `TextStreamPart` in `packages/ai/src/generate-text/`. The names of version 4 are read as well, and
//! the fields in snake case, in which pydantic-ai's `ui/vercel_ai/response_types.py` dumps them.

use super::any_key;
use super::ids::index_by;
use super::{Dialect, Reading};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::{Input, Whole, readable};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Vercel AI SDK",
    keys: Keys::of(&["type", "parts"]),
    read,
};

/// What is remembered of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// A part came that no other format has: names that others use too are the SDK's.
    has_begun: bool,
}

const CALL_ID: &[&str] = &["toolCallId", "tool_call_id", "id"];
const CALL_NAME: &[&str] = &["toolName", "tool_name"];
const PIECE: &[&str] = &[
    "inputTextDelta",
    "input_text_delta",
    "argsTextDelta",
    "delta",
];
const ERROR_TEXT: &[&str] = &["errorText", "error_text"];

fn read(part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = part.string("type") else {
        return ui_message(part, reading);
    };
    let name = name.decode();
    let is_the_sdks = names(&name, part, reading);
    if is_the_sdks {
        reading.memory().ai_sdk.has_begun = true;
        return true;
    }
    reading.memory().ai_sdk.has_begun && common_name(&name, part, reading)
}

/// Parts whose name, with what is beside it, no other format has.
fn names(name: &str, part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        "text-delta" => delta(part)
            .map(|(form, text)| reading.text(form, text))
            .is_some(),
        "reasoning-delta" => delta(part)
            .map(|(form, text)| reading.reasoning(form, text))
            .is_some(),
        "reasoning" => part
            .string("textDelta")
            .map(|text| reading.reasoning("ai-sdk textDelta", text))
            .is_some(),
        "text-start" | "text-end" | "reasoning-start" | "reasoning-end" => part.has("id"),
        "finish-step" | "step-finish" => {
            reading.turn_end();
            true
        }
        "finish" => finish(part, reading),
        "error" if any_key::string(part, ERROR_TEXT).is_some() => {
            reading.error();
            true
        }
        "start" => has_any(part, &["messageId", "messageMetadata", "message_metadata"]),
        "file" => has_any(part, &["mediaType", "media_type"]),
        "source" => part.string("sourceType").is_some(),
        "start-step"
        | "step-start"
        | "message-metadata"
        | "source-url"
        | "source-document"
        | "reasoning-file"
        | "reasoning-signature"
        | "redacted-reasoning" => true,
        _ if name.starts_with("tool-") => tool(name, part, reading),
        // Whatever the agent's own parts hold, it is not the model's words.
        _ => {
            let data = name.strip_prefix("data-").and_then(|_| part.get("data"));
            data.is_some_and(|data| data.kind() != Kind::String)
        }
    }
}

/// Parts with names that others use too, once it is known whose stream it is.
fn common_name(name: &str, part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        // What was begun was not finished.
        "abort" | "error" => reading.error(),
        "finish" => over(reading),
        "start" | "file" | "source" | "raw" | "custom" => {}
        _ => return name.starts_with("data-") && part.has("data"),
    }
    true
}

/// A piece of text: `delta` in a UI message stream, `text` in a `fullStream`, `textDelta` in
/// version 4.
fn delta<'a>(part: &Object<'a>) -> Option<(&'static str, Str<'a>)> {
    const KEYS: &[(&str, &str)] = &[
        ("delta", "ai-sdk delta"),
        ("text", "ai-sdk text"),
        ("textDelta", "ai-sdk textDelta"),
    ];
    let mut keys = KEYS.iter();
    keys.find_map(|(key, form)| Some((*form, part.string(key)?)))
}

fn has_any(part: &Object<'_>, keys: &[&str]) -> bool {
    keys.iter().any(|key| part.has(key))
}

/// `finish` with its reason. One without is an end for everybody.
fn finish(part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if !has_any(part, &["finishReason", "finish_reason"]) {
        return false;
    }
    finished(
        any_key::value(part, &["finishReason", "finish_reason"]),
        reading,
    );
    true
}

fn finished(reason: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let Some(reason) = reason else {
        return over(reading);
    };
    let unified = reason
        .as_object()
        .and_then(|reason| reason.string("unified"));
    let reason = reason.as_str().or(unified);
    if reason.is_some_and(|reason| reason.is("error")) {
        reading.error();
    } else {
        over(reading);
    }
}

/// The stream is over. Inside of another format's event it is a model's turn that is.
fn over(reading: &mut Reading<'_>) {
    if reading.is_inside() {
        reading.turn_end();
    } else {
        reading.end();
    }
}

/// A part of a tool's call or result.
fn tool(name: &str, part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(id) = any_key::string(part, CALL_ID) else {
        return false;
    };
    let tool_name = any_key::string(part, CALL_NAME);
    let mut call = |input| reading.call(Some(id), index_by(Some(id)), tool_name, input);
    match name {
        "tool-input-start" | "tool-call-streaming-start" => call(Input::None),
        "tool-input-delta" | "tool-call-delta" => {
            let piece = any_key::string(part, PIECE);
            if let Some(piece) = piece {
                call(Input::Piece(piece.decode().into_owned()));
            }
        }
        "tool-call" | "tool-input-available" => call(Input::Whole(input_of(part))),
        "tool-input-error" => {
            call(Input::Whole(input_of(part)));
            reading.result(Some(id), any_key::value(part, ERROR_TEXT), true);
        }
        // More of it comes.
        "tool-result" | "tool-output-available" if part.is_true("preliminary") => {}
        "tool-result" | "tool-output-available" => {
            let output = any_key::value(part, &["output", "result"]);
            reading.result(Some(id), output, part.is_true("isError"));
        }
        "tool-error" | "tool-output-error" => {
            reading.result(
                Some(id),
                any_key::value(part, &["errorText", "error_text", "error"]),
                true,
            );
        }
        "tool-output-denied" => reading.result(Some(id), None, true),
        "tool-input-end" | "tool-approval-request" | "tool-approval-response" => {}
        _ => return false,
    }
    true
}

fn input_of(part: &Object<'_>) -> String {
    let input = any_key::value(part, &["input", "args"]);
    input.map(readable).unwrap_or_default()
}

/// A whole `UIMessage`: <https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message>. While it is
/// streamed, each one holds all of those before it.
fn ui_message(message: &Object<'_>, reading: &mut Reading<'_>) -> bool {
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
            ui_part(&part, &mut reading);
        }
    }
    is_one
}

fn ui_part(part: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(kind) = part.string("type") else {
        return;
    };
    if kind.is("text") {
        if let Some(text) = part.string("text") {
            reading.text_whole("ai-sdk message", text, Whole::Snapshot);
        }
    } else if kind.is("reasoning") {
        if let Some(text) = part.string("text") {
            reading.reasoning_whole("ai-sdk message", text, Whole::Snapshot);
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
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    #[test]
    fn a_ui_message_stream_ends_by_its_finish() {
        let lines = said(&[
            r#"{"type":"start","messageId":"m"}"#,
            r#"{"type":"start-step"}"#,
            r#"{"type":"reasoning-start","id":"r"}"#,
            r#"{"type":"reasoning-delta","id":"r","delta":"hm"}"#,
            r#"{"type":"text-start","id":"1"}"#,
            r#"{"type":"text-delta","id":"1","delta":"Hi"}"#,
            r#"{"type":"text-end","id":"1"}"#,
            r#"{"type":"data-notice","data":"note","transient":true}"#,
            r#"{"type":"source-url","sourceId":"s","url":"u","title":"TITLE"}"#,
            r#"{"type":"file","url":"u","mediaType":"image/png"}"#,
            r#"{"type":"message-metadata","messageMetadata":{"text":"META"}}"#,
            r#"{"type":"finish-step"}"#,
            r#"{"type":"finish","finishReason":"stop"}"#,
        ]);
        assert_eq!(lines, ["reasoning hm", "text Hi", "turn end", "end"]);
    }

    #[test]
    fn a_full_stream_has_its_own_fields() {
        let lines = said(&[
            r#"{"type":"start-step","request":{},"warnings":[]}"#,
            r#"{"type":"raw","rawValue":{"text":"RAW"}}"#,
            r#"{"type":"reasoning-delta","id":"r","text":"hm"}"#,
            r#"{"type":"text-delta","id":"1","text":"Hi"}"#,
            r#"{"type":"source","sourceType":"url","id":"s","url":"u","title":"TITLE"}"#,
            r#"{"type":"finish-step","finishReason":"error","usage":{}}"#,
            r#"{"type":"finish","finishReason":"stop","totalUsage":{}}"#,
        ]);
        assert_eq!(lines, ["reasoning hm", "text Hi", "turn end", "end"]);
        let without_reason = [r#"{"type":"start-step"}"#, r#"{"type":"finish"}"#];
        assert_eq!(said(&without_reason), ["end"]);
        let of_version_4 = said(&[
            r#"{"type":"reasoning","textDelta":"hm"}"#,
            r#"{"type":"text-delta","textDelta":"Hi"}"#,
            r#"{"type":"tool-call","toolCallId":"c","toolName":"f","args":{}}"#,
            r#"{"type":"tool-result","toolCallId":"c","toolName":"f","args":{},"result":"sun"}"#,
            r#"{"type":"step-finish","finishReason":"stop","isContinued":false}"#,
        ]);
        let expected = [
            "reasoning hm",
            "text Hi",
            "call c f whole {}",
            "result c sun",
            "turn end",
        ];
        assert_eq!(of_version_4, expected);
    }

    #[test]
    fn tools_are_steps_and_their_errors_their_own() {
        let lines = said(&[
            r#"{"type":"tool-input-start","toolCallId":"a","toolName":"f"}"#,
            r#"{"type":"tool-input-delta","toolCallId":"a","inputTextDelta":"{}"}"#,
            r#"{"type":"tool-input-available","toolCallId":"a","toolName":"f","input":{}}"#,
            r#"{"type":"tool-output-available","toolCallId":"a","output":"half","preliminary":true}"#,
            r#"{"type":"tool-output-available","toolCallId":"a","output":{"text":"sun"}}"#,
            r#"{"type":"tool-input-start","id":"b","toolName":"g","dynamic":false}"#,
            r#"{"type":"tool-input-delta","id":"b","delta":"{}"}"#,
            r#"{"type":"tool-input-end","id":"b"}"#,
            r#"{"type":"tool-error","toolCallId":"b","toolName":"g","input":{},"error":"SECRET"}"#,
            r#"{"type":"tool-output-denied","toolCallId":"c"}"#,
            r#"{"type":"tool-approval-request","approvalId":"x","toolCallId":"c"}"#,
        ]);
        let expected = [
            "call a f begun",
            "call a - piece {}",
            "call a f whole {}",
            r#"result a {"text":"sun"}"#,
            "call b g begun",
            "call b - piece {}",
            "result b SECRET failed",
            "result c  failed",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn pydantics_dumps_have_other_names_and_nulls() {
        let lines = said(&[
            r#"{"type":"start","message_id":null,"message_metadata":null}"#,
            r#"{"type":"tool-input-start","tool_call_id":"a","tool_name":"f","provider_executed":null,"dynamic":null}"#,
            r#"{"type":"tool-input-delta","tool_call_id":"a","input_text_delta":"{}"}"#,
            r#"{"type":"tool-input-available","tool_call_id":"a","tool_name":"f","input":{}}"#,
            r#"{"type":"tool-output-error","tool_call_id":"a","error_text":"SECRET","dynamic":null}"#,
            r#"{"type":"text-delta","delta":"Hi","id":"1","provider_metadata":null}"#,
            r#"{"type":"finish","finish_reason":null,"message_metadata":null}"#,
        ]);
        let expected = [
            "call a f begun",
            "call a - piece {}",
            "call a f whole {}",
            "result a SECRET failed",
            "text Hi",
            "end",
        ];
        assert_eq!(lines, expected);
        let failed = r#"{"type":"error","error_text":"SECRET"}"#;
        assert_eq!(said(&[failed]), ["error"]);
    }

    #[test]
    fn what_fails_or_is_aborted_is_not_whole() {
        for part in [
            r#"{"type":"error","errorText":"SECRET"}"#,
            r#"{"type":"finish","finishReason":"error"}"#,
            r#"{"type":"finish","finishReason":{"unified":"error","raw":"x"}}"#,
        ] {
            assert_eq!(said(&[part]), ["error"], "{part}");
        }
        let aborted = said(&[
            r#"{"type":"text-delta","id":"1","delta":"Half"}"#,
            r#"{"type":"abort","reason":"x"}"#,
        ]);
        assert_eq!(aborted, ["text Half", "error"]);
    }

    #[test]
    fn a_message_is_a_snapshot_of_its_parts() {
        let lines = said(&[
            r#"{"id":"u","role":"user","parts":[{"type":"text","text":"PROMPT"}]}"#,
            r#"{"id":"m","role":"assistant","parts":[{"type":"step-start"},{"type":"reasoning","text":"hm","state":"done"},
                {"type":"tool-get_weather","toolCallId":"c","state":"output-available","input":{"a":1},"output":"sun"},
                {"type":"dynamic-tool","toolName":"f","toolCallId":"d","state":"output-error","input":{},"errorText":"SECRET"},
                {"type":"data-x","data":{"text":"DATA"}},{"type":"text","text":"Hi","state":"done"}]}"#,
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

    #[test]
    fn what_is_not_of_the_sdk_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"start"}"#,
                r#"{"type":"finish"}"#,
                r#"{"type":"error","error":"x"}"#,
                r#"{"type":"abort"}"#,
                r#"{"type":"file","url":"x"}"#,
                r#"{"type":"reasoning","text":"x"}"#,
                r#"{"type":"data-chunk","data":"x"}"#,
                r#"{"type":"tool-x","text":"x"}"#,
                r#"{"role":"model","parts":[{"text":"x"}]}"#,
                r#"{"role":"agent","parts":[{"type":"text","text":"x"}]}"#,
            ],
        );
    }
}
