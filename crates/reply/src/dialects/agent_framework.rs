//! Microsoft Agent Framework: updates and responses of agents and chat clients, in Python and .NET,
//! and what a workflow's events carry.
//!
//! <https://github.com/microsoft/agent-framework/blob/main/python/packages/core/agent_framework/_types.py>
//! and `_workflows/_events.py` beside it; .NET's types are those of
//! <https://github.com/dotnet/extensions/tree/main/src/Libraries/Microsoft.Extensions.AI.Abstractions>.
//!
//! A response comes after its updates and has all messages of the run: it is the conversation so
//! far.

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Kind, Object, Str, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Agent Framework",
    keys: Keys::of(&[
        "contents",
        "messages",
        "executor_id",
        "executorId",
        "source_executor_id",
        "sourceExecutorId",
    ]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if is_message(object) {
        let form = if object.is("merge_mode", "replace") {
            "agent-framework replaced"
        } else {
            "agent-framework"
        };
        message(object, Wanted::All, &mut reading.inside(form));
        if is_there(object, "finish_reason") || is_there(object, "finishReason") {
            reading.turn_end();
        }
        return true;
    }
    if let Some(messages) = response_messages(object) {
        response(messages, reading);
        return true;
    }
    workflow_event(object, reading)
}

/// What of a message is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Text,
    Steps,
}

/// Fields beside the contents, of which each message and each update has one at least.
const OTHERS: &[&str] = &[
    "role",
    "response_id",
    "responseId",
    "message_id",
    "messageId",
    "author_name",
    "authorName",
];

/// Whether an object is an update or a message: contents with types, and one of the [`OTHERS`].
fn is_message(object: &Object<'_>) -> bool {
    let Some(mut contents) = object.array("contents") else {
        return false;
    };
    let first = contents.next().map(Value::as_object);
    let says_type = match first {
        Some(Some(first)) => kind(&first).is_some(),
        Some(None) => false,
        None => true,
    };
    says_type && OTHERS.iter().any(|key| object.has(key))
}

fn kind<'a>(content: &Object<'a>) -> Option<Str<'a>> {
    content.string("type").or_else(|| content.string("$type"))
}

fn is_there(object: &Object<'_>, key: &str) -> bool {
    object.get(key).is_some_and(|value| !value.is_nothing())
}

fn either<'a>(object: &Object<'a>, python: &str, dotnet: &str) -> Option<Value<'a>> {
    object.get(python).or_else(|| object.get(dotnet))
}

fn string<'a>(object: &Object<'a>, python: &str, dotnet: &str) -> Option<Str<'a>> {
    either(object, python, dotnet)?.as_str()
}

/// Whether a message is the assistant's or a tool's, and not the user's or the operator's.
fn is_agents(message: &Object<'_>) -> bool {
    let role = message.get("role");
    // In earlier releases the role is an object.
    let inside = role.and_then(Value::as_object);
    let role = inside.map_or(role, |role| role.get("value"));
    let role = role.and_then(Value::as_str);
    role.is_none_or(|role| !role.is_any(&["user", "system", "developer"]))
}

fn message(message: &Object<'_>, wanted: Wanted, reading: &mut Reading<'_>) {
    if !is_agents(message) {
        return;
    }
    let id = string(message, "message_id", "messageId");
    let mut words = reading.spoken_by(id.filter(|id| !id.is_empty()));
    let contents = message.array("contents").into_iter().flatten();
    for part in contents.filter_map(Value::as_object) {
        content(&part, wanted, &mut words);
    }
}

fn content(part: &Object<'_>, wanted: Wanted, reading: &mut Reading<'_>) {
    let Some(kind) = kind(part) else { return };
    let kind = kind.decode();
    if kind == "text" {
        if let Some(text) = part.string("text").filter(|_| wanted != Wanted::Steps) {
            reading.text(merged("text", "text replaced", part), text);
        }
        return;
    }
    if wanted == Wanted::Text {
        return;
    }
    match &*kind {
        "text_reasoning" | "reasoning" => {
            if let Some(thought) = part.string("text") {
                reading.reasoning(merged("reasoning", "reasoning replaced", part), thought);
            }
        }
        "function_call" | "functionCall" => {
            let arguments = part.get("arguments");
            // A stream gives them in pieces, each with its call's id.
            let input = match wanted {
                Wanted::All => tool_input::piece(arguments),
                Wanted::Text | Wanted::Steps => tool_input::whole(arguments),
            };
            let id = string(part, "call_id", "callId");
            reading.call(id, None, part.string("name"), input);
        }
        "function_result" | "functionResult" => {
            let something = |value: &Value<'_>| !value.is_null();
            let result = part.get("result").filter(something);
            let output = result.or_else(|| part.get("items"));
            let id = string(part, "call_id", "callId");
            reading.result(id, output, is_there(part, "exception"));
        }
        kind => service_tool(kind, part, reading),
    }
}

