//! AG-UI, the Agent User Interaction Protocol: <https://docs.ag-ui.com/concepts/events>, defined by
//! `spec/1.0/schema.json` and, before 1.0, by `sdks/python/ag_ui/core/events.py` in
//! <https://github.com/ag-ui-protocol/ag-ui>.
//!
//! The `THINKING_…` events are from before 1.0. Python dumps the fields in snake case unless it is
//! told otherwise.

mod snapshot;

use super::any_key;
use super::ids::{Ids, index_by};
use super::{Dialect, Reading};
use crate::json::{Keys, Object, Str, Value};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "AG-UI",
    keys: Keys::of(&["type"]),
    read,
};

/// What is remembered of the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The run has begun and is not over.
    is_on: bool,
    has_text: bool,
    /// Messages of other roles than the assistant's.
    others: Ids,
    /// A chunk without an id goes on with the message before: whether that is one of the others.
    chunks_are_others: bool,
    /// Subagents that the agent called as a tool.
    tools: Ids,
}

impl Memory {
    /// Whether a run has begun and is not over: until then nothing else ends the reply.
    pub(crate) fn in_run(&self) -> bool {
        self.is_on
    }
}

const MESSAGE_ID: &[&str] = &["messageId", "message_id"];
const CALL_ID: &[&str] = &["toolCallId", "tool_call_id"];
const CALL_NAME: &[&str] = &["toolCallName", "tool_call_name"];
const SUBAGENT: &[&str] = &["subagentRunId", "subagent_run_id"];

/// Whether a value has the form of an event, one that nobody knows yet included.
pub(crate) fn is_event(value: Value<'_>) -> bool {
    let name = value.as_object().and_then(|event| event.string("type"));
    name.is_some_and(|name| {
        let name = name.decode();
        let is_of_a_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        !name.is_empty() && name.bytes().all(|byte| byte == b'_' || is_of_a_name(byte))
    })
}

fn read(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = event.string("type") else {
        return false;
    };
    let name = name.decode();
    // Some serialisers write Python's `str` of the enum.
    let name = name.strip_prefix("EventType.").unwrap_or(&name);
    match name {
        "RUN_STARTED" => reading.memory().ag_ui = run_that_is_on(),
        "RUN_FINISHED" => run_finished(event, reading),
        "RUN_ERROR" => {
            reading.memory().ag_ui.is_on = false;
            reading.error();
        }
        "SUBAGENT_STARTED" => subagent_started(event, reading),
        "MESSAGES_SNAPSHOT" => {
            if let Some(messages) = event.array("messages") {
                snapshot::read(messages, reading);
            }
        }
        "RAW" => return event.has("event"),
        "CUSTOM" => return event.has("name"),
        _ => return words(name, event, reading) || tool(name, event, reading) || is_silent(name),
    }
    true
}

/// Whether events of this name say nothing of the reply: states, activities, steps, and the begin
/// and end of what its pieces say in full.
fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "SUBAGENT_FINISHED"
            | "SUBAGENT_ERROR"
            | "STEP_STARTED"
            | "STEP_FINISHED"
            | "STATE_SNAPSHOT"
            | "STATE_DELTA"
            | "ACTIVITY_SNAPSHOT"
            | "ACTIVITY_DELTA"
            | "THINKING_START"
            | "THINKING_END"
            | "THINKING_TEXT_MESSAGE_START"
            | "THINKING_TEXT_MESSAGE_END"
            | "REASONING_START"
            | "REASONING_END"
            | "REASONING_MESSAGE_START"
            | "REASONING_MESSAGE_END"
            | "REASONING_ENCRYPTED_VALUE"
    )
}

/// Reads an event of a message, or of the agent's reasoning.
fn words(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        "TEXT_MESSAGE_START" => text_start(event, reading),
        "TEXT_MESSAGE_CONTENT" => text_content(event, reading),
        "TEXT_MESSAGE_CHUNK" => text_chunk(event, reading),
        "TEXT_MESSAGE_END" => {
            if let Some(id) = any_key::string(event, MESSAGE_ID) {
                reading.memory().ag_ui.others.remove(id);
            }
        }
        "THINKING_TEXT_MESSAGE_CONTENT"
        | "REASONING_MESSAGE_CONTENT"
        | "REASONING_MESSAGE_CHUNK" => {
            if let Some(delta) = event.string("delta") {
                let mut reading = reading.spoken_by(any_key::string(event, MESSAGE_ID));
                reading.reasoning("ag-ui reasoning delta", delta);
            }
        }
        _ => return false,
    }
    true
}

/// Reads an event of a call, or its result.
fn tool(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        "TOOL_CALL_START" => call(event, reading, Input::Announced),
        "TOOL_CALL_ARGS" | "TOOL_CALL_CHUNK" => {
            let delta = event.string("delta");
            let piece = delta.map(|delta| Input::Piece(delta.decode().into_owned()));
            call(event, reading, piece.unwrap_or_default());
        }
        "TOOL_CALL_END" => call(event, reading, Input::Ended),
        "TOOL_CALL_RESULT" => {
            let id = any_key::string(event, CALL_ID);
            reading.result(id, event.get("content"), false);
        }
        _ => return false,
    }
    true
}

