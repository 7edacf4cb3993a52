//! `AutoGen`: the messages and events of an agent's or a team's run.
//!
//! <https://github.com/microsoft/autogen/blob/main/python/packages/autogen-agentchat/src/autogen_agentchat/messages.py>,
//! `TaskResult` in `base/_task.py` and `Response` in `base/_chat_agent.py` beside it, and the
//! messages of models in `python/packages/autogen-core/src/autogen_core/models/_types.py`.
//!
//! A `ToolCallSummaryMessage` is what an agent answers that does not reflect on its tools' results:
//! its own words, made of those results by its developer's format.

use super::{Dialect, Reading, tool_input};
use crate::json::{Keys, Kind, Object, Str, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "AutoGen",
    keys: Keys::of(&[
        "type",
        "models_usage",
        "stop_reason",
        "chat_message",
        "cached",
    ]),
    read,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Chunk,
    Message,
    Structured,
    Thought,
    Calls,
    Results,
    CodeResult,
    /// The task is handed over to another agent.
    Handoff,
    /// Not said to the user.
    Silent,
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(class) = class_of(object) {
        message(class, &body(object), reading);
        return true;
    }
    if let Some(messages) = task_messages(object) {
        task_result(messages, &mut reading.inside("autogen task"));
        reading.end();
        return true;
    }
    if let Some(said) = object
        .object("chat_message")
        .filter(|said| class_of(said).is_some())
    {
        let inner = object.get("inner_messages");
        let said = [Some(said.value())];
        let inner = inner.and_then(Value::as_array).into_iter().flatten();
        let mut reading = reading.inside("autogen response");
        steps(inner.clone(), &mut reading);
        texts(said.into_iter().flatten(), &mut reading);
        return true;
    }
    if object.has("cached") && object.has("finish_reason") && object.has("usage") {
        model_result(object, reading);
        return true;
    }
    false
}

/// The fields of a message, which are beside its name or in `data`.
fn body<'a>(object: &Object<'a>) -> Object<'a> {
    let is_wrapper = !object.has("content") && !object.has("source");
    let inside = object.object("data").filter(|_| is_wrapper);
    inside.unwrap_or(*object)
}

fn class_of(object: &Object<'_>) -> Option<Class> {
    let name = object.string("type")?.decode();
    let class = match &*name {
        "ModelClientStreamingChunkEvent" => Class::Chunk,
        "TextMessage" | "MultiModalMessage" | "StopMessage" | "ToolCallSummaryMessage" => {
            Class::Message
        }
        // Other formats have messages of this name too, but no source.
        "AssistantMessage" if object.string("source").is_some() => Class::Message,
        "ThoughtEvent" | "CodeGenerationEvent" => Class::Thought,
        "ToolCallRequestEvent" => Class::Calls,
        "ToolCallExecutionEvent" | "FunctionExecutionResultMessage" => Class::Results,
        "CodeExecutionEvent" => Class::CodeResult,
        "HandoffMessage" => Class::Handoff,
        "UserInputRequestedEvent" | "MemoryQueryEvent" | "SelectSpeakerEvent" | "SelectorEvent" => {
            Class::Silent
        }
        "UserMessage" if object.string("source").is_some() => Class::Silent,
        "SystemMessage" if object.string("content").is_some() => Class::Silent,
        name if name.starts_with("StructuredMessage") => Class::Structured,
        // Classes of the developer's own.
        name if object.has("models_usage") && object.has("source") => {
            if name.ends_with("Event") {
                Class::Silent
            } else {
                Class::Structured
            }
        }
        _ => return None,
    };
    Some(class)
}

fn message(class: Class, message: &Object<'_>, reading: &mut Reading<'_>) {
    if is_users(message) {
        return;
    }
    let mut words = reading.spoken_by(message.string("source"));
    let content = message.get("content");
    match class {
        Class::Chunk => {
            if let Some(text) = content.and_then(Value::as_str) {
                words.text("autogen chunk", text);
            }
        }
        Class::Message => {
            if let Some(thought) = message.string("thought") {
                words.reasoning("autogen thought", thought);
            }
            said("autogen message", content, &mut words);
        }
        Class::Structured => structured(content, &mut words),
        Class::Thought => {
            if let Some(thought) = content.and_then(Value::as_str) {
                words.reasoning("autogen thought", thought);
            }
        }
        Class::Calls => calls(content, &mut words),
        Class::Results => results(content, &mut words),
        Class::CodeResult => {
            let result = message.object("result");
            let output = result.and_then(|result| result.get("output"));
            let code = result.and_then(|result| result.get("exit_code"));
            words.result(None, output, code.is_some_and(|code| !code.is_nothing()));
        }
        Class::Handoff => words.turn_end(),
        Class::Silent => {}
    }
}

