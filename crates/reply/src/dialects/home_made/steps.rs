//! Tools and reasoning, by the words that people choose for keys.

use crate::dialects::{Reading, tool_input};
use crate::json::{Kind, Object, Str, Value};
use crate::names::Name;
use crate::said::Input;

/// Keys of the object that may hold a tool's fields, where they are not beside the name.
const INSIDE: &[&str] = &[
    "tool_call",
    "toolCall",
    "tool_use",
    "toolUse",
    "tool_result",
    "toolResult",
    "function_call",
    "functionCall",
    "function_response",
    "functionResponse",
    "tool",
    "function",
    "data",
    "payload",
];
const IDS: &[&str] = &[
    "tool_call_id",
    "toolCallId",
    "tool_use_id",
    "toolUseId",
    "call_id",
    "callId",
    "tool_id",
    "id",
];
/// Ids that are a call's, whatever has them.
const CALL_IDS: &[&str] = &["tool_use_id", "tool_call_id", "toolUseId", "toolCallId"];
const NAMES: &[&str] = &[
    "tool_name",
    "toolName",
    "function_name",
    "tool",
    "function",
    "name",
];
const INPUTS: &[&str] = &[
    "input",
    "arguments",
    "args",
    "tool_input",
    "toolInput",
    "tool_args",
    "parameters",
    "params",
    "kwargs",
    "tool_kwargs",
    "partial_json",
    "delta",
];
const OUTPUTS: &[&str] = &[
    "output",
    "result",
    "content",
    "response",
    "tool_output",
    "toolOutput",
    "observation",
    "text",
    "value",
    "message",
    "error",
];
const THOUGHTS: &[&str] = &[
    "thinking",
    "reasoning",
    "reasoning_text",
    "reasoningText",
    "reasoning_content",
    "reasoningContent",
    "thought",
    "delta",
    "chunk",
    "token",
    "text",
    "data",
    "content",
    "summary",
    "response",
    "result",
    "output",
    "message",
    "value",
    "parts",
    "payload",
];

/// An object that concerns a tool, the one inside that may have the fields, and the one inside of
/// that: `{"tool_call": {"id", "function": {"name", "arguments"}}}`.
struct Tool<'a> {
    object: Object<'a>,
    inside: [Option<Object<'a>>; 2],
}

impl<'a> Tool<'a> {
    fn new(object: &Object<'a>) -> Self {
        let inside = |object: &Object<'a>| INSIDE.iter().find_map(|key| object.object(key));
        let first = inside(object);
        Self {
            object: *object,
            inside: [first, first.as_ref().and_then(inside)],
        }
    }

    fn find<T>(&self, keys: &[&str], mut take: impl FnMut(Value<'a>) -> Option<T>) -> Option<T> {
        let inside = self.inside.iter().flatten();
        let mut found = std::iter::once(&self.object)
            .chain(inside)
            .flat_map(|place| keys.iter().filter_map(|key| place.get(key)))
            .filter_map(&mut take);
        found.next()
    }

    fn id(&self) -> Option<Str<'a>> {
        self.find(IDS, Value::as_str)
    }

    fn name(&self) -> Option<Str<'a>> {
        self.find(NAMES, Value::as_str)
    }

    fn input(&self, is_piece: bool) -> Input {
        let something = |value: Value<'a>| (!value.is_null()).then_some(value);
        let input = self.find(INPUTS, something);
        if is_piece {
            tool_input::piece(input)
        } else {
            tool_input::of(input)
        }
    }

    fn output(&self) -> Option<Value<'a>> {
        let something = |value: Value<'a>| (!value.is_null()).then_some(value);
        // `data` comes last, since all the other fields may be inside of it.
        self.find(OUTPUTS, something)
            .or_else(|| self.object.get("data").and_then(something))
            .or_else(|| self.find(&["output", "result"], Some))
    }

    fn has_failed(&self) -> bool {
        let is_failure = |value: Value<'a>| {
            let is_word = value
                .as_str()
                .is_some_and(|word| word.is_any(&["error", "failed"]));
            is_word.then_some(())
        };
        let is_true = |value: Value<'a>| value.is_true().then_some(());
        let is_false = |value: Value<'a>| (value.kind() == Kind::False).then_some(());
        let is_something = |value: Value<'a>| (!value.is_nothing()).then_some(());
        self.find(&["is_error", "isError"], is_true).is_some()
            || self.find(&["success"], is_false).is_some()
            || self.find(&["error", "exception"], is_something).is_some()
            || self.find(&["status", "state"], is_failure).is_some()
    }
}

