//! OpenAI's chat completions, which most other providers copy:
//! <https://platform.openai.com/docs/api-reference/chat/object> and
//! <https://platform.openai.com/docs/api-reference/chat-streaming>, typed in
//! `src/openai/types/chat/` of <https://github.com/openai/openai-python>; the events of that SDK's
//! streaming helper in `src/openai/lib/streaming/chat/_events.py`. Reasoning is the providers' own:
//! most call it `reasoning_content`, some `reasoning`.

use super::any_key;
use super::{Dialect, Reading};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::names::is_agents;
use crate::said::{Input, readable};

pub(super) const DIALECT: Dialect = Dialect {
    name: "OpenAI chat",
    keys: Keys::of(&["choices", "type", "tool_calls"]),
    read,
};

/// What is remembered of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Chunks came, which have said already what the helper's events say.
    has_chunks: bool,
}

fn read(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if value.array("choices").is_some() {
        return completion(value, reading);
    }
    helper(value, reading) || lone_message(value, reading)
}

/// Reads a completion, or a chunk of one.
fn completion(completion: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let choice = first_choice(completion);
    let kind = completion.string("object");
    let is_named = kind.is_some_and(|kind| kind.is_any(NAMES));
    // Azure begins with a chunk that has these fields and nothing in them.
    let is_empty = completion.has("model") && completion.has("created");
    let is_one = is_named
        || (choice.is_none() && is_empty)
        || choice.is_some_and(|choice| {
            choice.object("delta").is_some() || choice.object("message").is_some()
        });
    if !is_one {
        return false;
    }
    if completion
        .get("error")
        .is_some_and(|error| !error.is_nothing())
    {
        reading.error();
        return true;
    }
    if let Some(choice) = choice {
        let mut reading = reading.spoken_by(completion.string("id"));
        read_choice(&choice, &mut reading);
    }
    true
}

const NAMES: &[&str] = &[
    "chat.completion.chunk",
    "chat.completion",
    "text_completion",
];

/// The first choice. The others are other answers to the same question.
fn first_choice<'a>(completion: &Object<'a>) -> Option<Object<'a>> {
    let choice = completion.array("choices")?.next()?.as_object()?;
    let index = choice.number("index").unwrap_or(0);
    (index == 0).then_some(choice)
}

fn read_choice(choice: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(delta) = choice.object("delta") {
        reading.memory().openai_chat.has_chunks = true;
        message(&delta, CHUNK, reading);
    } else if let Some(whole) = choice.object("message") {
        message(&whole, MESSAGE, reading);
    } else if let Some(text) = choice.string("text") {
        reading.text("chat completion text", text);
    }
    match choice.string("finish_reason") {
        // The provider failed in the middle of its answer.
        Some(reason) if reason.is("error") => reading.error(),
        Some(reason) if !reason.is_empty() => reading.turn_end(),
        _ => {}
    }
}

/// The form of a message, and whether it is whole or a piece.
#[derive(Clone, Copy)]
struct Origin {
    form: &'static str,
    is_whole: bool,
}

const CHUNK: Origin = Origin {
    form: "chat delta",
    is_whole: false,
};
const MESSAGE: Origin = Origin {
    form: "chat message",
    is_whole: true,
};

fn message(message: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    if !is_agents(message.string("role")) {
        return;
    }
    let reasoning = ["reasoning_content", "reasoning"];
    if let Some(text) = any_key::string(message, &reasoning).filter(|text| !text.is_empty()) {
        reading.reasoning(origin.form, text);
    }
    match message.get("content") {
        Some(content) if content.kind() == Kind::Array => parts(content, origin, reading),
        Some(content) => {
            if let Some(text) = content.as_str() {
                reading.text(origin.form, text);
            }
        }
        None => {}
    }
    if let Some(text) = message.string("refusal") {
        reading.text(origin.form, text);
    }
    let audio = message.object("audio");
    if let Some(text) = audio.and_then(|audio| audio.string("transcript")) {
        reading.unwrapped("audio").text(origin.form, text);
    }
    for call in message.array("tool_calls").into_iter().flatten() {
        if let Some(call) = call.as_object() {
            tool_call(&call, origin, reading);
        }
    }
    if let Some(function) = message.object("function_call") {
        call_of(&function, None, Some(0), origin, reading);
    }
}

