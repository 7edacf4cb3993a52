//! pydantic-ai: the events of `run_stream_events`,
//! <https://ai.pydantic.dev/agents/#streaming-all-events>, and its messages,
//! <https://ai.pydantic.dev/message-history/>; both are dataclasses in
//! `pydantic_ai_slim/pydantic_ai/messages.py` of <https://github.com/pydantic/pydantic-ai>, the last
//! event and the result in `run.py` beside it.

use super::any_key;
use super::{Dialect, Reading};
use crate::json::{Keys, Object, Str, Value};
use crate::said::{Coverage, Input, readable};

pub(super) const DIALECT: Dialect = Dialect {
    name: "pydantic-ai",
    keys: Keys::of(&["event_kind", "kind", "model_response", "request", "_state"]),
    read,
};

/// What is remembered of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    has_text: bool,
}

/// At what stage a part is.
#[derive(Clone, Copy)]
enum Stage {
    /// It begins, and the rest comes in pieces.
    Start,
    /// It is over, and comes again as a whole.
    End,
    /// It is in a message of the conversation so far.
    Message,
    /// It is in a message that is not whole: a call's input may break off.
    HalfMessage,
}

impl Stage {
    /// The beginning of a part has the same form as the pieces that follow.
    fn form(self) -> &'static str {
        match self {
            Self::Start => "pydantic-ai delta",
            Self::End => "pydantic-ai part",
            Self::Message | Self::HalfMessage => "pydantic-ai message",
        }
    }

    fn coverage(self) -> Coverage {
        match self {
            Self::Start | Self::End => Coverage::Unknown,
            Self::Message | Self::HalfMessage => Coverage::Snapshot,
        }
    }
}

fn read(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(kind) = value.string("event_kind") {
        return event(&kind.decode(), value, reading);
    }
    if is_message(value) {
        message(value, reading);
        return true;
    }
    // A node of the agent's graph.
    if let Some(node) = any_key::object(value, &["model_response", "request"]).filter(is_message) {
        message(&node, reading);
        return true;
    }
    let is_result = value.has("output")
        && value
            .object("_state")
            .is_some_and(|state| state.has("message_history"));
    if is_result {
        result(value, reading);
        reading.turn_end();
    }
    is_result
}

fn event(kind: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let index = event.number("index");
    match kind {
        "part_start" | "part_end" => {
            let stage = if kind == "part_start" {
                Stage::Start
            } else {
                Stage::End
            };
            if let Some(part) = event.object("part") {
                self::part(&part, stage, index, reading);
            }
        }
        "part_delta" => {
            if let Some(delta) = event.object("delta") {
                part_delta(&delta, index, reading);
            }
        }
        "function_tool_call" | "output_tool_call" | "builtin_tool_call" => {
            if let Some(part) = event.object("part") {
                call(&part, Stage::End, None, reading);
            }
        }
        "function_tool_result" | "output_tool_result" | "builtin_tool_result" => {
            // Before version 2 it was called `result`.
            if let Some(part) = any_key::object(event, &["part", "result"]) {
                tool_return(&part, reading);
            }
        }
        "agent_run_result" => {
            if let Some(result) = event.object("result") {
                self::result(&result, reading);
            }
            reading.end();
        }
        // What was asked is answered. The session stays open for what the user says next, so
        // nothing else would end the reply.
        "realtime_turn_complete" => reading.end(),
        "realtime_session_error" if event.get("recoverable").is_some_and(Value::is_nothing) => {
            reading.error();
        }
        "final_result"
        | "enqueued_messages"
        | "deferred_tool_requests"
        | "deferred_tool_results"
        | "tool_availability_delta"
        | "capability_load_delta"
        | "model_settings_delta" => {}
        _ => return kind.starts_with("realtime_"),
    }
    true
}