fn run_that_is_on() -> Memory {
    Memory {
        is_on: true,
        ..Memory::default()
    }
}

fn run_finished(event: &Object<'_>, reading: &mut Reading<'_>) {
    let run = std::mem::take(&mut reading.memory().ag_ui);
    // A result repeats what the messages said, so it is text only where they had none.
    if let Some(result) = event.string("result").filter(|_| !run.has_text) {
        reading.text("ag-ui result", result);
    }
    let outcome = event.object("outcome");
    if outcome.is_some_and(|outcome| outcome.is("type", "cancelled")) {
        return reading.error();
    }
    reading.end();
}

fn text_start(event: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(id) = any_key::string(event, MESSAGE_ID) {
        let is_other = is_other(event);
        set_other(reading, id, is_other);
    }
}

fn set_other(reading: &mut Reading<'_>, message: Str<'_>, is_other: bool) {
    let others = &mut reading.memory().ag_ui.others;
    if is_other {
        others.insert(message);
    } else {
        others.remove(message);
    }
}

/// Whether a message is not the assistant's. One without a role is.
fn is_other(message: &Object<'_>) -> bool {
    let role = message.string("role");
    role.is_some_and(|role| !role.is("assistant"))
}

fn text_content(event: &Object<'_>, reading: &mut Reading<'_>) {
    let id = any_key::string(event, MESSAGE_ID);
    let is_others = id.is_some_and(|id| reading.memory().ag_ui.others.has(id));
    if !is_others {
        text_delta(event, reading, id);
    }
}

fn text_chunk(event: &Object<'_>, reading: &mut Reading<'_>) {
    let id = any_key::string(event, MESSAGE_ID);
    if let Some(id) = id {
        if event.string("role").is_some() {
            set_other(reading, id, is_other(event));
        }
        let run = &mut reading.memory().ag_ui;
        run.chunks_are_others = run.others.has(id);
    } else if event.string("role").is_some() {
        reading.memory().ag_ui.chunks_are_others = is_other(event);
    }
    if !reading.memory().ag_ui.chunks_are_others {
        text_delta(event, reading, id);
    }
}

fn text_delta(event: &Object<'_>, reading: &mut Reading<'_>, message: Option<Str<'_>>) {
    let Some(delta) = event.string("delta") else {
        return;
    };
    if is_of_tool(event, reading) {
        return;
    }
    reading.memory().ag_ui.has_text = true;
    reading.spoken_by(message).text("ag-ui delta", delta);
}

/// Whether a subagent sent it that the agent called as a tool. What a tool says while it works is
/// not the agent's answer.
fn is_of_tool(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let subagent = any_key::string(value, SUBAGENT);
    subagent.is_some_and(|subagent| reading.memory().ag_ui.tools.has(subagent))
}

fn subagent_started(event: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(subagent) = any_key::string(event, SUBAGENT) else {
        return;
    };
    let call = any_key::string(event, &["parentToolCallId", "parent_tool_call_id"]);
    let parent = any_key::string(event, &["parentSubagentRunId", "parent_subagent_run_id"]);
    let tools = &mut reading.memory().ag_ui.tools;
    if call.is_some() || parent.is_some_and(|parent| tools.has(parent)) {
        tools.insert(subagent);
    }
}

