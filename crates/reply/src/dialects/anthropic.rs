//! Anthropic's Messages API: <https://docs.anthropic.com/en/docs/build-with-claude/streaming> and
//! <https://docs.anthropic.com/en/api/messages>, typed in `src/anthropic/types/` of
//! <https://github.com/anthropics/anthropic-sdk-python>; the events of that SDK's streaming helper,
//! each with a `snapshot` of what came so far, in `src/anthropic/lib/streaming/_types.py`.

use super::{Dialect, Reading};
use crate::json::{Keys, Object, Str, Value};
use crate::said::{Input, readable};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Anthropic Messages",
    keys: Keys::of(&["type"]),
    read,
};

/// What is remembered of the message that is coming.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// It stopped for a reason after which the model goes on.
    goes_on: bool,
}

const DELTA: &str = "anthropic delta";
const BLOCK: &str = "anthropic block";
const MESSAGE: &str = "anthropic message";

fn read(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = value.string("type") else {
        return false;
    };
    match &*name.decode() {
        "message_start" => {
            reading.memory().anthropic = Memory::default();
            value.object("message").is_some()
        }
        "content_block_start" => with(value.object("content_block"), |block| {
            block_start(&block, value.number("index"), reading);
        }),
        "content_block_delta" => with(value.object("delta"), |delta| {
            block_delta(&delta, value.number("index"), reading);
        }),
        "content_block_stop" => {
            block_stop(value, reading);
            value.has("index") || value.has("content_block")
        }
        "message_delta" => with(value.object("delta"), |delta| {
            if let Some(reason) = delta.string("stop_reason") {
                reading.memory().anthropic.goes_on = goes_on(reason);
            }
        }),
        "message_stop" => {
            message_stop(value, reading);
            true
        }
        "message" => with(is_message(value).then_some(value), |message| {
            content(message, MESSAGE, reading);
            reading.turn_end();
        }),
        "error" => with(value.object("error").filter(is_error), |_| reading.error()),
        "text" => with(helper(value, "text"), |text| {
            reading.text("anthropic helper", text);
        }),
        "thinking" => thinking(value, reading),
        "citation" => value.has("citation") && value.has("snapshot"),
        // The helper gives these beside the deltas, which alone say of which call they are.
        "input_json" | "input_json_delta" => value.has("partial_json"),
        "thinking_delta" => with(value.string("thinking"), |text| {
            reading.reasoning(DELTA, text);
        }),
        "signature" | "signature_delta" => value.has("signature"),
        "citations_delta" => value.has("citation"),
        _ => is_step(value) && block(value, None, BLOCK, reading),
    }
}

/// Reads what was found; false where nothing was.
fn with<T>(found: Option<T>, read: impl FnOnce(T)) -> bool {
    let is_there = found.is_some();
    found.map(read);
    is_there
}

/// The piece in an event of the SDK's helper. Other formats have no `snapshot` beside it.
fn helper<'a>(event: &Object<'a>, key: &str) -> Option<Str<'a>> {
    event
        .string(key)
        .filter(|_| event.string("snapshot").is_some())
}

/// Says the thinking in an event of the helper, or in a block by itself.
fn thinking(value: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let form = if value.has("snapshot") {
        "anthropic helper"
    } else {
        BLOCK
    };
    with(value.string("thinking"), |text| {
        reading.reasoning(form, text);
    })
}

/// Whether a message stopped for a reason after which the model goes on: it waits for a tool, or
/// for its turn to be continued.
fn goes_on(reason: Str<'_>) -> bool {
    reason.is_any(&["tool_use", "pause_turn", "compaction"])
}

fn is_error(error: &Object<'_>) -> bool {
    error
        .string("type")
        .is_some_and(|kind| kind.ends_with("_error"))
}

/// Whether an object of the type `message` is the API's, and no other format's.
fn is_message(message: &Object<'_>) -> bool {
    let is_the_apis = message.has("stop_reason") || message.string("model").is_some();
    is_the_apis && message.is("role", "assistant") && message.array("content").is_some()
}

