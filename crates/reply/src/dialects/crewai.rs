//! `CrewAI`: outputs of crews, tasks and agents, the chunks and frames of a stream, and events.
//!
//! <https://github.com/crewAIInc/crewAI/blob/main/lib/crewai/src/crewai/types/streaming.py>; outputs
//! are in `crews/crew_output.py`, `tasks/task_output.py` and `lite_agent_output.py` beside it,
//! events in `events/types/`.
//!
//! A crew's tasks hand their outputs on: the crew's own output is the answer, and is the last
//! task's. What the model says is told as it streams.

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Object, Str, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "CrewAI",
    keys: Keys::of(&[
        "raw",
        "chunk_type",
        "channel",
        "emission_sequence",
        "event_id",
        "call_type",
        "tool_call",
    ]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if is_output(object) {
        output(object, &mut reading.inside("crewai output"));
        return true;
    }
    if object.string("chunk_type").is_some() {
        chunk(object, reading);
        return true;
    }
    let Some(kind) = object.string("type") else {
        return false;
    };
    if object.string("channel").is_some() && object.has("namespace") {
        if let Some(data) = object.object("data") {
            event(kind, &data, reading);
        }
        return true;
    }
    let is_event =
        object.has("event_id") && (object.has("emission_sequence") || object.has("timestamp"));
    // Users send a few of its fields. Beside a piece of a call's input stands what it is.
    let is_piece = kind.is("llm_stream_chunk") && object.string("chunk").is_some();
    if is_event || (is_piece && (object.has("call_type") || object.has("tool_call"))) {
        event(kind, object, reading);
        return true;
    }
    false
}

/// Whether an object is a `CrewOutput`, `TaskOutput` or `LiteAgentOutput`.
fn is_output(object: &Object<'_>) -> bool {
    object.string("raw").is_some()
        && (object.has("tasks_output")
            || object.has("expected_output")
            || (object.has("agent_role") && object.has("messages")))
}

fn output(output: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(raw) = output.string("raw").filter(|raw| !raw.is_empty()) {
        return reading.text("raw", raw);
    }
    let typed = ["pydantic", "json_dict"].iter();
    let mut typed = typed.filter_map(|key| output.get(key));
    if let Some(typed) = typed.find(|typed| !typed.is_nothing()) {
        reading.text("typed", Str::plain(typed.raw()));
    }
}

fn chunk(chunk: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(call) = chunk.object("tool_call") {
        let name = call.string("tool_name");
        let input = tool_input::piece(call.get("arguments"));
        return reading.call(call.string("tool_id"), call.number("index"), name, input);
    }
    if let Some(text) = chunk
        .string("content")
        .filter(|_| chunk.is("chunk_type", "text"))
    {
        reading
            .spoken_by(chunk.string("task_id"))
            .text("crewai chunk", text);
    }
}

/// Reads an event by its name. What begins, and what fails inside of a crew, says nothing.
fn event(kind: Str<'_>, event: &Object<'_>, reading: &mut Reading<'_>) {
    match &*kind.decode() {
        "llm_stream_chunk" => stream_chunk(event, reading),
        "llm_thinking_chunk" => {
            if let Some(thought) = event.string("chunk") {
                reading.reasoning("crewai thinking", thought);
            }
        }
        "tool_usage_started" => {
            let input = tool_input::whole(event.get("tool_args"));
            reading.call(None, None, event.string("tool_name"), input);
        }
        "tool_usage_finished" => {
            let failed = event
                .get("failure")
                .is_some_and(|failure| !failure.is_nothing());
            reading.result_of(None, event.string("tool_name"), event.get("output"), failed);
        }
        "tool_usage_error" => {
            reading.result_of(None, event.string("tool_name"), event.get("error"), true);
        }
        "llm_call_completed" | "task_completed" => reading.turn_end(),
        // A flow that is a conversation is finished with its session alone.
        "conversation_turn_completed" => reading.end(),
        "crew_kickoff_completed" | "lite_agent_execution_completed" => {
            outcome(event.get("output"), reading);
        }
        "flow_finished" => {
            outcome(event.get("result"), reading);
            reading.end();
        }
        "conversation_message_added" => {
            let content = event.get("content");
            if let Some(content) = content.filter(|_| event.is("role", "assistant")) {
                reading.inside("crewai message").value(content);
            }
        }
        "crew_kickoff_failed"
        | "flow_failed"
        | "lite_agent_execution_error"
        | "conversation_turn_failed" => reading.error(),
        _ => {}
    }
}

