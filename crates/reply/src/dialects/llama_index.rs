//! `LlamaIndex`: the events of an agent's workflow, and its chat messages, as `model_dump` gives
//! them.
//!
//! <https://github.com/run-llama/llama_index/blob/main/llama-index-core/llama_index/core/agent/workflow/workflow_events.py>,
//! messages in `llama-index-core/llama_index/core/base/llms/types.py`, and the events of any
//! workflow: <https://github.com/run-llama/workflows-py>, `src/workflows/events.py`.
//!
//! An event says its class only where its sender adds it, as `{"type": "AgentStream", "data": …}`;
//! otherwise its fields tell. `AgentStream` has its calls while their input is still growing: they
//! are taken from the events that have them whole.

mod react;

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "LlamaIndex",
    keys: Keys::of(&[
        "type",
        "event",
        "qualified_name",
        "current_agent_name",
        "tool_kwargs",
        "block_type",
        "blocks",
        "result",
        "_data",
    ]),
    read,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// What goes to the model, and what a workflow begins with.
    Input,
    Stream,
    Output,
    ToolCall,
    ToolCallResult,
    Stop,
    /// The workflow asks its user.
    InputRequired,
    Failed,
    /// It is of interest to a user interface at most.
    Housekeeping,
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if object.has("block_type") {
        block(object, reading);
        return true;
    }
    if object.has("blocks") && object.has("additional_kwargs") {
        message(object, reading);
        return true;
    }
    if let Some((class, body)) = named(object, reading.outer_name()) {
        event(class, &body, reading);
        return true;
    }
    let Some(class) = class_of(object) else {
        return false;
    };
    event(class, object, reading);
    true
}

/// The class of an event by its name, and its fields, which are beside the name or inside.
fn named<'a>(object: &Object<'a>, outer_name: &str) -> Option<(Class, Object<'a>)> {
    let names = [
        object.string("type"),
        object.string("event"),
        object.string("qualified_name"),
        Some(Str::plain(outer_name)),
    ];
    let mut classes = names.into_iter().flatten().filter_map(class_named);
    let class = classes.next()?;
    let mut inside = ["data", "value", "payload"].into_iter();
    let body = inside.find_map(|key| object.object(key)).unwrap_or(*object);
    // Fields that the class does not declare are one deeper.
    let body = body.object("_data").unwrap_or(body);
    // Other formats have `ToolCall` and `ToolCallResult` too.
    let is_tools = matches!(class, Class::ToolCall | Class::ToolCallResult);
    (!is_tools || body.has("tool_kwargs")).then_some((class, body))
}

fn class_named(name: Str<'_>) -> Option<Class> {
    let name = name.decode();
    // A qualified name begins with the Python module. Of other modules' classes nothing is known.
    let name = match name.rsplit_once('.') {
        Some((module, name)) if module.contains("workflow") => name,
        Some(_) => return None,
        None => &name,
    };
    match name {
        "AgentInput"
        | "AgentSetup"
        | "AgentWorkflowStartEvent"
        | "StartEvent"
        | "HumanResponseEvent" => Some(Class::Input),
        "AgentStream" => Some(Class::Stream),
        "AgentOutput" => Some(Class::Output),
        "ToolCall" => Some(Class::ToolCall),
        "ToolCallResult" => Some(Class::ToolCallResult),
        "StopEvent" => Some(Class::Stop),
        "InputRequiredEvent" => Some(Class::InputRequired),
        "WorkflowFailedEvent" | "WorkflowTimedOutEvent" | "WorkflowCancelledEvent" => {
            Some(Class::Failed)
        }
        "AgentStreamStructuredOutput"
        | "StepFailedEvent"
        | "StepStateChanged"
        | "WorkflowIdleEvent"
        | "UnhandledEvent"
        | "IdleReleasedEvent"
        | "CollectionReleaseEvent" => Some(Class::Housekeeping),
        _ => None,
    }
}