fn content(message: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let blocks = message.array("content").into_iter().flatten();
    for content in blocks.filter_map(Value::as_object) {
        block(&content, None, form, reading);
    }
}

/// Says that a message is over. Inside of another format's object only a turn is: that format says
/// itself when the reply ends.
fn message_stop(event: &Object<'_>, reading: &mut Reading<'_>) {
    let mut waits = reading.memory().anthropic.goes_on;
    if let Some(message) = event.object("message") {
        content(&message, MESSAGE, reading);
        waits |= message.string("stop_reason").is_some_and(goes_on);
    }
    if waits || reading.is_inside() {
        reading.turn_end();
    } else {
        reading.end();
    }
}

fn block_start(block: &Object<'_>, index: Option<u64>, reading: &mut Reading<'_>) {
    let kind = block.string("type");
    if kind.is_some_and(is_call) && block.get("input").is_none_or(Value::is_nothing) {
        let (id, name) = (block.string("id"), block.string("name"));
        reading.call(id, index, name, Input::Announced);
    } else {
        self::block(block, index, DELTA, reading);
    }
}

fn block_delta(delta: &Object<'_>, index: Option<u64>, reading: &mut Reading<'_>) {
    let Some(kind) = delta.string("type") else {
        return;
    };
    if kind.is("text_delta") {
        if let Some(text) = delta.string("text") {
            reading.text(DELTA, text);
        }
    } else if kind.is("thinking_delta") {
        if let Some(text) = delta.string("thinking") {
            reading.reasoning(DELTA, text);
        }
    } else if kind.is("input_json_delta")
        && let Some(piece) = delta.string("partial_json")
    {
        let piece = Input::Piece(piece.decode().into_owned());
        reading.call(None, index, None, piece);
    }
}

/// Says that a block is over. The helper gives it again as a whole.
fn block_stop(event: &Object<'_>, reading: &mut Reading<'_>) {
    let index = event.number("index");
    if let Some(content) = event.object("content_block") {
        block(&content, index, BLOCK, reading);
    } else if index.is_some() {
        reading.call(None, index, None, Input::Ended);
    }
}

/// The kinds of calls: `tool_use`, `server_tool_use`, `mcp_tool_use`.
fn is_call(kind: Str<'_>) -> bool {
    kind.ends_with("tool_use")
}

/// The kinds of results: `tool_result`, `web_search_tool_result`, `mcp_tool_result` …
fn is_result(kind: Str<'_>) -> bool {
    kind.ends_with("tool_result")
}

/// Whether an object is a call of a tool or its result, by itself. Others use the types too, with
/// an id or an output under keys of their own.
fn is_step(block: &Object<'_>) -> bool {
    let kind = block.string("type");
    let has = |key: &str| block.string(key).is_some();
    (kind.is_some_and(is_call) && has("id") && has("name") && block.has("input"))
        || (kind.is_some_and(is_result) && has("tool_use_id") && block.has("content"))
}

/// Reads a block of content; false where it has nothing to say.
fn block(block: &Object<'_>, index: Option<u64>, form: &str, reading: &mut Reading<'_>) -> bool {
    let Some(kind) = block.string("type") else {
        return false;
    };
    if kind.is("text") {
        return with(block.string("text"), |text| reading.text(form, text));
    }
    if kind.is("thinking") {
        return with(block.string("thinking"), |text| {
            reading.reasoning(form, text);
        });
    }
    if is_call(kind) {
        let input = block.get("input").map(readable).unwrap_or_default();
        let name = block.string("name");
        reading.call(block.string("id"), index, name, Input::Whole(input));
        return true;
    }
    if is_result(kind) {
        result(block, reading);
        return true;
    }
    false
}

fn result(block: &Object<'_>, reading: &mut Reading<'_>) {
    let content = block.get("content");
    // The server's own tools say in their content that they failed.
    let kind = content
        .and_then(Value::as_object)
        .and_then(|content| content.string("type"));
    let failed = block.is_true("is_error") || kind.is_some_and(|kind| kind.ends_with("_error"));
    reading.result(block.string("tool_use_id"), content, failed);
}

#[cfg(test)]
mod tests;
