//! OpenAI's Agents SDKs: <https://openai.github.io/openai-agents-python/streaming/>, whose events
//! are `src/agents/stream_events.py`, whose items are `src/agents/items.py` and whose result is
//! `src/agents/result.py` in <https://github.com/openai/openai-agents-python>; and
//! <https://openai.github.io/openai-agents-js/guides/streaming/>, `packages/agents-core/src/events.ts`
//! and `types/protocol.ts` in <https://github.com/openai/openai-agents-js>.

use super::any_key;
use super::openai_items::{self, Origin};
use super::{Dialect, Reading};
use crate::json::{Keys, Object, Str, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "OpenAI Agents",
    keys: Keys::of(&["type", "new_items", "originalInput"]),
    read,
};

const ITEM: Origin = Origin {
    text: "agents item",
    reasoning: "agents reasoning item",
};
const RESPONSE: Origin = Origin {
    text: "agents response",
    reasoning: "agents reasoning response",
};

fn read(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = value.string("type") else {
        return result(value, reading) || state(value, reading);
    };
    match &*name.decode() {
        "raw_response_event" | "raw_model_stream_event" if value.has("data") => {
            if let Some(data) = value.object("data") {
                reading.unwrapped("raw").object(&data);
            }
        }
        "run_item_stream_event" if value.has("item") => {
            if let Some(item) = value.object("item") {
                run_item(&item, reading);
            }
        }
        "agent_updated_stream_event" => {}
        // Events of JavaScript's models, which come in `data` or by themselves.
        "output_text_delta" => return output_text_delta(value, reading),
        "model" => return model(value, reading),
        "response_started" => return value.has("providerData"),
        "response_done" => return response_done(value, reading),
        _ => return run_item(value, reading),
    }
    true
}

fn output_text_delta(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let delta = event.string("delta");
    if let Some(delta) = delta {
        let mut reading = reading.spoken_by(event.string("itemId"));
        reading.text("agents delta", delta);
    }
    delta.is_some()
}

/// Reads an event as the model's provider gave it. An end in it is that of one request:
/// `response_done` says that a response is over.
fn model(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(inner) = event.object("event") else {
        return false;
    };
    let is_the_sdks = event.has("providerData");
    let failed = inner.is("type", "response.failed");
    if is_the_sdks && failed {
        reading.error();
    }
    reading.inside("model").object(&inner) || is_the_sdks
}

fn response_done(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(response) = event.object("response") else {
        return false;
    };
    openai_items::output(&response, RESPONSE, reading);
    if openai_items::waits_for_tools(&response) || reading.is_inside() {
        reading.turn_end();
    } else {
        reading.end();
    }
    true
}

/// Reads an item of a run: what the model gave, or what a tool did.
fn run_item(item: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(kind) = item.string("type").filter(|kind| kind.ends_with("_item")) else {
        return false;
    };
    if !item.has("raw_item") && !item.has("rawItem") {
        return false;
    }
    // The agent's input, and calls that wait to be allowed, are none of its words.
    let is_the_agents = !kind.is_any(&["input_item", "tool_approval_item"]);
    if let Some(raw) = any_key::object(item, &["raw_item", "rawItem"]).filter(|_| is_the_agents) {
        openai_items::read(&raw, ITEM, reading);
    }
    true
}

/// Reads the result of a run, with its items and its last words.
fn result(result: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(items) = result.array("new_items") else {
        return false;
    };
    let Some(output) = result.get("final_output") else {
        return false;
    };
    let mark = reading.mark();
    for item in items.filter_map(Value::as_object) {
        run_item(&item, reading);
    }
    final_output(output, mark, reading);
    true
}

/// Reads the state of a run, as which JavaScript writes a result.
fn state(state: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let is_state = state.has("$schemaVersion") && state.has("originalInput");
    if !is_state {
        return false;
    }
    let mark = reading.mark();
    for item in state.array("generatedItems").into_iter().flatten() {
        if let Some(item) = item.as_object() {
            run_item(&item, reading);
        }
    }
    let step = state.object("currentStep");
    let step = step.filter(|step| step.is("type", "next_step_final_output"));
    if let Some(output) = step.and_then(|step| step.get("output")) {
        final_output(output, mark, reading);
    }
    true
}

