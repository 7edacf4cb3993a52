//! The items of which an OpenAI response's output consists:
//! <https://platform.openai.com/docs/api-reference/responses/object>, typed in
//! `src/openai/types/responses/response_output_item.py` of
//! <https://github.com/openai/openai-python>. The JavaScript Agents SDK has them with its own names:
//! `packages/agents-core/src/types/protocol.ts` in
//! <https://github.com/openai/openai-agents-js>.

use super::Reading;
use super::any_key;
use crate::json::{Array, Kind, Object, Str, Value};
use crate::names::is_agents;
use crate::said::{Input, readable};

/// The forms of an item's words, by where the item was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) text: &'static str,
    pub(super) reasoning: &'static str,
}

/// Calls that the API leaves to its client.
const CLIENTS_CALLS: &[&str] = &[
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "apply_patch_call",
    "mcp_approval_request",
];

/// Calls that the API may run itself, each with the output that is beside it then.
const EITHERS_CALLS: &[(&str, &str)] = &[
    ("shell_call", "shell_call_output"),
    ("tool_search_call", "tool_search_output"),
];

/// What the client's calls gave. The last is JavaScript's name.
const OUTPUTS: &[&str] = &[
    "function_call_output",
    "custom_tool_call_output",
    "computer_call_output",
    "local_shell_call_output",
    "apply_patch_call_output",
    "function_call_result",
];

/// Keys of a call's input. The first that is there has it.
const INPUT: &[&str] = &[
    "arguments",
    "input",
    "action",
    "actions",
    "operation",
    "code",
    "queries",
    "commands",
];

/// Whether an object by itself, of this type, is an item of the API's.
pub(super) fn is_item(kind: &str, item: &Object<'_>) -> bool {
    match kind {
        "message" => return is_message(item),
        "reasoning" => return item.array("summary").is_some(),
        _ => {}
    }
    // Other formats use these types too. In the API's, an id and an input or output go with them.
    let is_call = CLIENTS_CALLS.contains(&kind) && INPUT.iter().any(|key| item.has(key));
    let is_output = OUTPUTS.contains(&kind) && item.has("output");
    (is_call || is_output) && any_key::string(item, &["call_id", "callId"]).is_some()
}

/// Whether an object is a message of the API. Its parts have types that no other format has.
fn is_message(item: &Object<'_>) -> bool {
    let first = item.array("content").and_then(|mut parts| parts.next());
    let kind = first
        .and_then(Value::as_object)
        .and_then(|part| part.string("type"));
    let is_part = kind.is_some_and(|kind| kind.is_any(&["output_text", "input_text", "refusal"]));
    is_part && item.is("type", "message") && item.string("role").is_some()
}

/// Reads the output of a response.
pub(super) fn output(response: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    for item in objects(response.array("output")) {
        read(&item, origin, reading);
    }
}

/// Whether a response waits for a tool that the client is to run.
pub(super) fn waits_for_tools(response: &Object<'_>) -> bool {
    let has = |kinds: &[&str]| {
        let mut items = objects(response.array("output"));
        items.any(|item| item.string("type").is_some_and(|kind| kind.is_any(kinds)))
    };
    let mut eithers = EITHERS_CALLS.iter();
    has(CLIENTS_CALLS) || eithers.any(|(call, output)| has(&[call]) && !has(&[output]))
}