/// The class of an event without a name, by its fields.
fn class_of(object: &Object<'_>) -> Option<Class> {
    if object.has("current_agent_name") {
        return match object.get("response").map(Value::kind) {
            _ if object.string("delta").is_some() => Some(Class::Stream),
            Some(Kind::Object) => Some(Class::Output),
            _ => object.array("input").map(|_| Class::Input),
        };
    }
    if object.has("tool_kwargs") && object.has("tool_name") {
        let has_answer = object.has("tool_output");
        return Some(if has_answer {
            Class::ToolCallResult
        } else {
            Class::ToolCall
        });
    }
    if let Some(fields) = object.object("_data") {
        return fields.string("prefix").map(|_| Class::InputRequired);
    }
    let result = object.object("result")?;
    result.has("current_agent_name").then_some(Class::Stop)
}

fn event(class: Class, event: &Object<'_>, reading: &mut Reading<'_>) {
    match class {
        Class::Input | Class::Housekeeping => {}
        Class::Stream => stream(event, reading),
        Class::Output => output(event, &mut reading.inside("llama-index output")),
        Class::ToolCall => call(event, reading),
        Class::ToolCallResult => result(event, reading),
        Class::Stop => stop(event, reading),
        Class::InputRequired => {
            let fields = event.object("_data").unwrap_or(*event);
            if let Some(question) = fields.string("prefix") {
                reading.text("llama-index prefix", question);
            }
            reading.turn_end();
        }
        Class::Failed => reading.error(),
    }
}

fn stream(event: &Object<'_>, reading: &mut Reading<'_>) {
    let mut words = reading.spoken_by(event.string("current_agent_name"));
    if let Some(thought) = event.string("thinking_delta") {
        words.reasoning("llama-index thinking_delta", thought);
    }
    let Some(delta) = event.string("delta") else {
        return;
    };
    // `response` is all the deltas so far.
    let response = event.string("response");
    if !response.is_some_and(|response| react::piece(delta, response, &mut words)) {
        words.text("llama-index delta", delta);
    }
}

fn output(output: &Object<'_>, reading: &mut Reading<'_>) {
    let mut words = reading.spoken_by(output.string("current_agent_name"));
    if let Some(response) = output.object("response") {
        message(&response, &mut words);
    }
    let calls = output.array("tool_calls").into_iter().flatten();
    for made in calls.filter_map(Value::as_object) {
        call(&made, &mut words);
    }
}

fn stop(event: &Object<'_>, reading: &mut Reading<'_>) {
    let mut words = reading.inside("llama-index stop");
    if let Some(result) = event
        .object("result")
        .filter(|result| result.has("current_agent_name"))
    {
        output(&result, &mut words);
    } else if let Some(result) = event.get("result") {
        words.value(result);
    }
    reading.end();
}

fn call(call: &Object<'_>, reading: &mut Reading<'_>) {
    let id = call
        .string("tool_id")
        .or_else(|| call.string("tool_call_id"));
    let input = match tool_input::whole(call.get("tool_kwargs")) {
        // The call of a tool without arguments is whole too.
        Input::None => Input::Whole("{}".to_owned()),
        input => input,
    };
    reading.call(id, None, call.string("tool_name"), input);
}

fn result(result: &Object<'_>, reading: &mut Reading<'_>) {
    let output = result.get("tool_output");
    let inside = output.and_then(Value::as_object);
    let failed = inside.is_some_and(|output| output.is_true("is_error"));
    let raw = inside.and_then(|output| output.get("raw_output"));
    let said = raw.filter(|raw| !raw.is_null()).or(output);
    let (id, name) = (result.string("tool_id"), result.string("tool_name"));
    reading.result_of(id, name, said, failed);
}