/// Whether a message is the user's, by its source. A team may have a human among its members.
fn is_users(message: &Object<'_>) -> bool {
    let source = message.string("source");
    source.is_some_and(|source| source.is_any(&["user", "user_proxy", "UserProxy", "human"]))
}

/// Says the text of a content: a string, or the strings in a list, which may have pictures too.
fn said(form: &str, content: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let Some(content) = content else { return };
    if let Some(text) = content.as_str() {
        return reading.text(form, text);
    }
    for part in content.as_array().into_iter().flatten() {
        if let Some(text) = part.as_str() {
            reading.text(form, text);
        }
    }
    calls(Some(content), reading);
}

/// Says a content of the developer's own type: its text, or else its JSON.
fn structured(content: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let Some(content) = content else { return };
    match content.kind() {
        Kind::Object => reading.text("autogen structured", Str::plain(content.raw())),
        _ => said("autogen structured", Some(content), reading),
    }
}

fn calls(content: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let calls = content.and_then(Value::as_array).into_iter().flatten();
    for call in calls.filter_map(Value::as_object) {
        if let Some(name) = call.string("name") {
            let input = tool_input::whole(call.get("arguments"));
            reading.call(call.string("id"), None, Some(name), input);
        }
    }
}

fn results(content: Option<Value<'_>>, reading: &mut Reading<'_>) {
    let results = content.and_then(Value::as_array).into_iter().flatten();
    for result in results.filter_map(Value::as_object) {
        let failed = result.is_true("is_error");
        reading.result(result.string("call_id"), result.get("content"), failed);
    }
}

/// The messages of a `TaskResult`.
fn task_messages<'a>(object: &Object<'a>) -> Option<Value<'a>> {
    let messages = object
        .get("messages")
        .filter(|_| object.has("stop_reason"))?;
    let mut first = messages.as_array()?;
    let first = first.next()?.as_object()?;
    class_of(&first).is_some().then_some(messages)
}

fn task_result(messages: Value<'_>, reading: &mut Reading<'_>) {
    let messages = messages.as_array().into_iter().flatten();
    // Steps come last: one among the words would begin a new turn, and words are compared turn by
    // turn.
    texts(messages.clone(), &mut reading.snapshot());
    steps(messages, reading);
}

fn texts<'a>(messages: impl Iterator<Item = Value<'a>>, reading: &mut Reading<'_>) {
    let is_text = |class: &Class| matches!(class, Class::Message | Class::Structured);
    each(messages, is_text, reading);
}

fn steps<'a>(messages: impl Iterator<Item = Value<'a>>, reading: &mut Reading<'_>) {
    let is_step = |class: &Class| {
        matches!(
            class,
            Class::Thought | Class::Calls | Class::Results | Class::CodeResult
        )
    };
    each(messages, is_step, reading);
}

fn each<'a>(
    messages: impl Iterator<Item = Value<'a>>,
    is_wanted: impl Fn(&Class) -> bool,
    reading: &mut Reading<'_>,
) {
    for object in messages.filter_map(Value::as_object) {
        if let Some(class) = class_of(&object).filter(&is_wanted) {
            message(class, &object, reading);
        }
    }
}