/// Says what a run gave. What is no text was made of a message's words, and says nothing new where
/// there was one.
fn final_output(output: Value<'_>, mark: crate::said::Mark, reading: &mut Reading<'_>) {
    let is_structured = output.as_object().is_some() || output.as_array().is_some();
    if let Some(text) = output.as_str() {
        reading.text("agents output", text);
    } else if is_structured && !reading.has_text_since(mark) {
        reading.text("agents output", Str::plain(output.raw()));
    }
    reading.turn_end();
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

    #[test]
    fn raw_events_are_read_as_the_model_gave_them() {
        let lines = said(&[
            r#"{"type":"agent_updated_stream_event","new_agent":{"name":"A","instructions":"SYSTEM"}}"#,
            r#"{"type":"raw_response_event","data":{"type":"response.output_text.delta","delta":"Hi","item_id":"m"}}"#,
            r#"{"type":"raw_response_event","data":"ResponseTextDeltaEvent(delta='Hi')"}"#,
            r#"{"type":"raw_response_event","data":{"type":"response.completed","response":{"output":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}}}"#,
            r#"{"type":"raw_response_event","data":{"type":"response.completed","response":{"output":[]}}}"#,
        ]);
        assert_eq!(lines, ["text Hi", "call c f whole {}", "turn end", "end"]);
    }

    #[test]
    fn items_are_words_and_steps() {
        let lines = said(&[
            r#"{"type":"run_item_stream_event","name":"reasoning_item_created","item":{"type":"reasoning_item","raw_item":{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}}}"#,
            r#"{"type":"run_item_stream_event","name":"tool_called","item":{"type":"tool_call_item","raw_item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}}"#,
            r#"{"type":"run_item_stream_event","name":"tool_output","item":{"type":"tool_call_output_item","raw_item":{"type":"function_call_output","call_id":"c","output":"sun"},"output":"sun"}}"#,
            r#"{"type":"run_item_stream_event","name":"message_output_created","item":{"agent":"A","type":"message_output_item","raw_item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}}}"#,
            r#"{"type":"run_item_stream_event","name":"tool_called","item":"<object>"}"#,
        ]);
        let expected = [
            "reasoning hm",
            "call c f whole {}",
            "result c sun",
            "text Hi",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn javascript_has_names_of_its_own() {
        let lines = said(&[
            r#"{"type":"raw_model_stream_event","data":{"type":"response_started","providerData":{}}}"#,
            r#"{"type":"raw_model_stream_event","data":{"type":"output_text_delta","delta":"Hi","itemId":"m"}}"#,
            r#"{"type":"model","event":{"type":"response.output_text.delta","delta":"Hi","item_id":"m"},"providerData":{}}"#,
            r#"{"type":"model","event":{"type":"finish","finishReason":{"unified":"stop"}},"providerData":{}}"#,
            r#"{"type":"run_item_stream_event","name":"tool_output","item":{"type":"tool_call_output_item","rawItem":{"type":"function_call_result","name":"f","callId":"c","status":"completed","output":{"type":"text","text":"sun"}}}}"#,
            r#"{"type":"response_done","response":{"id":"r","output":[{"type":"reasoning","content":[{"type":"input_text","text":"so"}],"rawContent":[{"type":"reasoning_text","text":"hm"}]},
                {"type":"function_call","callId":"d","name":"f","arguments":"{}"}]}}"#,
            r#"{"type":"response_done","response":{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}]}}"#,
        ]);
        let expected = [
            "text Hi",
            "text Hi",
            "turn end",
            r#"result c {"type":"text","text":"sun"}"#,
            "reasoning so",
            "reasoning hm",
            "call d f whole {}",
            "turn end",
            "text Hi",
            "end",
        ];
        assert_eq!(lines, expected);
        let failed = r#"{"type":"model","event":{"type":"response.failed","response":{"status":"failed"}},"providerData":{}}"#;
        assert_eq!(said(&[failed]), ["error"]);
    }

    #[test]
    fn a_result_has_its_items_and_its_last_words() {
        let lines = said(&[
            r#"{"input":"PROMPT","new_items":[{"type":"message_output_item","raw_item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}}],"raw_responses":[],"final_output":"Hi"}"#,
            r#"{"input":"PROMPT","new_items":[],"final_output":{"a":1}}"#,
            r#"{"$schemaVersion":"1.0","originalInput":"PROMPT","generatedItems":[{"type":"message_output_item","rawItem":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"},{"type":"image","image":"u"},{}]},"agent":{"name":"A"}},{}],"currentStep":{"type":"next_step_final_output","output":"Hi"}}"#,
        ]);
        let expected = [
            "text Hi",
            "text Hi",
            "turn end",
            r#"text {"a":1}"#,
            "turn end",
            "text Hi",
            "text Hi",
            "turn end",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_others_would_say_alike_is_of_the_sdks_all_the_same() {
        let delta = r#"{"type":"output_text_delta","delta":"Hi","itemId":"m"}"#;
        reads(&DIALECT, &[delta]);
    }

    #[test]
    fn what_is_not_of_the_sdks_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"model","event":"x"}"#,
                r#"{"type":"message_output","text":"x"}"#,
                r#"{"type":"list_item","text":"x"}"#,
                r#"{"type":"run_item_stream_event","text":"x"}"#,
                r#"{"originalInput":"x","text":"x"}"#,
                r#"{"type":"output_text_delta","text":"x"}"#,
                r#"{"final_output":"x"}"#,
                r#"{"new_items":["x"]}"#,
                r#"{"type":"response_done","text":"x"}"#,
            ],
        );
    }
}
