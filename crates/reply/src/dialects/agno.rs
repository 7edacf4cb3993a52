//! Agno: the events of an agent's, a team's or a workflow's run, and its output whole.
//!
//! <https://github.com/agno-agi/agno/blob/main/libs/agno/agno/run/agent.py>, `team.py` and
//! `workflow.py` beside it; a tool's execution is in `libs/agno/agno/models/response.py`. A team's
//! events are named as an agent's with `Team` before it. Agno 1 and phidata had
//! `RunResponse` and `RunResponseContent`.
//!
//! A team's members answer their leader, as tools do: their runs have a `parent_run_id`, and
//! outside of a workflow their words are not the team's. The output of a workflow's steps is said
//! by its agents while they run and, of the last step, by `WorkflowCompleted`.

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Agno",
    keys: Keys::of(&["event", "content_type", "run_id"]),
    read,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Content,
    /// The words of one model of which another model makes the answer.
    Intermediate,
    Completed,
    Failed,
    Paused,
    ToolCall,
    ToolResult,
    ToolFailed,
    Reasoning,
    Housekeeping,
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(event) = event_of(object) {
        read_event(event, &body(object), reading);
        return true;
    }
    if is_output(object) {
        output(object, reading);
        return true;
    }
    false
}

/// The fields of an event, which are beside its name or in `data`.
fn body<'a>(object: &Object<'a>) -> Object<'a> {
    let is_wrapper = !object.has("content") && !object.has("run_id");
    let inside = object.object("data").filter(|_| is_wrapper);
    inside.unwrap_or(*object)
}

fn event_of(object: &Object<'_>) -> Option<Event> {
    let name = object.string("event")?.decode();
    let name = name.strip_prefix("Team").unwrap_or(&name);
    let event = match name {
        "RunContent" | "RunResponse" | "RunResponseContent" => Event::Content,
        "RunIntermediateContent" => Event::Intermediate,
        "RunCompleted" | "WorkflowCompleted" | "WorkflowAgentCompleted" => Event::Completed,
        "RunError" | "RunCancelled" | "WorkflowError" | "WorkflowCancelled" => Event::Failed,
        "RunPaused" | "WorkflowPaused" => Event::Paused,
        "ToolCallStarted" => Event::ToolCall,
        "ToolCallCompleted" => Event::ToolResult,
        "ToolCallError" => Event::ToolFailed,
        "ReasoningStep" | "ReasoningContentDelta" => Event::Reasoning,
        "RunStarted"
        | "RunContinued"
        | "RunContentCompleted"
        | "ReasoningStarted"
        | "ReasoningCompleted" => Event::Housekeeping,
        // Other formats have events of these names too, but no run.
        name if body(object).has("run_id") => housekeeping(name)?,
        _ => return None,
    };
    Some(event)
}

fn housekeeping(name: &str) -> Option<Event> {
    let is_one = matches!(name, "CustomEvent" | "StepOutput" | "UpdatingMemory");
    let mut states = PARTS.iter().filter_map(|part| name.strip_prefix(part));
    let is_part = states.any(|state| STATES.contains(&state));
    (is_one || is_part).then_some(Event::Housekeeping)
}

/// Names of housekeeping are one of these parts and one of the states: `ModelRequestStarted`.
const PARTS: &[&str] = &[
    "PreHook",
    "PostHook",
    "MemoryUpdate",
    "SessionSummary",
    "ParserModelResponse",
    "OutputModelResponse",
    "ModelRequest",
    "Compression",
    "Compaction",
    "Followups",
    "TaskIteration",
    "TaskState",
    "Task",
    "WorkflowAgent",
    "Workflow",
    "StepExecutor",
    "StepsExecution",
    "StepOutput",
    "Step",
    "LoopExecution",
    "LoopIteration",
    "ParallelExecution",
    "ConditionExecution",
    "Condition",
    "RouterExecution",
    "Router",
];
const STATES: &[&str] = &[
    "Started",
    "Completed",
    "Progress",
    "Paused",
    "Continued",
    "Review",
    "Error",
    "Created",
    "Updated",
];