/// Says the call or the result in an object whose name speaks of a tool.
pub(super) fn tool(
    object: &Object<'_>,
    name: &Name<'_>,
    outer_name: &str,
    reading: &mut Reading<'_>,
) {
    const PIECES: &[&str] = &["delta", "chunk", "partial", "stream"];
    let tool = Tool::new(object);
    let is_piece = name.speaks_of(PIECES) || Name::plain(outer_name).speaks_of(PIECES);
    let is_result = is_result(name) || is_result(&Name::plain(outer_name));
    let has_answered = tool.output().is_some() || name.is_failure() || is_answer(name);
    if is_result && has_answered {
        let failed = name.is_failure() || tool.has_failed();
        return reading.result_of(tool.id(), tool.name(), tool.output(), failed);
    }
    match tool.input(is_piece) {
        // The call is over. With its name it would begin another call.
        Input::None if is_result => {
            reading.call(tool.id(), object.number("index"), None, Input::Ended);
        }
        input => reading.call(tool.id(), object.number("index"), tool.name(), input),
    }
}

const ANSWERS: &[&str] = &["result", "output", "response", "observation", "return"];

/// Whether a name is that of a result, and not of one that begins or ends: it is one without an
/// output too.
fn is_answer(name: &Name<'_>) -> bool {
    ANSWERS.iter().any(|answer| name.as_str().ends_with(answer))
}

/// Whether a name that speaks of a tool speaks of its result.
pub(super) fn is_result(name: &Name<'_>) -> bool {
    const ENDS: &[&str] = &[
        "end",
        "ended",
        "complete",
        "completed",
        "finish",
        "finished",
        "done",
    ];
    let ends = ENDS.iter().any(|end| name.as_str().ends_with(end));
    name.speaks_of(ANSWERS) || ends || name.is_failure()
}

/// Says the words in an object that is a tool's: its result, or where the object has an input and
/// no output, a call.
pub(super) fn tools_words(object: &Object<'_>, reading: &mut Reading<'_>) {
    let tool = Tool::new(object);
    let output = tool.output();
    let input = tool.input(false);
    if output.is_none() && input != Input::None {
        reading.call(tool.id(), object.number("index"), tool.name(), input);
    } else {
        reading.result_of(tool.id(), tool.name(), output, tool.has_failed());
    }
}

/// Says what tools answered in a message of the user's: what it has of blocks with the id of a
/// call.
pub(super) fn answers(object: &Object<'_>, reading: &mut Reading<'_>) {
    let message = object.object("message").unwrap_or(*object);
    let blocks = message.array("content").into_iter().flatten();
    for block in blocks.filter_map(Value::as_object) {
        answer(&block, &mut reading.inside("content"));
    }
}

/// Says what a tool answered, where a block has the id of a call.
pub(in crate::dialects) fn answer(block: &Object<'_>, reading: &mut Reading<'_>) {
    if CALL_IDS.iter().any(|key| block.string(key).is_some()) {
        super::read(block, reading);
    }
}

/// Says the calls that stand beside a text.
pub(in crate::dialects) fn calls(value: Value<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(calls) = value.as_array() else {
        return false;
    };
    let mut has_read = false;
    for call in calls.filter_map(Value::as_object) {
        let tool = Tool::new(&call);
        let index = call.number("index");
        let input = tool.input(index.is_some());
        reading.call(tool.id(), index, tool.name(), input);
        has_read = true;
    }
    has_read
}

/// Says the reasoning in an object whose name speaks of that.
pub(super) fn reasoning(object: &Object<'_>, reading: &mut Reading<'_>) {
    thoughts(object.value(), 5, reading);
}

fn thoughts(value: Value<'_>, depth: usize, reading: &mut Reading<'_>) -> bool {
    let Some(deeper) = depth.checked_sub(1) else {
        return false;
    };
    match value.kind() {
        Kind::String => {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.map(|text| reading.reasoning("thought", text))
                .is_some()
        }
        Kind::Array => {
            let mut has_said = false;
            for element in value.as_array().into_iter().flatten() {
                has_said |= thoughts(element, deeper, reading);
            }
            has_said
        }
        Kind::Object => value.as_object().is_some_and(|object| {
            let mut keys = THOUGHTS.iter();
            keys.any(|key| {
                let thought = object.get(key);
                thought.is_some_and(|thought| thoughts(thought, deeper, &mut reading.inside(key)))
            })
        }),
        Kind::Number | Kind::True | Kind::False | Kind::Null => false,
    }
}
