//! The Claude Agent SDK and the `stream-json` of its command line:
//! <https://docs.claude.com/en/api/agent-sdk/python>, typed in `src/claude_agent_sdk/types.py` of
//! <https://github.com/anthropics/claude-agent-sdk-python>.
//!
//! The command line gives its messages a `type`; the SDK's are dataclasses, which have none unless
//! the agent adds the name of the class.

use super::{Dialect, Reading};
use crate::json::{Keys, Object};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Claude Agent SDK",
    keys: Keys::of(&[
        "subtype",
        "parent_tool_use_id",
        "model",
        "session_id",
        "request_id",
        "response",
        "rate_limit_info",
    ]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let name = object.string("type");
    let is_called = |names: &[&str]| name.is_none_or(|name| name.is_any(names));
    let is_subagents = object
        .get("parent_tool_use_id")
        .is_some_and(|id| !id.is_null());
    let is_message = object.has("parent_tool_use_id") || object.has("session_id");
    if let Some(event) = object.object("event").filter(|_| is_message)
        && is_called(&["stream_event", "StreamEvent"])
    {
        // What a subagent says is what a tool says.
        if !is_subagents {
            reading.inside("claude stream event").object(&event);
        }
        return true;
    }
    if object.has("subtype") && is_called(&["result", "ResultMessage"]) && is_result(object) {
        result(object, reading);
        return true;
    }
    let is_system = is_called(&["system"]) || name.is_some_and(|it| it.ends_with("Message"));
    if object.string("subtype").is_some() && is_system {
        return object.has("data") || object.has("session_id");
    }
    is_quiet(object) || message(object, is_subagents, reading)
}

/// Whether an object is what the command line tells of itself beside the messages.
fn is_quiet(object: &Object<'_>) -> bool {
    const NAMES: [&str; 8] = [
        "rate_limit_event",
        "tool_progress",
        "tool_use_summary",
        "auth_status",
        "prompt_suggestion",
        "control_request",
        "control_response",
        "control_cancel_request",
    ];
    let is_ours = object.has("session_id") || object.has("request_id") || object.has("response");
    let is_named = object.string("type").is_some_and(|it| it.is_any(&NAMES));
    (is_named && is_ours) || (object.has("rate_limit_info") && object.has("session_id"))
}

fn is_result(object: &Object<'_>) -> bool {
    object.has("is_error") || object.has("num_turns") || object.has("duration_ms")
}

/// Reads the last message: what the agent came to, or why it came to nothing.
fn result(object: &Object<'_>, reading: &mut Reading<'_>) {
    let has_failed = object.is_true("is_error")
        || object
            .string("subtype")
            .is_some_and(|kind| kind.starts_with("error"));
    if has_failed {
        return reading.error();
    }
    if let Some(text) = object.string("result") {
        reading.text("claude result", text);
    }
    reading.end();
}

/// Reads a message of the agent's, or one in the user's name that holds what tools answered.
fn message(object: &Object<'_>, is_subagents: bool, reading: &mut Reading<'_>) -> bool {
    let inner = object.object("message");
    let fields = inner.unwrap_or(*object);
    let Some(content) = fields.get("content") else {
        return false;
    };
    let name = object.string("type");
    let is_agents = match name {
        Some(name) if name.is_any(&["assistant", "AssistantMessage"]) => true,
        Some(name) if name.is_any(&["user", "UserMessage"]) => false,
        Some(_) => return false,
        None => fields.has("model"),
    };
    let is_sdks = object.has("parent_tool_use_id")
        || (inner.is_some() && object.has("session_id"))
        || (name.is_none()
            && fields.string("model").is_some()
            && content.as_array().is_some()
            && !fields.has("role"));
    if !is_sdks {
        return false;
    }
    // Where the model's service failed, the message holds the error's words.
    let has_failed = object.string("error").is_some();
    if is_subagents || (is_agents && has_failed) {
        return true;
    }
    for block in content.as_array().into_iter().flatten() {
        if let Some(block) = block.as_object() {
            self::block(&block, is_agents, reading);
        }
    }
    true
}