fn read_event(event: Event, object: &Object<'_>, reading: &mut Reading<'_>) {
    let is_members = is_members(object);
    let mut words = reading.spoken_by(object.string("run_id"));
    match event {
        // What a member of a team does is a step of the team's.
        Event::Content | Event::Completed if is_members => {}
        Event::Content => {
            thought("agno reasoning_content", object, &mut words);
            content("agno content", object, &mut words);
        }
        Event::Intermediate => {
            if let Some(text) = object.string("content") {
                words.reasoning("agno intermediate", text);
            }
        }
        Event::Completed => {
            thought("agno completed reasoning", object, &mut words);
            content("agno completed", object, &mut words);
            words.turn_end();
            if is_whole_run(object) {
                reading.end();
            }
        }
        Event::Failed if is_whole_run(object) => reading.error(),
        Event::Paused => {
            // What the run waits for.
            if !is_members {
                content("agno paused", object, &mut words);
            }
            words.turn_end();
        }
        Event::ToolCall | Event::ToolResult | Event::ToolFailed => tool(event, object, &mut words),
        Event::Reasoning => {
            thought("agno reasoning", object, &mut words);
        }
        Event::Failed | Event::Housekeeping => {}
    }
}

/// Whether the run is the reply itself, and not a part of another run.
fn is_whole_run(object: &Object<'_>) -> bool {
    const OUTER: &[&str] = &["parent_run_id", "workflow_run_id", "step_id"];
    let is_part = OUTER.iter().any(|key| is_there(object, key));
    let is_step = is_there(object, "workflow_id") && is_there(object, "agent_id");
    let is_first = object.is("event", "WorkflowAgentCompleted");
    !is_part && !is_step && !is_first
}

/// Whether a member of a team says it.
fn is_members(object: &Object<'_>) -> bool {
    const WORKFLOWS: &[&str] = &["workflow_run_id", "workflow_id", "step_id"];
    let is_steps = WORKFLOWS.iter().any(|key| is_there(object, key));
    is_there(object, "parent_run_id") && !is_steps
}

fn is_there(object: &Object<'_>, key: &str) -> bool {
    object.get(key).is_some_and(|value| !value.is_nothing())
}

/// Says a content: text, or the JSON of an answer that has the developer's own type.
fn content(form: &str, object: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(content) = object.get("content") else {
        return;
    };
    match content.kind() {
        Kind::String => {
            if let Some(text) = content.as_str() {
                reading.text(form, text);
            }
        }
        Kind::Object | Kind::Array if !content.is_nothing() => {
            reading.text(form, Str::plain(content.raw()));
        }
        _ => {}
    }
}

fn thought(form: &str, object: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(thought) = object.string("reasoning_content") {
        reading.reasoning(form, thought);
    }
}

fn tool(event: Event, object: &Object<'_>, reading: &mut Reading<'_>) {
    let tool = object.object("tool");
    let string = |key: &str| tool.and_then(|tool| tool.string(key));
    let id = string("tool_call_id");
    if event == Event::ToolCall {
        let arguments = tool.and_then(|tool| tool.get("tool_args"));
        return reading.call(id, None, string("tool_name"), whole(arguments));
    }
    let failed = tool.is_some_and(|tool| tool.is_true("tool_call_error"));
    let output = tool.and_then(|tool| tool.get("result"));
    let output = output.filter(|output| !output.is_null());
    let output = output.or_else(|| object.get("error"));
    let failed = failed || event == Event::ToolFailed;
    reading.result_of(id, string("tool_name"), output, failed);
}

fn whole(arguments: Option<Value<'_>>) -> Input {
    match tool_input::whole(arguments) {
        Input::None => Input::Whole("{}".to_owned()),
        input => input,
    }
}

/// Whether an object is a `RunOutput`, `TeamRunOutput` or `WorkflowRunOutput`.
fn is_output(object: &Object<'_>) -> bool {
    object.has("run_id") && object.has("content_type") && !object.has("event")
}

fn output(output: &Object<'_>, reading: &mut Reading<'_>) {
    let has_failed = output.is("status", "ERROR") || output.is("status", "CANCELLED");
    if has_failed && is_whole_run(output) {
        return reading.error();
    }
    if has_failed || is_members(output) {
        return;
    }
    let mut reading = reading.inside("agno output");
    let mut words = reading.spoken_by(output.string("run_id"));
    let tools = output.array("tools").into_iter().flatten();
    for tool in tools.filter_map(Value::as_object) {
        let id = tool.string("tool_call_id");
        let input = whole(tool.get("tool_args"));
        words.call(id, None, tool.string("tool_name"), input);
        if is_there(&tool, "result") {
            let failed = tool.is_true("tool_call_error");
            words.result_of(id, tool.string("tool_name"), tool.get("result"), failed);
        }
    }
    thought("reasoning", output, &mut words);
    content("content", output, &mut words);
    words.turn_end();
}

#[cfg(test)]
mod tests;