fn call(event: &Object<'_>, reading: &mut Reading<'_>, input: Input) {
    let id = any_key::string(event, CALL_ID);
    let name = any_key::string(event, CALL_NAME);
    reading.call(id, index_by(id), name, input);
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

    #[test]
    fn a_run_is_over_when_it_says_so() {
        let lines = said(&[
            r#"{"type":"RUN_STARTED","threadId":"t","runId":"r","input":{"messages":[{"role":"user","content":"PROMPT"}]}}"#,
            r#"{"type":"STEP_STARTED","stepName":"s"}"#,
            r#"{"type":"TEXT_MESSAGE_START","messageId":"m","role":"assistant"}"#,
            r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"It is"}"#,
            r#"{"type":"RAW","event":{"type":"x","text":"RAW"},"source":"s"}"#,
            r#"{"type":"CUSTOM","name":"n","value":{"text":"CUSTOM"}}"#,
            r#"{"type":"STATE_SNAPSHOT","snapshot":{"text":"STATE"}}"#,
            r#"{"type":"STATE_DELTA","delta":[{"op":"add","path":"/text","value":"STATE"}]}"#,
            r#"{"type":"ACTIVITY_SNAPSHOT","messageId":"a","activityType":"PLAN","content":{"text":"x"}}"#,
            r#"{"type":"SUBAGENT_ERROR","subagentRunId":"s","message":"SECRET"}"#,
            r#"{"type":"TEXT_MESSAGE_END","messageId":"m"}"#,
            r#"{"type":"RUN_FINISHED","threadId":"t","runId":"r","result":"other"}"#,
        ]);
        assert_eq!(lines, ["text It is", "end"]);
        let failed = said(&[
            r#"{"type":"RUN_STARTED","thread_id":"t","run_id":"r"}"#,
            r#"{"type":"RUN_ERROR","message":"SECRET","code":"x"}"#,
        ]);
        assert_eq!(failed, ["error"]);
        let cancelled = r#"{"type":"RUN_FINISHED","outcome":{"type":"cancelled"}}"#;
        assert_eq!(said(&[cancelled]), ["error"]);
    }

    #[test]
    fn a_result_is_text_where_no_message_was() {
        let lines = said(&[
            r#"{"type":"RUN_STARTED","threadId":"t","runId":"r"}"#,
            r#"{"type":"RUN_FINISHED","threadId":"t","runId":"r","result":"Hello","outcome":null}"#,
        ]);
        assert_eq!(lines, ["text Hello", "end"]);
    }

    #[test]
    fn messages_of_others_are_not_text() {
        let lines = said(&[
            r#"{"type":"EventType.TEXT_MESSAGE_START","message_id":"u","role":"user"}"#,
            r#"{"type":"TEXT_MESSAGE_CONTENT","message_id":"u","delta":"PROMPT"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","messageId":"s","role":"system","delta":"SYSTEM"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","delta":"SYSTEM"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","messageId":"a","delta":"Hi"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","messageId":null,"role":null,"delta":" you"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","messageId":"a","role":"assistant"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","role":"user","delta":"PROMPT"}"#,
            r#"{"type":"TEXT_MESSAGE_CHUNK","delta":"PROMPT"}"#,
        ]);
        assert_eq!(lines, ["text Hi", "text  you"]);
    }

    #[test]
    fn reasoning_and_tools_are_steps() {
        let lines = said(&[
            r#"{"type":"THINKING_START","title":"x"}"#,
            r#"{"type":"THINKING_TEXT_MESSAGE_CONTENT","delta":"hm"}"#,
            r#"{"type":"REASONING_MESSAGE_START","messageId":"r","role":"reasoning"}"#,
            r#"{"type":"REASONING_MESSAGE_CONTENT","messageId":"r","delta":"so"}"#,
            r#"{"type":"REASONING_ENCRYPTED_VALUE","entityId":"r","encryptedValue":"x"}"#,
            r#"{"type":"TOOL_CALL_START","toolCallId":"c","toolCallName":"get_weather","parentMessageId":null}"#,
            r#"{"type":"TOOL_CALL_ARGS","toolCallId":"c","delta":"{}"}"#,
            r#"{"type":"TOOL_CALL_END","toolCallId":"c"}"#,
            r#"{"type":"TOOL_CALL_RESULT","messageId":"x","toolCallId":"c","content":"sun","role":"tool"}"#,
            r#"{"type":"TOOL_CALL_CHUNK","tool_call_id":"d","tool_call_name":"f","delta":"{"}"#,
            r#"{"type":"TOOL_CALL_CHUNK","delta":"}"}"#,
        ]);
        let expected = [
            "reasoning hm",
            "reasoning so",
            "call c get_weather begun",
            "call c - piece {}",
            "call c - ended",
            "result c sun",
            "call d f piece {",
            "call - - piece }",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_subagent_that_is_a_tool_speaks_to_the_agent_alone() {
        let lines = said(&[
            r#"{"type":"SUBAGENT_STARTED","subagentRunId":"s","name":"n","parentToolCallId":"c"}"#,
            r#"{"type":"SUBAGENT_STARTED","subagentRunId":"t","name":"n","parentSubagentRunId":"s"}"#,
            r#"{"type":"SUBAGENT_STARTED","subagentRunId":"v","name":"n"}"#,
            r#"{"type":"SUBAGENT_STARTED","name":"n","parentToolCallId":"c"}"#,
            r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"1","subagentRunId":"s","delta":"inner"}"#,
            r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"2","subagentRunId":"t","delta":"inner"}"#,
            r#"{"type":"TEXT_MESSAGE_CONTENT","messageId":"3","subagentRunId":"v","delta":"outer"}"#,
        ]);
        assert_eq!(lines, ["text outer"]);
    }

    #[test]
    fn what_is_not_of_the_protocol_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"RAW","text":"x"}"#,
                r#"{"type":"CUSTOM"}"#,
                r#"{"type":"TEXT_MESSAGE","text":"x"}"#,
                r#"{"type":7}"#,
            ],
        );
    }

    #[test]
    fn what_others_would_say_alike_is_of_the_protocol_all_the_same() {
        reads(&DIALECT, &[r#"{"type":"TOOL_CALL_END","toolCallId":"c"}"#]);
    }
}