/// Says what a model's client gives at the end of its stream.
fn model_result(result: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(thought) = result.string("thought") {
        reading.reasoning("autogen model thought", thought);
    }
    said("autogen model", result.get("content"), reading);
    reading.turn_end();
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    const CALL: &str = r#"{"source":"a","models_usage":null,"content":[{"id":"c","arguments":"{\"city\":\"Paris\"}",
        "name":"f"}],"type":"ToolCallRequestEvent"}"#;
    const RESULT: &str = r#"{"source":"a","models_usage":null,"content":[{"content":"42","name":"f","call_id":"c",
        "is_error":false}],"type":"ToolCallExecutionEvent"}"#;

    #[test]
    fn a_run_says_its_messages_and_steps() {
        let lines = said(&[
            r#"{"id":"1","source":"user","models_usage":null,"metadata":{},"content":"PROMPT","type":"TextMessage"}"#,
            r#"{"source":"a","content":"It","full_message_id":"2","type":"ModelClientStreamingChunkEvent"}"#,
            r#"{"source":"a","content":"hm","type":"ThoughtEvent"}"#,
            CALL,
            RESULT,
            r#"{"source":"a","content":"It is 42.","type":"TextMessage"}"#,
            r#"{"source":"a","content":["Look: ",{"data":"aGk="}],"type":"MultiModalMessage"}"#,
            r#"{"source":"a","content":{"n":1},"format_string":null,"type":"StructuredMessage[N]"}"#,
            r#"{"source":"a","content":"42","tool_calls":[],"results":[],"type":"ToolCallSummaryMessage"}"#,
            r#"{"source":"a","target":"b","content":"Transferred to b.","context":[],"type":"HandoffMessage"}"#,
            r#"{"source":"s","content":["b"],"type":"SelectSpeakerEvent"}"#,
        ]);
        assert_eq!(
            lines,
            [
                "text It",
                "reasoning hm",
                r#"call c f whole {"city":"Paris"}"#,
                "result c 42",
                "text It is 42.",
                "text Look: ",
                r#"text {"n":1}"#,
                "text 42",
                "turn end",
            ]
        );
    }

    #[test]
    fn code_that_was_run_has_failed_where_it_says_so() {
        let code = |exit_code| {
            let event = format!(
                r#"{{"source":"a","models_usage":null,"metadata":{{}},"retry_attempt":0,"result":{{"exit_code":{exit_code},"output":"out"}},"type":"CodeExecutionEvent"}}"#
            );
            said(&[&event])
        };
        assert_eq!(code(0), ["result - out"]);
        assert_eq!(code(1), ["result - out failed"]);
        assert_eq!(code(124), ["result - out failed"]);
    }

    #[test]
    fn classes_of_the_developers_own_are_messages_or_events() {
        let lines = said(&[
            r#"{"source":"a","models_usage":null,"metadata":{},"content":"Hi","type":"Answer"}"#,
            r#"{"source":"a","models_usage":null,"metadata":{},"content":"no","type":"SearchEvent"}"#,
            r#"{"content":[{"id":"c","arguments":"","name":"f"}],"thought":"hm","source":"a","type":"AssistantMessage"}"#,
        ]);
        assert_eq!(lines, ["text Hi", "reasoning hm", "call c f begun"]);
    }

    #[test]
    fn a_message_may_be_inside_of_its_name() {
        let lines = said(&[
            r#"{"type":"TextMessage","data":{"source":"user","content":"PROMPT","type":"TextMessage"}}"#,
            r#"{"type":"TextMessage","data":{"source":"a","content":"A","type":"TextMessage"}}"#,
        ]);
        assert_eq!(lines, ["text A"]);
    }

    #[test]
    fn results_are_the_conversation_so_far_and_the_end() {
        let task = format!(
            r#"{{"messages":[{{"source":"user","content":"PROMPT","type":"TextMessage"}},
            {{"source":"a","content":"hm","type":"ThoughtEvent"}},{CALL},{RESULT},
            {{"source":"a","result":{{"exit_code":0,"output":"out"}},"type":"CodeExecutionEvent"}},
            {{"source":"a","content":"A","type":"TextMessage"}}],"stop_reason":null}}"#
        );
        let response = format!(
            r#"{{"chat_message":{{"source":"a","content":"A","type":"TextMessage"}},"inner_messages":[{CALL},7]}}"#
        );
        let lines = said(&[
            &response,
            &task,
            r#"{"finish_reason":"stop","content":"A","usage":{},"cached":false,"logprobs":null,"thought":"hm"}"#,
        ]);
        assert_eq!(
            lines,
            [
                r#"call c f whole {"city":"Paris"}"#,
                "text A",
                "text A",
                "reasoning hm",
                r#"call c f whole {"city":"Paris"}"#,
                "result c 42",
                "result - out",
                "end",
                "reasoning hm",
                "text A",
                "turn end",
            ]
        );
    }

    #[test]
    fn a_message_without_a_source_is_no_wrapper() {
        let message = r#"{"type":"TextMessage","content":"Hi","data":{"content":"DATA"}}"#;
        assert_eq!(said(&[message]), ["text Hi"]);
    }

    #[test]
    fn what_is_not_of_autogen_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"type":"AssistantMessage","content":"x"}"#,
                r#"{"type":"UserMessage","content":"x"}"#,
                r#"{"cached":true,"text":"x"}"#,
                r#"{"cached":true,"finish_reason":"stop","text":"x"}"#,
                r#"{"stop_reason":"x","usage":{},"text":"x"}"#,
            ],
        );
    }
}