fn part(part: &Object<'_>, stage: Stage, index: Option<u64>, reading: &mut Reading<'_>) {
    let Some(kind) = part.string("part_kind") else {
        return;
    };
    let kind = kind.decode();
    match &*kind {
        "text" => text(part.string("content"), stage, reading),
        "speech" if !part.is("speaker", "user") => text(part.string("transcript"), stage, reading),
        "thinking" => {
            if let Some(text) = part.string("content") {
                reading.reasoning_covering(stage.form(), text, stage.coverage());
            }
        }
        // It answers the call of a tool. Without a tool it is the framework's word to the model.
        "retry-prompt" if part.string("tool_name").is_some() => tool_return(part, reading),
        // Besides `tool-call` there is `builtin-tool-call`, of a tool that the model's provider
        // runs.
        _ if kind.ends_with("tool-call") => call(part, stage, index, reading),
        _ if kind.ends_with("tool-return") => tool_return(part, reading),
        _ => {}
    }
}

fn text(text: Option<Str<'_>>, stage: Stage, reading: &mut Reading<'_>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return;
    };
    reading.memory().pydantic_ai.has_text = true;
    reading.text_covering(stage.form(), text, stage.coverage());
}

fn part_delta(delta: &Object<'_>, index: Option<u64>, reading: &mut Reading<'_>) {
    let Some(kind) = delta.string("part_delta_kind") else {
        return;
    };
    match &*kind.decode() {
        "text" => text(delta.string("content_delta"), Stage::Start, reading),
        "speech" if !delta.is("speaker", "user") => {
            text(delta.string("transcript_delta"), Stage::Start, reading);
        }
        "thinking" => {
            if let Some(text) = delta.string("content_delta") {
                reading.reasoning(Stage::Start.form(), text);
            }
        }
        "tool_call" => {
            // An object is no piece of JSON. The part's end has the whole input.
            if let Some(piece) = delta.string("args_delta") {
                let piece = Input::Piece(piece.decode().into_owned());
                reading.call(delta.string("tool_call_id"), index, None, piece);
            }
        }
        _ => {}
    }
}

fn call(part: &Object<'_>, stage: Stage, index: Option<u64>, reading: &mut Reading<'_>) {
    let args = any_key::value(part, &["args"]);
    let pieces = args
        .and_then(Value::as_str)
        .map(|args| args.decode().into_owned());
    let input = match (stage, args) {
        (Stage::HalfMessage, _) => return,
        (Stage::Start, _) => pieces.map_or(Input::None, Input::Piece),
        (_, args) => Input::Whole(args.map(readable).unwrap_or_default()),
    };
    let id = part.string("tool_call_id");
    reading.call(id, index, part.string("tool_name"), input);
}

fn tool_return(part: &Object<'_>, reading: &mut Reading<'_>) {
    let outcome = part.string("outcome");
    let failed = part.is("part_kind", "retry-prompt")
        || outcome
            .is_some_and(|outcome| outcome.is_any(&["failed", "denied", "interrupted", "retried"]));
    reading.result(part.string("tool_call_id"), part.get("content"), failed);
}

/// Whether an object is a request to the model or its response.
fn is_message(message: &Object<'_>) -> bool {
    let kind = message.string("kind");
    let is_kind = kind.is_some_and(|kind| kind.is_any(&["request", "response"]));
    is_kind && message.array("parts").is_some()
}

/// Reads a message. While it is streamed it comes again and again with more in it, and with the
/// same timestamp.
fn message(message: &Object<'_>, reading: &mut Reading<'_>) {
    let parts = message.array("parts").into_iter().flatten();
    let is_half = message.is("state", "incomplete");
    let stage = if is_half {
        Stage::HalfMessage
    } else {
        Stage::Message
    };
    let mut reading = reading.spoken_by(message.string("timestamp"));
    for part in parts.filter_map(Value::as_object) {
        self::part(&part, stage, None, &mut reading);
    }
}

/// Says what a run gave. What is no text was made of the input of an output tool, and is the
/// answer, or was made of the model's words, and says nothing new where these were told.
fn result(result: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(output) = result.get("output") else {
        return;
    };
    if let Some(output) = output.as_str() {
        return text_of_result(output, reading);
    }
    // The run waits for somebody to allow its calls, or to run them.
    let is_deferred = output
        .as_object()
        .is_some_and(|output| output.has("calls") && output.has("approvals"));
    let is_structured = output.as_object().is_some() || output.as_array().is_some();
    let has_words = reading.memory().pydantic_ai.has_text;
    let is_of_tool = result.string("_output_tool_name").is_some();
    if is_structured && !is_deferred && (is_of_tool || !has_words) {
        text_of_result(Str::plain(output.raw()), reading);
    }
}

