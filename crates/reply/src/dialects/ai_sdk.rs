//! Vercel's AI SDK: the UI message stream,
//! <https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol>, whose parts are
//! `packages/ai/src/ui-message-stream/ui-message-chunks.ts` in <https://github.com/vercel/ai>; and
//! `fullStream`, <https://ai-sdk.dev/docs/reference/ai-sdk-core/stream-text>, whose parts are
//! `TextStreamPart` in `packages/ai/src/generate-text/`.
//!
//! The names of version 4 are read as well, and fields in snake case, as pydantic-ai's
//! `ui/vercel_ai/response_types.py` dumps them.

mod ui_message;

use super::any_key;
use super::ids::index_by;
use super::{Dialect, Reading};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::{Input, readable};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Vercel AI SDK",
    keys: Keys::of(&["type", "parts"]),
    read,
};

/// What is remembered of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// A part came that only the SDK has. From then on, names that other formats use too are its
    /// own.
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
        return ui_message::read(part, reading);
    };
    let name = name.decode();
    let is_the_sdks = own_name(&name, part, reading);
    if is_the_sdks {
        reading.memory().ai_sdk.has_begun = true;
        return true;
    }
    reading.memory().ai_sdk.has_begun && common_name(&name, part, reading)
}

/// Reads a part that no other format has, by its name and the fields beside it.
fn own_name(name: &str, part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
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
        // `data-…` are the developer's own parts, which hold no words of the model.
        _ => {
            let data = name.strip_prefix("data-").and_then(|_| part.get("data"));
            data.is_some_and(|data| data.kind() != Kind::String)
        }
    }
}

/// Reads a part with a name that others use too, in a stream that is known to be the SDK's.
fn common_name(name: &str, part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        // What an aborted stream has said is not whole.
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

/// Reads `finish` with its reason. Without one it is a name that others use too.
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

/// Says that the stream is over. Inside of another format's object, only a turn is.
fn over(reading: &mut Reading<'_>) {
    if reading.is_inside() {
        reading.turn_end();
    } else {
        reading.end();
    }
}

/// Reads a part of a tool's call or result.
fn tool(name: &str, part: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(id) = any_key::string(part, CALL_ID) else {
        return false;
    };
    let tool_name = any_key::string(part, CALL_NAME);
    let mut call = |input| reading.call(Some(id), index_by(Some(id)), tool_name, input);
    match name {
        "tool-input-start" | "tool-call-streaming-start" => call(Input::Announced),
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
        // The output goes on, and comes whole later.
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

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

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
            r#"{"type":"tool-input-error","toolCallId":"d","toolName":"f","input":"{a","errorText":"no JSON"}"#,
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
            "call d f whole {a",
            "result d no JSON failed",
        ];
        assert_eq!(lines, expected);
        // What a model wrote that is no JSON is whole too.
        let invalid = r#"{"type":"tool-call","toolCallId":"d","toolName":"f","input":"{a","dynamic":true,"invalid":true,"error":{"name":"AI_InvalidToolInputError"}}"#;
        assert_eq!(said(&[invalid]), ["call d f whole {a"]);
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
        let after_a_source = said(&[
            r#"{"type":"source","sourceType":"url","id":"s","url":"u"}"#,
            r#"{"type":"abort"}"#,
        ]);
        assert_eq!(after_a_source, ["error"]);
    }

    #[test]
    fn what_others_would_say_alike_is_of_the_sdk_all_the_same() {
        reads(&DIALECT, &[r#"{"type":"error","errorText":"SECRET"}"#]);
    }

    #[test]
    fn an_agents_own_objects_may_come_between_the_parts() {
        let lines = said(&[
            r#"{"type":"start-step"}"#,
            r#"{"type":"chunk","data":"Hi"}"#,
            r#"{"type":"data-chunk","text":" you"}"#,
        ]);
        assert_eq!(lines, ["text Hi", "text  you"]);
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
