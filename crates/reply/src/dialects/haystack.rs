//! Haystack: the chunks of a stream, chat messages, and the replies of generators.
//!
//! <https://github.com/deepset-ai/haystack/blob/main/haystack/dataclasses/streaming_chunk.py>, and
//! `chat_message.py` beside it.

use super::{Dialect, Reading, tool_input};
use crate::json::{Array, Keys, Object, Str, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Haystack",
    keys: Keys::of(&[
        "meta",
        "_meta",
        "replies",
        "llm",
        "generator",
        "chat_generator",
    ]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if is_chunk(object) {
        chunk(object, reading);
        return true;
    }
    if let Some((role, contents)) = message_of(object) {
        message(role, contents, &mut reading.inside("haystack message"));
        return true;
    }
    let mut components = ["llm", "generator", "chat_generator"].iter();
    let component = components.find_map(|name| object.object(name));
    let replies = object.get("replies");
    let replies = replies.or_else(|| component?.get("replies"));
    match replies.filter(|replies| are_replies(*replies)) {
        Some(replies) => {
            say_replies(replies, &mut reading.inside("haystack replies"));
            true
        }
        None => false,
    }
}

fn is_chunk(object: &Object<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "component_info",
        "tool_call_result",
        "finish_reason",
        "start",
    ];
    object.has("content")
        && object.object("meta").is_some()
        && OTHERS.iter().any(|key| object.has(key))
}

fn chunk(chunk: &Object<'_>, reading: &mut Reading<'_>) {
    let component = chunk.object("component_info");
    let mut words = reading.spoken_by(component.and_then(|component| component.string("name")));
    if let Some(reasoning) = chunk.object("reasoning") {
        thought(&reasoning, &mut words);
    }
    let calls = chunk.array("tool_calls").into_iter().flatten();
    for call in calls.filter_map(Value::as_object) {
        let input = tool_input::piece(call.get("arguments"));
        let name = call.string("tool_name");
        words.call(call.string("id"), call.number("index"), name, input);
    }
    if let Some(answer) = chunk.object("tool_call_result") {
        result(&answer, &mut words);
    }
    if let Some(text) = chunk.string("content") {
        words.text("haystack chunk", text);
    }
    if chunk.string("finish_reason").is_some() {
        words.turn_end();
    }
}

fn thought(reasoning: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(thought) = reasoning.string("reasoning_text") {
        reading.reasoning("haystack reasoning", thought);
    }
}

fn result(answer: &Object<'_>, reading: &mut Reading<'_>) {
    let origin = answer.object("origin");
    let id = origin.and_then(|origin| origin.string("id"));
    let name = origin.and_then(|origin| origin.string("tool_name"));
    reading.result_of(id, name, answer.get("result"), answer.is_true("error"));
}

/// The role of a message and its contents, by the names of today or by those of 2.9 and before.
fn parts<'a>(object: &Object<'a>) -> Option<(Str<'a>, Value<'a>)> {
    let today = object.string("role").zip(object.get("content"));
    let today = today.filter(|_| object.has("meta") && object.has("name"));
    today.or_else(|| object.string("_role").zip(object.get("_content")))
}

/// The role and the contents of a message; `None` where the object is none.
fn message_of<'a>(object: &Object<'a>) -> Option<(Str<'a>, Array<'a>)> {
    let (role, contents) = parts(object)?;
    Some((role, contents.as_array()?))
}

fn message(role: Str<'_>, contents: Array<'_>, reading: &mut Reading<'_>) {
    if role.is_any(&["user", "system"]) {
        return;
    }
    for part in contents.filter_map(Value::as_object) {
        if let Some(reasoning) = part.object("reasoning") {
            thought(&reasoning, reading);
        }
        if let Some(text) = part.string("text") {
            reading.text("text", text);
        }
        if let Some(call) = part.object("tool_call") {
            let input = tool_input::whole(call.get("arguments"));
            reading.call(call.string("id"), None, call.string("tool_name"), input);
        }
        if let Some(answer) = part.object("tool_call_result") {
            result(&answer, reading);
        }
    }
}

/// Whether an array is what a generator replies: texts, or messages.
fn are_replies(replies: Value<'_>) -> bool {
    let first = replies.as_array().and_then(|mut replies| replies.next());
    first.is_some_and(|first| match first.as_object() {
        Some(first) => message_of(&first).is_some(),
        None => first.as_str().is_some(),
    })
}

fn say_replies(replies: Value<'_>, reading: &mut Reading<'_>) {
    for reply in replies.as_array().into_iter().flatten() {
        if let Some(text) = reply.as_str() {
            reading.text("text", text);
        } else if let Some((role, contents)) = reply.as_object().and_then(|it| message_of(&it)) {
            message(role, contents, reading);
        }
    }
    reading.turn_end();
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    #[test]
    fn chunks_say_what_they_carry() {
        let rest = r#""meta":{"model":"m"},"component_info":null,"index":0,"start":false"#;
        let chunk = |fields: &str| format!("{{{fields},{rest}}}");
        let chunks = [
            chunk(
                r#""content":"It","tool_calls":null,"tool_call_result":null,"finish_reason":null,"reasoning":null"#,
            ),
            chunk(r#""content":"","reasoning":{"reasoning_text":"hm","extra":{}}"#),
            chunk(
                r#""content":"","tool_calls":[{"index":0,"tool_name":"f","arguments":"{\"a","id":"c","extra":null}]"#,
            ),
            chunk(r#""content":"","finish_reason":"tool_calls""#),
            chunk(
                r#""content":"","tool_call_result":{"result":"42","origin":{"tool_name":"f","arguments":{},"id":"c"},"error":false}"#,
            ),
        ];
        let lines = said(&chunks.each_ref().map(String::as_str));
        assert_eq!(
            lines,
            [
                "text It",
                "reasoning hm",
                r#"call c f piece {"a"#,
                "turn end",
                "result c 42",
            ]
        );
    }

    #[test]
    fn messages_and_replies_are_the_assistants() {
        let lines = said(&[
            r#"{"role":"user","meta":{},"name":null,"content":[{"text":"PROMPT"}]}"#,
            r#"{"role":"assistant","meta":{},"name":null,"content":[{"reasoning":{"reasoning_text":"hm"}},{"text":"It"},
                {"tool_call":{"tool_name":"f","arguments":{"a":1},"id":"c","extra":null}}]}"#,
            r#"{"role":"tool","meta":{},"name":null,"content":[{"tool_call_result":{"result":"42","origin":{"id":"c"},"error":true}}]}"#,
            r#"{"llm":{"replies":[{"_role":"assistant","_content":[{"text":"A"}],"_name":null,"_meta":{}}]}}"#,
            r#"{"replies":["B"],"meta":[{"model":"m"}]}"#,
        ]);
        assert_eq!(
            lines,
            [
                "reasoning hm",
                "text It",
                r#"call c f whole {"a":1}"#,
                "result c 42 failed",
                "text A",
                "turn end",
                "text B",
                "turn end",
            ]
        );
    }

    #[test]
    fn objects_of_other_formats_are_left_to_others() {
        let lines = said(&[
            r#"{"content":"A","meta":{"model":"m"}}"#,
            r#"{"role":"assistant","name":"x","meta":{},"content":"B"}"#,
        ]);
        assert_eq!(lines, ["text A", "text B"]);
    }

    #[test]
    fn replies_are_texts_or_messages() {
        leaves(
            &DIALECT,
            &[
                r#"{"replies":"x","text":"x"}"#,
                r#"{"replies":[{"text":"x"}]}"#,
                r#"{"replies":[]}"#,
            ],
        );
    }
}