fn text_of_result(text: Str<'_>, reading: &mut Reading<'_>) {
    reading.text("pydantic-ai result", text);
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    #[test]
    fn parts_begin_go_on_and_end() {
        let lines = said(&[
            r#"{"index":0,"part":{"content":"h","part_kind":"thinking"},"event_kind":"part_start"}"#,
            r#"{"index":0,"delta":{"content_delta":"m","part_delta_kind":"thinking"},"event_kind":"part_delta"}"#,
            r#"{"index":1,"part":{"content":"It","part_kind":"text"},"previous_part_kind":"thinking","event_kind":"part_start"}"#,
            r#"{"tool_name":null,"tool_call_id":null,"event_kind":"final_result"}"#,
            r#"{"index":1,"delta":{"content_delta":" is","part_delta_kind":"text"},"event_kind":"part_delta"}"#,
            r#"{"index":1,"part":{"content":"It is","part_kind":"text"},"event_kind":"part_end"}"#,
            r#"{"result":{"output":"It is","_state":{"message_history":[{"parts":[{"content":"PROMPT","part_kind":"user-prompt"}],"kind":"request"}]}},"event_kind":"agent_run_result"}"#,
        ]);
        let expected = [
            "reasoning h",
            "reasoning m",
            "text It",
            "text  is",
            "text It is",
            "text It is",
            "end",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_session_that_is_spoken_says_what_the_model_said() {
        let lines = said(&[
            r#"{"event_kind":"realtime_input_speech_start","item_id":"i"}"#,
            r#"{"index":0,"part":{"speaker":"user","transcript":"PROMPT","part_kind":"speech"},"event_kind":"part_start"}"#,
            r#"{"index":0,"delta":{"speaker":"user","transcript_delta":" PROMPT","transcript":"PROMPT PROMPT","part_delta_kind":"speech"},"event_kind":"part_delta"}"#,
            r#"{"index":1,"part":{"speaker":"assistant","transcript":null,"audio":null,"part_kind":"speech"},"event_kind":"part_start"}"#,
            r#"{"index":1,"delta":{"speaker":"assistant","transcript_delta":"Hi","transcript":"Hi","audio_chunk":null,"part_delta_kind":"speech"},"event_kind":"part_delta"}"#,
            r#"{"index":1,"delta":{"speaker":"assistant","transcript_delta":null,"transcript":null,"audio_chunk":"QUJD","part_delta_kind":"speech"},"event_kind":"part_delta"}"#,
            r#"{"index":1,"part":{"speaker":"assistant","transcript":"Hi","audio":null,"part_kind":"speech"},"event_kind":"part_end"}"#,
            r#"{"message":"slow","type":"server_error","code":null,"recoverable":true,"event_kind":"realtime_session_error"}"#,
            r#"{"event_kind":"realtime_turn_complete"}"#,
        ]);
        assert_eq!(lines, ["text Hi", "text Hi", "end"]);
        let lost = r#"{"message":"SECRET","type":null,"code":null,"recoverable":false,"event_kind":"realtime_session_error"}"#;
        assert_eq!(said(&[lost]), ["error"]);
    }

    #[test]
    fn kinds_that_nobody_knows_say_nothing() {
        let lines = said(&[
            r#"{"index":0,"part":{"content":"x"},"event_kind":"part_start"}"#,
            r#"{"index":0,"delta":{"content_delta":"x"},"event_kind":"part_delta"}"#,
            r#"{"index":0,"delta":{"content_delta":"x","part_delta_kind":"image"},"event_kind":"part_delta"}"#,
            r#"{"result":{"_state":{}},"event_kind":"agent_run_result"}"#,
        ]);
        assert_eq!(lines, ["end"]);
    }

    #[test]
    fn tools_are_steps() {
        let lines = said(&[
            r#"{"index":1,"part":{"tool_name":"f","args":"{\"a\":","tool_call_id":"c","part_kind":"tool-call"},"event_kind":"part_start"}"#,
            r#"{"index":1,"delta":{"tool_name_delta":null,"args_delta":"1}","tool_call_id":"c","part_delta_kind":"tool_call"},"event_kind":"part_delta"}"#,
            r#"{"part":{"tool_name":"f","args":{"a":1},"tool_call_id":"c","part_kind":"tool-call"},"event_kind":"function_tool_call"}"#,
            r#"{"part":{"tool_name":"f","content":"sun","tool_call_id":"c","outcome":"success","part_kind":"tool-return"},"content":null,"event_kind":"function_tool_result"}"#,
            r#"{"result":{"tool_name":"f","content":"SECRET","tool_call_id":"d","part_kind":"retry-prompt"},"event_kind":"function_tool_result"}"#,
        ]);
        let expected = [
            r#"call c f piece {"a":"#,
            "call c - piece 1}",
            r#"call c f whole {"a":1}"#,
            "result c sun",
            "result d SECRET failed",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn of_messages_only_the_models_text_is_text() {
        let lines = said(&[
            r#"[{"parts":[{"content":"SYSTEM","part_kind":"system-prompt"},{"content":"PROMPT","part_kind":"user-prompt"}],"instructions":"SYSTEM","kind":"request"},
                {"parts":[{"content":"hm","part_kind":"thinking"},{"tool_name":"f","args":"{}","tool_call_id":"c","part_kind":"tool-call"}],"kind":"response"},
                {"parts":[{"tool_name":"f","content":"sun","tool_call_id":"c","part_kind":"tool-return"},{"content":"RETRY","part_kind":"retry-prompt","tool_name":null}],"kind":"request"},
                {"parts":[{"content":"SUMMARY","part_kind":"compaction"},{"content":"It is.","part_kind":"text"}],"kind":"response"}]"#,
            r#"{"request":{"parts":[{"tool_name":"f","content":"moon","tool_call_id":"d","part_kind":"tool-return"}],"kind":"request"}}"#,
            r#"{"model_response":{"parts":[{"content":"Hi","part_kind":"text"}],"kind":"response"}}"#,
        ]);
        let expected = [
            "reasoning hm",
            "call c f whole {}",
            "result c sun",
            "text It is.",
            "result d moon",
            "text Hi",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_message_that_is_streamed_has_its_calls_when_it_is_whole() {
        let parts = r#""parts":[{"content":"Hi","part_kind":"text"},{"tool_name":"f","args":"{","tool_call_id":"c","part_kind":"tool-call"}]"#;
        let half = format!(r#"{{{parts},"kind":"response","state":"incomplete"}}"#);
        assert_eq!(said(&[&half]), ["text Hi"]);
    }

    #[test]
    fn a_structured_output_is_the_answer_where_there_were_no_words() {
        let event = r#"{"result":{"output":{"a": 1}},"event_kind":"agent_run_result"}"#;
        assert_eq!(said(&[event]), [r#"text {"a": 1}"#, "end"]);
        let words =
            r#"{"index":1,"part":{"content":"{}","part_kind":"text"},"event_kind":"part_start"}"#;
        assert_eq!(said(&[words, event]), ["text {}", "end"]);
        let of_tool = r#"{"result":{"output":[1],"_output_tool_name":"final_result"},"event_kind":"agent_run_result"}"#;
        assert_eq!(said(&[words, of_tool]), ["text {}", "text [1]", "end"]);
        let deferred = r#"{"result":{"output":{"calls":[],"approvals":[],"metadata":{}}},"event_kind":"agent_run_result"}"#;
        assert_eq!(said(&[deferred]), ["end"]);
        let bare = r#"{"output":"Hi","_output_tool_name":null,"_state":{"message_history":[]}}"#;
        assert_eq!(said(&[bare]), ["text Hi", "turn end"]);
    }

    #[test]
    fn what_is_not_of_the_framework_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"event_kind":"token","text":"x"}"#,
                r#"{"kind":"response","text":"x"}"#,
                r#"{"kind":"text","parts":[{"text":"x"}]}"#,
                r#"{"output":"x","_state":"y"}"#,
            ],
        );
    }
}