fn stream_chunk(event: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(call) = event.object("tool_call") {
        let function = call.object("function");
        let name = function.and_then(|function| function.string("name"));
        let input = tool_input::piece(function.and_then(|function| function.get("arguments")));
        return reading.call(call.string("id"), call.number("index"), name, input);
    }
    if let Some(text) = event
        .string("chunk")
        .filter(|_| !event.is("call_type", "tool_call"))
    {
        reading
            .spoken_by(event.string("task_id"))
            .text("crewai stream", text);
    }
}

/// Says what a crew or a flow comes to: an output, or a text.
fn outcome(value: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let mut inside = reading.inside("crewai outcome");
    match value.and_then(Value::as_object) {
        Some(object) if is_output(&object) => output(&object, &mut inside),
        _ => {
            if let Some(text) = value.and_then(Value::as_str) {
                inside.text("text", text);
            }
        }
    }
    reading.turn_end();
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    #[test]
    fn an_output_is_the_answer_and_no_prompt() {
        let lines = said(&[
            r#"{"raw":"It","pydantic":null,"json_dict":null,"tasks_output":[{"description":"PROMPT","raw":"It",
                "messages":[{"role":"user","content":"PROMPT"}]}],"token_usage":{}}"#,
            r#"{"description":"PROMPT","expected_output":"x","raw":"A","agent":"W"}"#,
            r#"{"raw":"B","pydantic":null,"agent_role":"W","usage_metrics":null,"messages":[{"role":"user","content":"PROMPT"}]}"#,
            r#"{"raw":"","pydantic":{"n":1},"json_dict":null,"tasks_output":[]}"#,
            r#"{"raw":"C"}"#,
        ]);
        assert_eq!(
            lines,
            ["text It", "text A", "text B", r#"text {"n":1}"#, "text C"]
        );
    }

    #[test]
    fn streams_say_their_chunks() {
        let lines = said(&[
            r#"{"content":"It","chunk_type":"text","task_index":0,"task_name":"t","task_id":"1","agent_role":"W","tool_call":null}"#,
            r#"{"content":"","chunk_type":"tool_call","tool_call":{"tool_id":"c","tool_name":"f","arguments":"{\"a\":1}","index":0}}"#,
            r#"{"id":"1","seq":1,"type":"llm_stream_chunk","channel":"llm","namespace":[],"timestamp":"t","data":{"chunk":"It","tool_call":null}}"#,
            r#"{"id":"2","seq":2,"type":"task_started","channel":"lifecycle","namespace":[],"timestamp":"t","data":{"context":"PROMPT"}}"#,
        ]);
        assert_eq!(lines, ["text It", r#"call c f piece {"a":1}"#, "text It"]);
    }

    #[test]
    fn a_piece_of_a_calls_input_is_no_text_where_fields_are_left_out() {
        let lines = said(&[
            r#"{"type":"llm_stream_chunk","chunk":"{\"a\"","call_type":"tool_call","tool_call":{"id":"c","function":{"name":"f","arguments":"{\"a\""},"index":0}}"#,
            r#"{"type":"llm_stream_chunk","chunk":":1}","tool_call":{"id":"c","function":{"name":"f","arguments":":1}"},"index":0}}"#,
            r#"{"type":"llm_stream_chunk","chunk":"{}","call_type":"tool_call","tool_call":null}"#,
            r#"{"type":"llm_stream_chunk","chunk":"It","call_type":"llm_call","tool_call":null}"#,
        ]);
        assert_eq!(
            lines,
            [r#"call c f piece {"a""#, "call c f piece :1}", "text It"]
        );
    }

    #[test]
    fn a_turn_of_a_conversation_is_a_reply() {
        let frame = |channel: &str, kind: &str, data: &str| {
            format!(
                r#"{{"id":"1","seq":1,"type":"{kind}","channel":"{channel}","namespace":["flow"],"timestamp":"t","parent_id":null,"previous_id":null,"data":{{{data}}}}}"#
            )
        };
        let message = |role: &str, content: &str| {
            let data = format!(
                r#""flow_name":"F","session_id":"s","role":"{role}","content":{content},"message_index":1"#
            );
            frame("messages", "conversation_message_added", &data)
        };
        let turn = |state: &str| {
            frame(
                "flow",
                &format!("conversation_turn_{state}"),
                r#""flow_name":"F","session_id":"s","error":"no""#,
            )
        };
        let frames = [
            turn("started"),
            message("user", r#""PROMPT""#),
            message("assistant", r#""Hi""#),
            message("assistant", r#"[{"type":"text","text":"!"}]"#),
            turn("completed"),
        ];
        let lines = said(&frames.each_ref().map(String::as_str));
        assert_eq!(lines, ["text Hi", "text !", "end"]);
        assert_eq!(said(&[&turn("failed")]), ["error"]);
    }

    #[test]
    fn events_say_what_happened() {
        let event = |fields: &str| {
            format!(r#"{{"timestamp":"t","event_id":"e","emission_sequence":1,{fields}}}"#)
        };
        let events = [
            event(r#""type":"llm_call_started","messages":[{"role":"user","content":"PROMPT"}]"#),
            event(r#""type":"llm_stream_chunk","chunk":"It","tool_call":null"#),
            event(r#""type":"llm_thinking_chunk","chunk":"hm""#),
            event(r#""type":"tool_usage_started","tool_name":"f","tool_args":{"a":1}"#),
            event(r#""type":"tool_usage_finished","tool_name":"f","tool_args":{},"output":"42""#),
            event(r#""type":"tool_usage_started","tool_name":"g","tool_args":"{}""#),
            event(
                r#""type":"tool_usage_error","tool_name":"g","tool_args":"{}","run_attempts":1,"error":"no""#,
            ),
            event(
                r#""type":"tool_usage_finished","tool_name":"g","tool_args":{},"output":"none","failure":{"message":"no"}"#,
            ),
            event(r#""type":"agent_execution_error","error":"no""#),
            event(r#""type":"llm_call_completed","response":"It","call_type":"llm_call""#),
            event(r#""type":"crew_kickoff_completed","output":{"raw":"It","tasks_output":[]}"#),
            event(r#""type":"flow_finished","result":"It","state":{}"#),
            event(r#""type":"crew_kickoff_failed","error":"no""#),
        ];
        let lines = said(&events.each_ref().map(String::as_str));
        assert_eq!(
            lines,
            [
                "text It",
                "reasoning hm",
                r#"call - f whole {"a":1}"#,
                "result - 42",
                "call - g whole {}",
                "result - no failed",
                "result - none failed",
                "turn end",
                "text It",
                "turn end",
                "text It",
                "turn end",
                "end",
                "error",
            ]
        );
    }

    #[test]
    fn an_outputs_object_is_the_answer_where_there_is_no_text() {
        for output in [
            r#"{"description":"PROMPT","expected_output":"x","raw":"","pydantic":{"n":1},"agent":"W"}"#,
            r#"{"raw":"","pydantic":{"n":1},"agent_role":"W","usage_metrics":null,"messages":[]}"#,
        ] {
            assert_eq!(said(&[output]), [r#"text {"n":1}"#], "{output}");
        }
    }

    #[test]
    fn what_has_fewer_fields_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"x","channel":"c","text":"x"}"#,
                r#"{"type":"x","event_id":"e","text":"x"}"#,
                r#"{"type":"x","chunk":"x","call_type":"c"}"#,
            ],
        );
    }
}
