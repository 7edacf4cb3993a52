//! OpenAI's Responses API: <https://platform.openai.com/docs/api-reference/responses-streaming>,
//! typed in `src/openai/types/responses/` of <https://github.com/openai/openai-python>. The text
//! events of the Realtime API have the same form:
//! <https://platform.openai.com/docs/api-reference/realtime-server-events>.

use super::any_key;
use super::openai_items::{self, Origin};
use super::{Dialect, Reading};
use crate::json::{Keys, Object, Str};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "OpenAI Responses",
    keys: Keys::of(&["type", "object"]),
    read,
};

const DELTA: Origin = Origin {
    text: "responses delta",
    reasoning: "responses reasoning delta",
};
const DONE: Origin = Origin {
    text: "responses done",
    reasoning: "responses reasoning done",
};
const PART: Origin = Origin {
    text: "responses part",
    reasoning: "responses reasoning part",
};
const ITEM: Origin = Origin {
    text: "responses item",
    reasoning: "responses reasoning item",
};
const RESPONSE: Origin = Origin {
    text: "responses response",
    reasoning: "responses reasoning response",
};

fn read(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if value.is("object", "response") && value.array("output").is_some() {
        whole_response(value, reading);
        return true;
    }
    let Some(name) = value.string("type") else {
        return false;
    };
    let name = name.decode();
    match name.strip_prefix("response.") {
        Some(name) => event(name, value, reading),
        // What the user said aloud, in the Realtime API.
        None if name.starts_with("conversation.item.input_audio_transcription.") => true,
        None => error(&name, value, reading) || item(&name, value, reading),
    }
}

/// Reads an `error` of the API's stream. Others have no `sequence_number`.
fn error(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let is_error = name == "error" && event.has("sequence_number");
    if is_error {
        reading.error();
    }
    is_error
}

/// Reads an item by itself, as agents keep them for the next request.
fn item(name: &str, item: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let is_item = openai_items::is_item(name, item);
    if is_item {
        openai_items::read(item, ITEM, reading);
    }
    is_item
}

fn event(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        "created" | "queued" | "in_progress" => return event.object("response").is_some(),
        "completed" | "incomplete" | "failed" | "done" | "cancelled" => {
            let Some(response) = event.object("response") else {
                return false;
            };
            over(name, &response, reading);
        }
        "output_item.added" => {
            if let Some(item) = event.object("item") {
                openai_items::begin(&item, event.number("output_index"), reading);
            }
        }
        "output_item.done" => {
            if let Some(item) = event.object("item") {
                openai_items::read(&item, ITEM, reading);
            }
        }
        "content_part.done" | "reasoning_summary_part.done" => {
            if let Some(part) = event.object("part") {
                let mut reading = reading.spoken_by(event.string("item_id"));
                openai_items::part(&part, PART, &mut reading);
            }
        }
        "content_part.added"
        | "output_text.annotation.added"
        | "reasoning_summary_part.added"
        | "function_call_arguments.done"
        | "mcp_call_arguments.done"
        | "custom_tool_call_input.delta"
        | "custom_tool_call_input.done" => {}
        "function_call_arguments.delta" | "mcp_call_arguments.delta" => {
            let index = event.number("output_index");
            if let Some(delta) = event.string("delta").filter(|_| index.is_some()) {
                let piece = Input::Piece(delta.decode().into_owned());
                reading.call(None, index, None, piece);
            }
        }
        _ => return words(name, event, reading) || is_of_the_api(name, event),
    }
    true
}

/// Reads an event with a piece of text or of reasoning, or with all of it.
fn words(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some((of, stage)) = name.rsplit_once('.') else {
        return false;
    };
    let text = match stage {
        "delta" => event.string("delta"),
        "done" => any_key::string(event, &["text", "refusal", "transcript"]),
        _ => return false,
    };
    let origin = if stage == "delta" { DELTA } else { DONE };
    let mut reading = reading.spoken_by(event.string("item_id"));
    match (of, text) {
        // What is heard has its words in a transcript.
        (
            "output_text"
            | "refusal"
            | "text"
            | "audio.transcript"
            | "audio_transcript"
            | "output_audio_transcript",
            Some(text),
        ) => reading.text(origin.text, text),
        // In older versions they are `reasoning` and `reasoning_summary`.
        (
            "reasoning_text" | "reasoning_summary_text" | "reasoning" | "reasoning_summary",
            Some(text),
        ) => reasoning(of, origin, text, &mut reading),
        _ => return false,
    }
    true
}

fn reasoning(of: &str, origin: Origin, text: Str<'_>, reading: &mut Reading<'_>) {
    // A summary may come beside the reasoning itself. It is another text, so it has another form.
    let is_summary = of.contains("summary");
    let step = if is_summary { "summary" } else { "reasoning" };
    reading.unwrapped(step).reasoning(origin.reasoning, text);
}

/// Whether an event that says nothing is the API's: of a hosted tool, or one of a type to come,
/// which has a `sequence_number` as all have.
fn is_of_the_api(name: &str, event: &Object<'_>) -> bool {
    let of = name.split('.').next().unwrap_or_default();
    let is_known = of.contains("_call")
        || of.starts_with("image_generation")
        || matches!(of, "mcp_list_tools" | "audio" | "output_audio");
    is_known || event.number("sequence_number").is_some()
}