fn objects(array: Option<Array<'_>>) -> impl Iterator<Item = Object<'_>> {
    array.into_iter().flatten().filter_map(Value::as_object)
}

/// Says that an item has begun.
pub(super) fn begin(item: &Object<'_>, index: Option<u64>, reading: &mut Reading<'_>) {
    if let Some(kind) = item.string("type").filter(|kind| is_call(*kind)) {
        let kind = kind.decode();
        let name = call_name(item, &kind);
        reading.call(call_id(item), index, name, Input::Announced);
    }
}

/// Reads an item that is whole.
pub(super) fn read(item: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    let Some(kind) = item.string("type") else {
        return;
    };
    if kind.is("message") {
        return message(item, origin, reading);
    }
    if kind.is("reasoning") {
        return reasoning(item, origin, reading);
    }
    if is_call(kind) {
        return call(item, &kind.decode(), reading);
    }
    if is_output(kind) {
        let failed = item.is("status", "failed") || command_failed(item);
        reading.result(
            call_id(item),
            any_key::value(item, &["output", "tools"]),
            failed,
        );
    }
}

/// Whether an item is what a shell's commands gave, of which one failed or took too long. In
/// JavaScript the code has its own name.
fn command_failed(item: &Object<'_>) -> bool {
    let mut outcomes = objects(item.array("output")).filter_map(|output| output.object("outcome"));
    outcomes.any(|outcome| {
        let code = any_key::value(&outcome, &["exit_code", "exitCode"]);
        outcome.is("type", "timeout") || code.is_some_and(|code| !code.is_nothing())
    })
}

fn is_call(kind: Str<'_>) -> bool {
    kind.ends_with("_call")
}

fn is_output(kind: Str<'_>) -> bool {
    kind.ends_with("_output") || kind.ends_with("_call_result")
}

fn message(item: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    // An output's message is the assistant's, with and without the role.
    if !is_agents(item.string("role")) {
        return;
    }
    let mut reading = reading.spoken_by(item.string("id"));
    for content in objects(item.array("content")) {
        part(&content, origin, &mut reading);
    }
}

/// Reads a part of a message's or of a reasoning's content.
pub(super) fn part(part: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    let Some(kind) = part.string("type") else {
        return;
    };
    let text = match &*kind.decode() {
        "output_text" | "text" => part.string("text"),
        "refusal" => part.string("refusal"),
        "audio" | "output_audio" => part.string("transcript"),
        kind @ ("reasoning_text" | "summary_text") => {
            if let Some(text) = part.string("text") {
                let is_summary = kind == "summary_text";
                thought(is_summary, text, origin, reading);
            }
            return;
        }
        _ => return,
    };
    if let Some(text) = text {
        reading.text(origin.text, text);
    }
}

fn thought(is_summary: bool, text: Str<'_>, origin: Origin, reading: &mut Reading<'_>) {
    let step = if is_summary { "summary" } else { "reasoning" };
    reading.unwrapped(step).reasoning(origin.reasoning, text);
}

/// Says what a model thought: the summary, and the thoughts themselves where there are any. In
/// JavaScript the summary is `content`, and the thoughts are `rawContent`.
fn reasoning(item: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    let mut reading = reading.spoken_by(item.string("id"));
    for key in ["summary", "content", "rawContent"] {
        for content in objects(item.array(key)) {
            let is_thought = key == "rawContent" || content.is("type", "reasoning_text");
            if let Some(text) = content.string("text") {
                thought(!is_thought, text, origin, &mut reading);
            }
        }
    }
}

fn call_id<'a>(item: &Object<'a>) -> Option<Str<'a>> {
    any_key::string(item, &["call_id", "callId", "id"])
}

fn call_name<'a>(item: &Object<'a>, kind: &'a str) -> Option<Str<'a>> {
    let name = item.string("name").filter(|name| !name.is_empty());
    // The API's own tools have no name but the item's type.
    name.or_else(|| kind.strip_suffix("_call").map(Str::plain))
}

fn call(item: &Object<'_>, kind: &str, reading: &mut Reading<'_>) {
    let input = any_key::value(item, INPUT);
    // Arguments are JSON in a string. A custom tool takes free text, of which the JSON is a string.
    let input = match input {
        Some(input) if kind == "custom_tool_call" || kind == "code_interpreter_call" => {
            input.raw().to_owned()
        }
        Some(input) => readable(input),
        None => String::new(),
    };
    let id = call_id(item);
    reading.call(id, None, call_name(item, kind), Input::Whole(input));
    let error = item.get("error").filter(|error| !error.is_nothing());
    let output = any_key::value(item, &["output", "results", "outputs"]);
    let output = error
        .or(output)
        .filter(|output| output.kind() != Kind::Null);
    if output.is_some() {
        reading.result(id, output, error.is_some());
    }
}
