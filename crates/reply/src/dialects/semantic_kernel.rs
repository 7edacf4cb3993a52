//! Semantic Kernel: chat messages and pieces of them, as Python's `model_dump` gives them.
//!
//! <https://github.com/microsoft/semantic-kernel/blob/main/python/semantic_kernel/contents/chat_message_content.py>,
//! and the contents beside it.

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Object, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Semantic Kernel",
    keys: Keys::of(&["content_type"]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if !object.is("content_type", "message") || !object.has("items") {
        return false;
    }
    let form = if object.has("choice_index") {
        "semantic-kernel piece"
    } else {
        "semantic-kernel message"
    };
    let mut reading = reading.inside(form);
    let role = object.string("role");
    if role.is_some_and(|role| role.is_any(&["user", "system", "developer"])) {
        return true;
    }
    let mut words = reading.spoken_by(object.string("name"));
    let items = object.array("items").into_iter().flatten();
    for item in items.filter_map(Value::as_object) {
        say(&item, &mut words);
    }
    if object
        .get("finish_reason")
        .is_some_and(|reason| !reason.is_nothing())
    {
        words.turn_end();
    }
    true
}

fn say(item: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(kind) = item.string("content_type") else {
        return;
    };
    let id = item.string("call_id").or_else(|| item.string("id"));
    match &*kind.decode() {
        "text" => {
            if let Some(text) = item.string("text") {
                reading.text("text", text);
            }
        }
        "reasoning" => {
            if let Some(thought) = item.string("text") {
                reading.reasoning("reasoning", thought);
            }
        }
        "function_call" => {
            let index = item.number("index");
            let arguments = item.get("arguments");
            let input = if index.is_some() {
                tool_input::piece(arguments)
            } else {
                tool_input::whole(arguments)
            };
            let name = item.string("name").or_else(|| item.string("function_name"));
            reading.call(id, index, name, input);
        }
        "function_result" => reading.result(id, item.get("result"), false),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn messages_say_their_items() {
        let lines = said(&[
            r#"{"ai_model_id":"m","metadata":{},"content_type":"message","role":"assistant","name":"A","items":[
                {"ai_model_id":null,"metadata":{},"content_type":"text","text":"It","encoding":null,"choice_index":0}],
                "encoding":null,"finish_reason":null,"choice_index":0,"function_invoke_attempt":0}"#,
            r#"{"content_type":"message","role":"assistant","items":[
                {"content_type":"reasoning","text":"hm"},
                {"content_type":"function_call","id":"c","index":null,"name":"p-f","function_name":"f","arguments":"{}"},
                {"content_type":"function_call","id":"e","index":null,"name":"p-f","function_name":"f","arguments":"{\"a\""}],
                "finish_reason":"tool_calls"}"#,
            r#"{"content_type":"message","role":"assistant","choice_index":0,"items":[
                {"content_type":"function_call","id":"d","index":0,"name":"p-f","function_name":"f","plugin_name":"p","arguments":"{\"a\""},
                {"content_type":"function_call","id":null,"index":0,"name":null,"function_name":"","plugin_name":null,"arguments":":1}"},
                {"content_type":"streaming_annotation","quote":"CITED"},{"text":"x"}],"finish_reason":null}"#,
            r#"{"content_type":"message","role":"tool","items":[
                {"content_type":"function_result","id":"c","result":"42","name":"p-f","function_name":"f"}]}"#,
            r#"{"content_type":"message","role":"user","items":[{"content_type":"text","text":"PROMPT"}]}"#,
            r#"{"content_type":"str","content":"A"}"#,
        ]);
        assert_eq!(
            lines,
            [
                "text It",
                "reasoning hm",
                "call c p-f whole {}",
                r#"call e p-f whole {"a""#,
                "turn end",
                r#"call d p-f piece {"a""#,
                "call - - piece :1}",
                "result c 42",
                "text A",
            ]
        );
    }
}