/// Says that a response is over, and the reply with it, unless the model waits for a tool.
fn over(name: &str, response: &Object<'_>, reading: &mut Reading<'_>) {
    let status = response.string("status").unwrap_or(Str::plain(name));
    if name == "failed" || status.is_any(&["failed", "cancelled"]) {
        return reading.error();
    }
    openai_items::output(response, RESPONSE, reading);
    let goes_on = name != "incomplete" && openai_items::waits_for_tools(response);
    // Inside of another format's object, that format says when the reply ends.
    if goes_on || reading.is_inside() {
        reading.turn_end();
    } else {
        reading.end();
    }
}

/// Reads a response that came by itself. An agent sends one for each turn, so it ends a turn alone.
fn whole_response(response: &Object<'_>, reading: &mut Reading<'_>) {
    let status = response.string("status");
    if status.is_some_and(|status| status.is_any(&["failed", "cancelled"])) {
        return reading.error();
    }
    openai_items::output(response, RESPONSE, reading);
    reading.turn_end();
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

    #[test]
    fn a_response_streams_its_text() {
        let lines = said(&[
            r#"{"type":"response.created","response":{"object":"response","instructions":"SYSTEM","output":[],"error":null},"sequence_number":0}"#,
            r#"{"type":"response.output_item.added","item":{"id":"m","content":[],"role":"assistant","type":"message"},"output_index":0,"sequence_number":1}"#,
            r#"{"type":"response.content_part.added","part":{"type":"output_text","text":""},"item_id":"m"}"#,
            r#"{"type":"response.output_text.delta","delta":"Hi","item_id":"m","snapshot":"Hi"}"#,
            r#"{"type":"response.output_text.annotation.added","annotation":{"type":"url_citation","title":"x"}}"#,
            r#"{"type":"response.output_text.done","text":"Hi","item_id":"m"}"#,
            r#"{"type":"response.content_part.done","part":{"type":"output_text","text":"Hi","annotations":[]},"item_id":"m"}"#,
            r#"{"type":"response.output_item.done","item":{"id":"m","role":"assistant","type":"message","content":[{"type":"output_text","text":"Hi"}]}}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[{"id":"m","role":"assistant","type":"message","content":[{"type":"output_text","text":"Hi"}]}]}}"#,
        ]);
        assert_eq!(
            lines,
            ["text Hi"; 5]
                .into_iter()
                .chain(["end"])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_function_that_is_called_ends_the_turn_alone() {
        let call = r#"{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":"{\"a\":1}"}"#;
        let lines = said(&[
            r#"{"type":"response.output_item.added","item":{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":""},"output_index":1}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":"{\"a\":1}","item_id":"fc","output_index":1}"#,
            r#"{"type":"response.function_call_arguments.done","arguments":"{\"a\":1}","item_id":"fc","output_index":1,"name":"f"}"#,
            &format!(r#"{{"type":"response.output_item.done","item":{call},"output_index":1}}"#),
            &format!(r#"{{"type":"response.completed","response":{{"output":[{call}]}}}}"#),
        ]);
        let custom = r#"{"object":"response","output":[{"type":"custom_tool_call","call_id":"u","name":"v","input":"free"}]}"#;
        assert_eq!(said(&[custom]), [r#"call u v whole "free""#, "turn end"]);
        let expected = [
            "call c f begun",
            r#"call - - piece {"a":1}"#,
            r#"call c f whole {"a":1}"#,
            r#"call c f whole {"a":1}"#,
            "turn end",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn an_outputs_message_needs_no_role() {
        let lines = said(&[
            r#"{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}]}}"#,
            r#"{"type":"response.output_item.done","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"PROMPT"}]}}"#,
        ]);
        assert_eq!(lines, ["text Hi", "end"]);
    }

    #[test]
    fn reasoning_is_none_of_the_text() {
        let lines = said(&[
            r#"{"type":"response.reasoning_text.delta","delta":"hm","item_id":"r","output_index":0,"content_index":0,"sequence_number":4}"#,
            r#"{"type":"response.reasoning_summary_text.done","text":"so","item_id":"r"}"#,
            r#"{"type":"response.reasoning_summary_part.done","part":{"type":"summary_text","text":"so"}}"#,
            r#"{"type":"response.output_item.done","item":{"id":"r","type":"reasoning","summary":[{"type":"summary_text","text":"so"}],"content":[{"type":"reasoning_text","text":"hm"}]}}"#,
        ]);
        let expected = ["hm", "so", "so", "so", "hm"].map(|text| format!("reasoning {text}"));
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_refusal_a_failure_or_a_limit_ends_the_response() {
        let lines = said(&[
            r#"{"type":"response.refusal.delta","delta":"I can","item_id":"m"}"#,
            r#"{"type":"response.refusal.done","refusal":"I cannot.","item_id":"m"}"#,
            r#"{"type":"response.incomplete","response":{"status":"incomplete","output":[]}}"#,
        ]);
        assert_eq!(lines, ["text I can", "text I cannot.", "end"]);
        for failure in [
            r#"{"type":"response.failed","response":{"status":"failed","error":{"message":"SECRET"},"output":[]}}"#,
            r#"{"type":"error","code":"x","message":"SECRET","param":null,"sequence_number":3}"#,
            r#"{"object":"response","status":"failed","output":[]}"#,
        ] {
            assert_eq!(said(&[failure]), ["error"], "{failure}");
        }
    }

    #[test]
    fn what_runs_on_the_server_is_a_step_and_no_reason_to_wait() {
        let lines = said(&[
            r#"{"type":"response.web_search_call.searching","item_id":"w","output_index":0,"sequence_number":1}"#,
            r#"{"type":"response.code_interpreter_call_code.delta","delta":"print","item_id":"w"}"#,
            r#"{"type":"response.mcp_call.failed","item_id":"w"}"#,
            r#"{"type":"response.output_audio.delta","delta":"QUJD"}"#,
            r#"{"type":"response.audio.delta","delta":"QUJD"}"#,
            r#"{"type":"response.apply_patch_call_operation_diff.delta","delta":"+a"}"#,
            r#"{"type":"response.shell_call_command.delta","delta":"ls"}"#,
            r#"{"type":"conversation.item.input_audio_transcription.delta","item_id":"u","delta":"PROMPT"}"#,
            r#"{"type":"response.completed","response":{"output":[
                {"type":"web_search_call","id":"w","action":{"type":"search","query":"q"},"status":"completed"},
                {"type":"mcp_call","id":"p","name":"n","arguments":"{}","output":"OUT","error":null},
                {"type":"mcp_list_tools","id":"l","tools":[{"name":"n"}]},
                {"type":"shell_call","id":"s","call_id":"u","action":{"commands":["ls"]}},
                {"type":"shell_call_output","id":"o","call_id":"u","output":"x"},
                {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}]}}"#,
        ]);
        let expected = [
            r#"call w web_search whole {"type":"search","query":"q"}"#,
            "call p n whole {}",
            "result p OUT",
            r#"call u shell whole {"commands":["ls"]}"#,
            "result u x",
            "text Hi",
            "end",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_command_that_failed_or_took_too_long_is_a_tool_that_failed() {
        let item = |outcome: &str| {
            let event = format!(
                r#"{{"type":"response.output_item.done","item":{{"type":"shell_call_output","id":"o","call_id":"u","status":"completed","output":[
                    {{"stdout":"out","stderr":"","outcome":{outcome}}}]}},"output_index":1}}"#
            );
            said(&[&event]).concat()
        };
        assert!(!item(r#"{"type":"exit","exit_code":0}"#).ends_with("failed"));
        assert!(item(r#"{"type":"exit","exit_code":2}"#).ends_with("failed"));
        assert!(item(r#"{"type":"exit","exitCode":2}"#).ends_with("failed"));
        assert!(item(r#"{"type":"timeout"}"#).ends_with("failed"));
    }

    #[test]
    fn a_response_by_itself_ends_a_turn() {
        let lines = said(&[
            r#"{"id":"r","object":"response","status":"completed","instructions":"SYSTEM","error":null,"output":[
                {"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"No."}]}]}"#,
            r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}"#,
            r#"{"id":"m","type":"message","role":"user","content":[{"type":"input_text","text":"PROMPT"}]}"#,
        ]);
        assert_eq!(lines, ["text No.", "turn end", "text Hi"]);
        let items = said(&[r#"[{"role":"user","content":"PROMPT"},
            {"id":"r","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
            {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
            {"type":"function_call_output","call_id":"c","output":"sun"},
            {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}]"#]);
        let expected = [
            "reasoning hm",
            "call c f whole {}",
            "result c sun",
            "text Hi",
        ];
        assert_eq!(items, expected);
        let refusal = r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"refusal","refusal":"No."}]}"#;
        assert_eq!(said(&[refusal]), ["text No."]);
        let click = r#"{"type":"computer_call","id":"x","call_id":"c","action":{"type":"click"},"status":"completed"}"#;
        assert_eq!(
            said(&[click]),
            [r#"call c computer whole {"type":"click"}"#]
        );
    }

    #[test]
    fn what_others_would_say_alike_is_of_the_api_all_the_same() {
        reads(
            &DIALECT,
            &[
                r#"{"type":"error","code":"x","message":"SECRET","param":null,"sequence_number":3}"#,
                r#"{"type":"function_call_output","call_id":"c","output":"sun"}"#,
            ],
        );
    }

    #[test]
    fn what_is_not_of_the_api_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"response.completed","text":"x"}"#,
                r#"{"type":"response.chunk","text":"x"}"#,
                r#"{"type":"response","text":"x"}"#,
                r#"{"type":"error","message":"x"}"#,
                r#"{"type":"message","role":"assistant","content":"x"}"#,
                r#"{"type":"tool_call","call_id":"c","tool":"f","args":{}}"#,
                r#"{"type":"function_call","name":"f","arguments":{}}"#,
            ],
        );
    }
}