/// Says content in parts, as some providers give it.
fn parts(content: Value<'_>, origin: Origin, reading: &mut Reading<'_>) {
    let parts = content.as_array().into_iter().flatten();
    for part in parts.filter_map(Value::as_object) {
        let Some(kind) = part.string("type") else {
            continue;
        };
        match &*kind.decode() {
            kind @ ("text" | "refusal") => {
                if let Some(text) = part.string(kind) {
                    reading.text(origin.form, text);
                }
            }
            "thinking" => thoughts(&part, "thinking", origin, reading),
            "reasoning" => thoughts(&part, "summary", origin, reading),
            _ => {}
        }
    }
}

/// Says thoughts as Mistral and Databricks give them, in the parts of a part, or as Anthropic does.
fn thoughts(part: &Object<'_>, key: &str, origin: Origin, reading: &mut Reading<'_>) {
    if let Some(text) = part.string(key) {
        return reading.reasoning(origin.form, text);
    }
    for thought in part.array(key).into_iter().flatten() {
        let text = thought
            .as_object()
            .and_then(|thought| thought.string("text"));
        if let Some(text) = text {
            reading.reasoning(origin.form, text);
        }
    }
}

fn tool_call(call: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    let (id, index) = (call.string("id"), call.number("index"));
    if let Some(function) = any_key::object(call, &["function", "custom"]) {
        call_of(&function, id, index, origin, reading);
    }
}

fn call_of(
    function: &Object<'_>,
    id: Option<Str<'_>>,
    index: Option<u64>,
    origin: Origin,
    reading: &mut Reading<'_>,
) {
    let arguments = any_key::value(function, &["arguments", "input"]).map(readable);
    let input = match arguments {
        Some(arguments) if origin.is_whole => Input::Whole(arguments),
        None if origin.is_whole => Input::Whole(String::new()),
        Some(piece) => Input::Piece(piece),
        None => Input::None,
    };
    // Some providers give the name with each piece, but empty.
    reading.call(id, index, function.string("name"), input);
}

/// Reads an event of the streaming helper.
fn helper(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = event.string("type") else {
        return false;
    };
    match &*name.decode() {
        "chunk" => {
            let chunk = event.object("chunk");
            let is_chunk = |chunk: &Object<'_>| chunk.array("choices").is_some();
            return chunk
                .filter(is_chunk)
                .is_some_and(|chunk| completion(&chunk, &mut reading.unwrapped("chunk")));
        }
        "content.delta" | "refusal.delta" => {
            let Some(delta) = event.string("delta") else {
                return false;
            };
            reading.text("chat helper delta", delta);
        }
        "content.done" | "refusal.done" => {
            let Some(text) = any_key::string(event, &["content", "refusal"]) else {
                return false;
            };
            reading.text("chat helper done", text);
        }
        "tool_calls.function.arguments.delta" => helper_call(event, "arguments_delta", reading),
        "tool_calls.function.arguments.done" => helper_call(event, "arguments", reading),
        "logprobs.content.delta"
        | "logprobs.content.done"
        | "logprobs.refusal.delta"
        | "logprobs.refusal.done" => {}
        _ => return false,
    }
    true
}

fn helper_call(event: &Object<'_>, key: &str, reading: &mut Reading<'_>) {
    let arguments = event.string(key).map(|text| text.decode().into_owned());
    if let Some(arguments) = arguments.filter(|_| !reading.memory().openai_chat.has_chunks) {
        let input = if key == "arguments" {
            Input::Whole(arguments)
        } else {
            Input::Piece(arguments)
        };
        reading.call(None, event.number("index"), event.string("name"), input);
    }
}

