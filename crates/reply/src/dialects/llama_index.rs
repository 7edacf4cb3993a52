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
mod tests;