fn block(block: &Object<'_>, is_agents: bool, reading: &mut Reading<'_>) {
    const FORM: &str = "claude message";
    if let Some(id) = block.string("tool_use_id") {
        return reading.result(Some(id), block.get("content"), block.is_true("is_error"));
    }
    if !is_agents {
        return;
    }
    if let Some(text) = block.string("text") {
        reading.text(FORM, text);
    } else if let Some(text) = block.string("thinking") {
        reading.reasoning(FORM, text);
    } else if let Some(input) = block.get("input").filter(|_| block.has("name")) {
        let whole = Input::Whole(input.raw().to_owned());
        reading.call(block.string("id"), None, block.string("name"), whole);
    }
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    #[test]
    fn the_command_line_streams_events_then_messages_then_the_result() {
        let lines = [
            r#"{"type":"system","subtype":"init","session_id":"s","tools":["f"],"model":"m"}"#,
            r#"{"type":"stream_event","session_id":"s","parent_tool_use_id":null,"event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}}"#,
            r#"{"type":"stream_event","session_id":"s","parent_tool_use_id":null,"event":{"type":"message_stop"}}"#,
            r#"{"type":"assistant","session_id":"s","parent_tool_use_id":null,"message":{"role":"assistant","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"c","name":"f","input":{}}]}}"#,
            r#"{"type":"user","session_id":"s","parent_tool_use_id":null,"message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"r"}]}}"#,
            r#"{"type":"user","session_id":"s","parent_tool_use_id":null,"message":{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]}}"#,
            r#"{"type":"assistant","session_id":"s","parent_tool_use_id":"c","message":{"role":"assistant","content":[{"type":"text","text":"SUBAGENT"}]}}"#,
            r#"{"type":"result","subtype":"success","is_error":false,"session_id":"s","result":"Hi"}"#,
        ];
        assert_eq!(
            said(&lines),
            [
                "text Hi",
                "turn end",
                "text Hi",
                "call c f whole {}",
                "result c r",
                "text Hi",
                "end"
            ]
        );
    }

    #[test]
    fn the_sdks_messages_are_dataclasses() {
        let messages = [
            r#"{"subtype":"init","data":{"session_id":"s"}}"#,
            r#"{"content":[{"thinking":"hm","signature":"x"},{"text":"Hi"}],"model":"m","parent_tool_use_id":null,"error":null}"#,
            r#"{"content":"PROMPT","parent_tool_use_id":null,"uuid":null}"#,
            r#"{"subtype":"success","duration_ms":5,"is_error":false,"num_turns":1,"session_id":"s","result":"Hi"}"#,
        ];
        assert_eq!(
            said(&messages),
            ["reasoning hm", "text Hi", "text Hi", "end"]
        );
        let failed = r#"{"type":"ResultMessage","subtype":"error_max_turns","is_error":false,"num_turns":9,"session_id":"s"}"#;
        assert_eq!(said(&[failed]), ["error"]);
    }

    #[test]
    fn what_is_no_answer_is_no_text() {
        for message in [
            r#"{"content":[{"text":"API Error: SECRET"}],"model":"<synthetic>","parent_tool_use_id":null,"error":"rate_limit"}"#,
            r#"{"type":"assistant","error":"billing_error","session_id":"s","parent_tool_use_id":null,"message":{"role":"assistant","content":[{"type":"text","text":"SECRET"}]}}"#,
            r#"{"subtype":"task_notification","data":{},"task_id":"t","status":"completed","summary":"SUMMARY","session_id":"s"}"#,
            r#"{"type":"TaskProgressMessage","subtype":"task_progress","data":{},"description":"x","session_id":"s"}"#,
            r#"{"type":"tool_progress","tool_use_id":"c","tool_name":"f","parent_tool_use_id":null,"session_id":"s"}"#,
            r#"{"type":"tool_use_summary","summary":"SUMMARY","session_id":"s"}"#,
            r#"{"type":"control_response","response":{"subtype":"success","request_id":"r","response":{"result":"x"}}}"#,
            r#"{"rate_limit_info":{"status":"allowed"},"uuid":"u","session_id":"s"}"#,
        ] {
            assert!(said(&[message]).is_empty(), "{message}");
        }
    }

    #[test]
    fn messages_of_other_names_are_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"chunk","content":"x","parent_tool_use_id":null}"#,
                r#"{"type":"custom","session_id":"s","message":{"content":"x"}}"#,
            ],
        );
    }
}