/// Reads a message by itself. It is known by `tool_calls` with functions, or by the nulls that the
/// SDK dumps; a message without them could be anybody's.
fn lone_message(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if !value.is("role", "assistant") {
        return false;
    }
    let calls = value.array("tool_calls");
    let first = calls.and_then(|mut calls| calls.next()?.as_object());
    let has_calls = first.is_some_and(|call| call.object("function").is_some());
    let is_dump = value.has("tool_calls") && value.has("refusal") && value.has("function_call");
    if has_calls || is_dump {
        message(value, MESSAGE, reading);
        reading.turn_end();
    }
    has_calls || is_dump
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, said};

    #[test]
    fn chunks_have_the_text() {
        let lines = said(&[
            r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"reasoning_content":"hm","content":null}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning":"so","content":""}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Hi","refusal":null}}]}"#,
            r#"{"id":"c","choices":[{"index":1,"delta":{"content":"Other"}}],"object":"chat.completion.chunk"}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"m"}]},{"type":"text","text":"!"}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"refusal":"No."}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"total_tokens":3}}"#,
            r#"{"id":"","object":"","choices":[],"created":0,"model":"","prompt_filter_results":[{"prompt_index":0}]}"#,
        ]);
        let expected = [
            "reasoning hm",
            "reasoning so",
            "text Hi",
            "reasoning m",
            "text !",
            "text No.",
            "turn end",
        ];
        assert_eq!(lines, expected);
        // Some providers have no null.
        let unfinished =
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":""}]}"#;
        assert_eq!(said(&[unfinished]), ["text Hi"]);
    }

    #[test]
    fn a_content_may_come_in_parts() {
        let lines = said(&[
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":[
                {"type":"reasoning","summary":[{"type":"summary_text","text":"hm","signature":"s"}]},{"type":"thinking","thinking":"so","signature":"s"},
                {"type":"text","text":"Hi"},{"type":"refusal","refusal":"No."},{"type":"reference","reference_ids":[1]},{"x":1}]},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"user","content":"PROMPT"}}]}"#,
        ]);
        let expected = ["reasoning hmso", "text HiNo.", "turn end"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn tools_are_called_in_pieces_and_whole() {
        let lines = said(&[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":null,"function":{"name":null,"arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"function_call":{"name":"g","arguments":"{"}}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"e","type":"function","function":{"name":"f"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
            r#"{"object":"chat.completion","choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[
                {"id":"b","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
                {"id":"d","type":"custom","custom":{"name":"h","input":"x"}},{"id":"k","type":"function","function":{"name":"f"}}]}}]}"#,
        ]);
        let expected = [
            "call a f piece ",
            "call - - piece {}",
            "call - g piece {",
            "call e f begun",
            "turn end",
            r#"call b f whole {"a":1}"#,
            "call d h whole x",
            "call k f whole ",
            "turn end",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_completion_ends_its_turn_and_an_error_fails_the_reply() {
        let lines = said(&[
            r#"{"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hi","audio":{"transcript":"Hi"}}}]}"#,
            r#"{"object":"text_completion","choices":[{"index":0,"text":"Hi","finish_reason":null}]}"#,
            r#"{"role":"assistant","content":"Hi","refusal":null,"function_call":null,"tool_calls":null,"audio":null}"#,
            r#"{"choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"SECRET"}}"#,
        ]);
        let expected = [
            "text Hi", "text Hi", "turn end", "text Hi", "text Hi", "turn end", "error",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_helper_says_it_in_its_own_events() {
        let call = [
            r#"{"type":"tool_calls.function.arguments.delta","name":"f","index":0,"arguments":"{","parsed_arguments":{},"arguments_delta":"{"}"#,
            r#"{"type":"tool_calls.function.arguments.done","name":"f","index":0,"arguments":"{}","parsed_arguments":{}}"#,
        ];
        assert_eq!(said(&call), ["call - f piece {", "call - f whole {}"]);
        let lines = said(&[
            r#"{"type":"chunk","chunk":{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]},"snapshot":{"choices":[{"message":{"content":"Hi"}}]}}"#,
            r#"{"type":"content.delta","delta":"Hi","snapshot":"Hi","parsed":null}"#,
            r#"{"type":"logprobs.content.delta","content":[{"token":"Hi"}],"snapshot":[]}"#,
            r#"{"type":"content.done","content":"Hi","parsed":null}"#,
            r#"{"type":"refusal.done","refusal":"No."}"#,
            call[1],
        ]);
        assert_eq!(lines, ["text Hi", "text Hi", "text Hi", "text No."]);
    }

    #[test]
    fn what_is_not_of_the_api_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"choices":["a","b"]}"#,
                r#"{"choices":[{"text":"x"}]}"#,
                r#"{"role":"assistant","content":"x"}"#,
                r#"{"role":"assistant","content":"x","tool_calls":[]}"#,
                r#"{"type":"chunk","chunk":"x"}"#,
                r#"{"type":"chunk","chunk":{"text":"x"}}"#,
                r#"{"type":"content.delta","text":"x"}"#,
                r#"{"type":"content.done","text":"x"}"#,
            ],
        );
    }
}
