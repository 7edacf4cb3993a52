//! Messages to agents.

use agentcore_bridge::agent::{FieldNames, MessageTemplate, MessageValues};
use agentcore_bridge::invocation::RunInput;
use serde_json::Value;

/// Any template, prompt and body, a line each: a message is one JSON object, in which the values stand
/// as they were, and fields that go on stand once.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (template, names, body, prompt) = (line(), line(), line(), line());
    let Ok(template) = MessageTemplate::parse(template) else {
        return;
    };
    // A body that is no object is refused before.
    if serde_json::from_str::<serde_json::Map<String, Value>>(body).is_err() {
        return;
    }
    let written = |template: &MessageTemplate| {
        let names = FieldNames::parse(names, template).unwrap_or_default();
        let fields = names.take(body).ok()?;
        let values = MessageValues {
            prompt,
            session_id: "session-1",
            caller_id: "caller-1",
        };
        let message = template.write(&values, &fields);
        Some(serde_json::from_slice::<Value>(&message).expect("JSON"))
    };
    if let Some(message) = written(&template) {
        assert!(message.is_object());
    }
    let places = r#"{"a":["{prompt}"],"{prompt}":"{sessionId}{callerId}"}"#;
    if let Some(message) = written(&MessageTemplate::parse(places).expect("a template")) {
        assert_eq!(message["a"][0], prompt);
        assert_eq!(message["{prompt}"], "session-1caller-1");
    }
}

/// Any `RunAgentInput`: it stays JSON, and its thread is the session that we say, however it is
/// written there.
pub fn ag_ui(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // What no parser takes is refused before.
    let Ok(before) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let Some(input) = RunInput::parse(text, 0) else {
        return;
    };
    let after: Value = serde_json::from_str(&input.in_session("ours")).expect("JSON");
    let (before, after) = (before.as_object().expect("an object"), after.as_object());
    let after = after.expect("an object");
    for name in ["threadId", "thread_id"] {
        assert!(after.get(name).is_none_or(|thread| thread == "ours"));
    }
    assert_eq!(before.len(), after.len());
    for (name, value) in before {
        let is_thread = name == "threadId" || name == "thread_id";
        assert!(is_thread || after[name] == *value, "{name}");
    }
}