/// The form of a content: that of a piece, or that of a whole that replaces the pieces before it.
fn merged<'f>(piece: &'f str, whole: &'f str, part: &Object<'_>) -> &'f str {
    if part.is("merge_mode", "replace") {
        whole
    } else {
        piece
    }
}

/// Says the call or the result of a tool that the model's service runs: `mcp_server_tool_call`,
/// `search_tool_result` …
fn service_tool(kind: &str, part: &Object<'_>, reading: &mut Reading<'_>) {
    let id = part.string("call_id").or_else(|| part.string("id"));
    if kind.ends_with("_tool_call") {
        let input = ["arguments", "inputs", "commands", "actions"].iter();
        let input = input
            .filter_map(|key| part.get(key))
            .find(|input| !input.is_null());
        let name = part.string("tool_name").unwrap_or(Str::plain(kind));
        return reading.call(id, None, Some(name), tool_input::whole(input));
    }
    if kind.ends_with("_tool_result") || kind == "shell_command_output" {
        let output = ["output", "outputs", "result", "items", "stdout"].iter();
        let output = output
            .filter_map(|key| part.get(key))
            .find(|output| !output.is_null());
        let failed = is_there(part, "exception") || part.is("status", "failed");
        let parts = part.array("outputs").into_iter().flatten();
        let mut parts = parts.filter_map(Value::as_object);
        let failed = failed || command_failed(part) || parts.any(|it| command_failed(&it));
        reading.result(id, output, failed);
    }
}

/// Whether an object is what a command gave that failed, or that took too long.
fn command_failed(command: &Object<'_>) -> bool {
    is_there(command, "exit_code") || command.is_true("timed_out")
}

/// The messages of a response.
fn response_messages<'a>(object: &Object<'a>) -> Option<Value<'a>> {
    let messages = object.get("messages")?;
    let first = messages.as_array()?.next()?.as_object()?;
    is_message(&first).then_some(messages)
}

fn response(messages: Value<'_>, reading: &mut Reading<'_>) {
    let mut reading = reading.inside("agent-framework response");
    // Steps come last: one among the words would begin a new turn, and words are compared turn by
    // turn.
    for wanted in [Wanted::Text, Wanted::Steps] {
        let messages = messages.as_array().into_iter().flatten();
        for one in messages.filter_map(Value::as_object) {
            message(&one, wanted, &mut reading.snapshot());
        }
    }
    reading.turn_end();
}

/// Each event of a workflow has one of these: whose it is.
const EXECUTOR: [&str; 4] = [
    "executor_id",
    "executorId",
    "source_executor_id",
    "sourceExecutorId",
];

/// Reads what an executor gives out.
fn given_out(event: &Object<'_>, executor: Option<Str<'_>>, reading: &mut Reading<'_>) {
    let mut inside = reading.inside("agent-framework workflow");
    let mut words = inside.spoken_by(executor);
    match event.get("data") {
        Some(data) if data.kind() == Kind::Array => response(data, &mut words),
        Some(data) => {
            words.value(data);
        }
        None => {}
    }
}

/// Reads an event of a workflow, which holds what one of its executors gives out.
fn workflow_event(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(kind) = event
        .string("type")
        .filter(|_| EXECUTOR.iter().any(|key| event.has(key)))
    else {
        return false;
    };
    match &*kind.decode() {
        "output"
        | "intermediate"
        | "data"
        | "WorkflowOutputEvent"
        | "AgentRunUpdateEvent"
        | "AgentRunEvent" => {
            let executor = string(event, "executor_id", "executorId");
            given_out(event, executor, reading);
        }
        "failed" | "WorkflowFailedEvent" => reading.error(),
        // It waits for its user, who is to read what is asked.
        "request_info" | "RequestInfoEvent" => {
            let executor = string(event, "source_executor_id", "sourceExecutorId");
            given_out(event, executor, reading);
            reading.turn_end();
        }
        "started"
        | "status"
        | "warning"
        | "error"
        | "superstep_started"
        | "superstep_completed"
        | "executor_invoked"
        | "executor_completed"
        | "executor_failed"
        | "executor_bypassed"
        | "group_chat"
        | "handoff_sent"
        | "magentic_orchestrator"
        | "ExecutorInvokedEvent"
        | "ExecutorCompletedEvent"
        | "ExecutorFailedEvent" => {}
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests;