/// A chat message: what the assistant says in it.
fn message(message: &Object<'_>, reading: &mut Reading<'_>) {
    let role = message.string("role").map(Str::decode);
    match role.as_deref() {
        Some("user" | "system" | "developer") => return,
        Some("tool" | "function") => {
            let ids = message.object("additional_kwargs");
            let id = ids.and_then(|ids| ids.string("tool_call_id"));
            let output = message.get("blocks").or_else(|| message.get("content"));
            return reading.result(id, output, false);
        }
        _ => {}
    }
    if let Some(content) = message.string("content") {
        reading.text("content", content);
    }
    let blocks = message.array("blocks").into_iter().flatten();
    for part in blocks.filter_map(Value::as_object) {
        block(&part, reading);
    }
}

fn block(part: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(kind) = part.string("block_type") else {
        return;
    };
    match &*kind.decode() {
        "text" => {
            let text = part.string("text");
            if let Some(text) = text.filter(|text| !react::whole(*text, reading)) {
                reading.text("text", text);
            }
        }
        "thinking" => {
            if let Some(thought) = part.string("content") {
                reading.reasoning("thinking", thought);
            }
        }
        "tool_call" => call(part, reading),
        // Among others `citable` and `citation`, which hold what is cited.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

    const INPUT: &str = r#"{"input":[{"role":"user","additional_kwargs":{},
        "blocks":[{"block_type":"text","text":"PROMPT"}]}],"current_agent_name":"Agent"}"#;

    #[test]
    fn events_say_what_they_are_by_their_fields() {
        let lines = said(&[
            INPUT,
            r#"{"delta":"","response":"","current_agent_name":"A","tool_calls":[],"thinking_delta":"hm"}"#,
            r#"{"delta":"It","response":"It","current_agent_name":"A","tool_calls":[],"thinking_delta":null}"#,
            r#"{"delta":"","response":"It","current_agent_name":"A","thinking_delta":null,
                "tool_calls":[{"tool_id":"c","tool_name":"f","tool_kwargs":{"a":1}}]}"#,
            r#"{"tool_name":"f","tool_kwargs":{"a":1},"tool_id":"c"}"#,
            r#"{"tool_name":"f","tool_kwargs":{"a":1},"tool_id":"c","tool_output":{"blocks":[],
                "tool_name":"f","raw_input":{},"raw_output":"42","is_error":false},"return_direct":false}"#,
            r#"{"response":{"role":"assistant","additional_kwargs":{},"blocks":[
                {"block_type":"thinking","content":"hm"},{"block_type":"text","text":"It"}]},
                "structured_response":null,"current_agent_name":"A","tool_calls":[],"retry_messages":[]}"#,
            r#"{"result":{"response":{"role":"assistant","additional_kwargs":{},
                "blocks":[{"block_type":"text","text":"It"}]},"current_agent_name":"A","tool_calls":[]}}"#,
        ]);
        assert_eq!(
            lines,
            [
                "reasoning hm",
                "text It",
                r#"call c f whole {"a":1}"#,
                "result c 42",
                "reasoning hm",
                "text It",
                "text It",
                "end",
            ]
        );
    }

    #[test]
    fn events_say_what_they_are_by_name() {
        let input = format!(r#"{{"type":"AgentInput","data":{INPUT}}}"#);
        let lines = said(&[
            &input,
            r#"{"type":"AgentStream","data":{"delta":"It","response":"It","current_agent_name":"A"}}"#,
            r#"{"__is_pydantic":true,"value":{"delta":"It","response":"It","current_agent_name":"A"},
                "qualified_name":"llama_index.core.agent.workflow.workflow_events.AgentStream"}"#,
            r#"{"type":"StepFailedEvent","data":{"step_name":"s","exception":{},"attempts":1}}"#,
            r#"{"event":"InputRequiredEvent","data":{"prefix":"Sure?"}}"#,
            r#"{"type":"StopEvent","data":{"result":"It"}}"#,
            r#"{"type":"WorkflowTimedOutEvent","data":{"timeout":1.0,"active_steps":[]}}"#,
        ]);
        assert_eq!(
            lines,
            [
                "text It",
                "text It",
                "text Sure?",
                "turn end",
                "text It",
                "end",
                "error"
            ]
        );
    }

    #[test]
    fn a_question_is_a_field_that_its_class_does_not_declare() {
        for event in [
            r#"{"_data":{"prefix":"Sure?"}}"#,
            r#"{"type":"InputRequiredEvent","data":{"_data":{"prefix":"Sure?"}}}"#,
            r#"{"value":{"_data":{"prefix":"Sure?","user_name":"A"}},"qualified_name":"workflows.events.InputRequiredEvent","type":"InputRequiredEvent","types":[]}"#,
        ] {
            assert_eq!(said(&[event]), ["text Sure?", "turn end"], "{event}");
        }
        assert_eq!(said(&[r#"{"_data":{"msg":"Step one"}}"#]), ["unread"]);
    }

    #[test]
    fn fields_that_are_not_there_say_nothing() {
        let lines = said(&[
            r#"{"type":"AgentStream","data":{"current_agent_name":"A","thinking_delta":"hm"}}"#,
            r#"{"tool_name":"f","tool_kwargs":"","tool_id":"c"}"#,
            // Before messages had blocks.
            r#"{"response":{"role":"assistant","content":"Hi","additional_kwargs":{}},"current_agent_name":"A","tool_calls":[]}"#,
        ]);
        assert_eq!(lines, ["reasoning hm", "call c f whole {}", "text Hi"]);
    }

    #[test]
    fn blocks_come_by_themselves_too() {
        let lines = said(&[
            r#"{"block_type":"text","text":"Hi"}"#,
            r#"{"block_type":"thinking","content":"hm","num_tokens":null,"additional_information":{}}"#,
            r#"{"block_type":"citable","title":"T","source":"S","content":[{"block_type":"text","text":"CITED"}]}"#,
            r#"{"block_type":"citation","cited_content":{"block_type":"text","text":"CITED"},"source":"S","title":"T","additional_location_info":{}}"#,
            r#"{"block_type":7}"#,
        ]);
        assert_eq!(lines, ["text Hi", "reasoning hm"]);
    }

    #[test]
    fn messages_are_the_assistants() {
        let lines = said(&[
            r#"{"role":"system","additional_kwargs":{},"blocks":[{"block_type":"text","text":"S"}]}"#,
            r#"{"role":"tool","additional_kwargs":{"tool_call_id":"c"},"blocks":[]}"#,
            r#"{"message":{"role":"assistant","additional_kwargs":{},"blocks":[
                {"block_type":"text","text":"A"},
                {"block_type":"tool_call","tool_call_id":"c","tool_name":"f","tool_kwargs":"{}"},
                {"block_type":"image","image":null},7]},"raw":null,"delta":null}"#,
        ]);
        assert_eq!(lines, ["result c []", "text A", "call c f whole {}"]);
    }

    #[test]
    fn objects_of_other_formats_are_left_to_others() {
        let lines = said(&[
            r#"{"result":{"text":"A"}}"#,
            r#"{"delta":"B","response":"AB"}"#,
            r#"{"type":"ToolCall","name":"f"}"#,
        ]);
        assert_eq!(lines, ["text A", "text B", "call - f begun"]);
    }

    #[test]
    fn what_a_person_answers_is_no_text() {
        let answer = r#"{"type":"HumanResponseEvent","data":{"response":"PROMPT"}}"#;
        assert!(said(&[answer]).is_empty());
    }

    #[test]
    fn a_call_may_be_inside_of_its_name() {
        let call =
            r#"{"type":"ToolCall","data":{"tool_name":"f","tool_kwargs":{"a":1},"tool_id":"c"}}"#;
        reads(&DIALECT, &[call]);
        assert_eq!(said(&[call]), [r#"call c f whole {"a":1}"#]);
    }

    #[test]
    fn messages_have_blocks_and_what_goes_with_them() {
        leaves(
            &DIALECT,
            &[
                r#"{"blocks":[{"text":"x"}]}"#,
                r#"{"type":"x","additional_kwargs":{},"text":"x"}"#,
            ],
        );
    }
}
