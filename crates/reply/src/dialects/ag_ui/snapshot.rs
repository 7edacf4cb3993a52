//! `MESSAGES_SNAPSHOT`: the conversation so far.

use super::{CALL_ID, is_of_tool};
use crate::dialects::{Reading, any_key};
use crate::json::{Array, Object, Value};
use crate::said::{Coverage, Input, readable};

/// Says what follows the last of the user's messages.
pub(super) fn read(messages: Array<'_>, reading: &mut Reading<'_>) {
    let is_users = |message: &Object<'_>| message.is("role", "user");
    let messages = messages.filter_map(Value::as_object);
    let after = messages.clone().filter(is_users).count();
    let mut users = 0;
    for message in messages {
        users += usize::from(is_users(&message));
        if users == after && !is_of_tool(&message, reading) {
            self::message(&message, reading);
        }
    }
}

fn message(message: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(role) = message.string("role") else {
        return;
    };
    if role.is("tool") {
        let failed = message
            .string("error")
            .is_some_and(|error| !error.is_empty());
        let id = any_key::string(message, CALL_ID);
        return reading.result(id, message.get("content"), failed);
    }
    let content = message.string("content").filter(|text| !text.is_empty());
    let mut reading = reading.spoken_by(message.string("id"));
    if role.is("reasoning") {
        if let Some(text) = content {
            reading.reasoning_covering("ag-ui snapshot", text, Coverage::Snapshot);
        }
    } else if role.is("assistant") {
        if let Some(text) = content {
            reading.memory().ag_ui.has_text = true;
            reading.text_covering("ag-ui snapshot", text, Coverage::Snapshot);
        }
        let calls = any_key::value(message, &["toolCalls", "tool_calls"]);
        for call in calls.and_then(Value::as_array).into_iter().flatten() {
            if let Some(call) = call.as_object() {
                self::call(&call, &mut reading);
            }
        }
    }
}

fn call(call: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(function) = call.object("function") else {
        return;
    };
    let input = function.get("arguments").map(readable);
    let input = Input::Whole(input.unwrap_or_default());
    reading.call(call.string("id"), None, function.string("name"), input);
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn a_snapshot_is_read_from_the_users_last_message_on() {
        let lines = said(&[r#"{"type":"MESSAGES_SNAPSHOT","messages":[
                {"id":"1","role":"user","content":"PROMPT"},{"id":"2","role":"assistant","content":"before"},
                {"id":"3","role":"user","content":[{"type":"text","text":"PROMPT"}]},
                {"id":"4","role":"reasoning","content":"hm"},
                {"id":"5","role":"assistant","content":"Let me see.","toolCalls":[
                    {"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
                {"id":"6","role":"tool","content":"sun","toolCallId":"c"},
                {"id":"7"},{"id":"7","role":"assistant","toolCalls":[{"id":"d"}]},
                {"id":"7","role":"activity","content":{"text":"x"},"activityType":"PLAN"},
                {"id":"8","role":"assistant","content":"Sunny."}]}"#]);
        let expected = [
            "reasoning hm",
            "text Let me see.",
            r#"call c f whole {"a":1}"#,
            "result c sun",
            "text Sunny.",
        ];
        assert_eq!(lines, expected);
    }
}
