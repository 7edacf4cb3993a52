//! A message of LangChain's, in each way to write it.

use crate::dialects::Reading;
use crate::json::{Keys, Object, Str, Value};
use crate::said::{Coverage, Input};

/// A message, or a piece of one.
pub(super) struct Message<'a> {
    pub(super) whose: Whose,
    /// It is a piece of a message.
    is_chunk: bool,
    fields: Object<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Agent,
    Tool,
    /// The user's, or the system's.
    Other,
}

/// The form of the words in a message that is whole.
pub(super) const WHOLE: &str = "langchain message";

/// Types that are LangChain's by themselves. Others are words that anybody uses.
const CLASSES: &[&str] = &[
    "ai",
    "human",
    "AIMessage",
    "AIMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "SystemMessage",
    "SystemMessageChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "FunctionMessage",
    "FunctionMessageChunk",
    "ChatMessage",
    "ChatMessageChunk",
];

impl<'a> Message<'a> {
    /// The message that an object is; `None` where it is none.
    pub(super) fn of(object: &Object<'a>) -> Option<Self> {
        if !object.may_have(Keys::of(&["type", "kwargs"])) {
            return None;
        }
        if let Some(fields) = object.object("kwargs").filter(|_| object.has("lc")) {
            // `id` is the path to the Python class; its last part is the class.
            let class = object.array("id")?.last()?.as_str()?;
            return Self::new(class, fields);
        }
        let class = object.string("type")?;
        // `messages_to_dict` puts the fields into `data`.
        let fields = object.object("data").filter(|_| !object.has("content"));
        let fields = fields.unwrap_or(*object);
        let is_ours = fields.has("additional_kwargs")
            || fields.has("response_metadata")
            || class.is_any(CLASSES)
            || (class.is("tool") && fields.has("tool_call_id"));
        Self::new(class, fields).filter(|_| is_ours && fields.has("content"))
    }

    fn new(class: Str<'_>, fields: Object<'a>) -> Option<Self> {
        let class = class.decode();
        let name = class.strip_suffix("Chunk").unwrap_or(&class);
        let whose = match name {
            "ai" | "AIMessage" => Whose::Agent,
            "tool" | "ToolMessage" | "function" | "FunctionMessage" => Whose::Tool,
            "human" | "HumanMessage" | "system" | "SystemMessage" | "developer" | "remove"
            | "RemoveMessage" => Whose::Other,
            "chat" | "ChatMessage" => match fields.string("role") {
                Some(role) if role.is_any(&["assistant", "ai"]) => Whose::Agent,
                Some(role) if role.is_any(&["tool", "function"]) => Whose::Tool,
                _ => Whose::Other,
            },
            _ => return None,
        };
        let is_chunk = name.len() < class.len();
        Some(Self {
            whose,
            is_chunk,
            fields,
        })
    }

    pub(super) fn read(&self, coverage: Coverage, reading: &mut Reading<'_>) {
        let id = self.fields.string("id");
        let is_known = id.is_some_and(|id| !self.is_chunk && reading.memory().langchain.knows(id));
        let coverage = if is_known {
            Coverage::Snapshot
        } else {
            coverage
        };
        let mut reading = reading.spoken_by(id);
        let mark = reading.mark();
        self.words(coverage, &mut reading);
        if let Some(id) = id.filter(|_| reading.has_text_since(mark)) {
            reading.memory().langchain.hear(id);
        }
        self.steps(&mut reading);
    }

    /// The message's id, where it is the agent's.
    pub(super) fn agents_id(&self) -> Option<Str<'a>> {
        let id = self.fields.string("id")?;
        (self.whose == Whose::Agent && !id.is_empty()).then_some(id)
    }

    /// Says the agent's words and reasoning.
    pub(super) fn words(&self, coverage: Coverage, reading: &mut Reading<'_>) {
        if self.whose != Whose::Agent {
            return;
        }
        let form = if self.is_chunk {
            "langchain chunk"
        } else {
            WHOLE
        };
        let kwargs = self.fields.object("additional_kwargs");
        if let Some(text) = kwargs.and_then(|it| it.string("reasoning_content")) {
            reading.reasoning_covering(form, text, coverage);
        }
        if let Some(text) = self.fields.get("content") {
            content(text, form, coverage, reading);
        }
    }

    /// Says the calls of tools, or what a tool answered.
    pub(super) fn steps(&self, reading: &mut Reading<'_>) {
        if self.whose == Whose::Tool {
            let failed = self.fields.is("status", "error");
            let id = self.fields.string("tool_call_id");
            let name = self.fields.string("name");
            return reading.result_of(id, name, self.fields.get("content"), failed);
        }
        if self.whose == Whose::Agent {
            let chunks = self.fields.array("tool_call_chunks").into_iter().flatten();
            let mut has_chunks = false;
            for chunk in chunks.filter_map(Value::as_object) {
                has_chunks = true;
                let piece = chunk.string("args").map(|args| args.decode().into_owned());
                let input = piece.map_or(Input::None, Input::Piece);
                let index = chunk.number("index");
                reading.call(chunk.string("id"), index, chunk.string("name"), input);
            }
            if !has_chunks {
                self.calls(reading);
            }
            self.server_tools(reading);
        }
    }

    fn calls(&self, reading: &mut Reading<'_>) {
        let calls = self.fields.array("tool_calls").into_iter().flatten();
        for call in calls.filter_map(Value::as_object) {
            let input = call.get("args").map_or("{}", Value::raw).to_owned();
            reading.call(
                call.string("id"),
                None,
                call.string("name"),
                Input::Whole(input),
            );
        }
    }

    /// Says the tools that the model's provider runs, which are in the content alone.
    fn server_tools(&self, reading: &mut Reading<'_>) {
        let blocks = self.fields.array("content").into_iter().flatten();
        for block in blocks.filter_map(Value::as_object) {
            server_tool(&block, reading);
        }
    }
}

/// Says the call of a tool that the model's provider runs, or its result.
pub(in crate::dialects) fn server_tool(block: &Object<'_>, reading: &mut Reading<'_>) {
    if block.is("type", "server_tool_call") {
        let input = block.get("args").map_or("{}", Value::raw).to_owned();
        let (id, name) = (block.string("id"), block.string("name"));
        reading.call(id, None, name, Input::Whole(input));
    } else if block.is("type", "server_tool_result") {
        let failed = block.is("status", "error");
        reading.result(block.string("tool_call_id"), block.get("output"), failed);
    }
}

/// Says what a tool gave, which is a message of its own where the tool was called by a model.
pub(in crate::dialects) fn answered(
    id: Str<'_>,
    output: Option<Value<'_>>,
    reading: &mut Reading<'_>,
) {
    let message = output.and_then(Value::as_object);
    let message = message.and_then(|it| Message::of(&it));
    match message.filter(|it| it.whose == Whose::Tool) {
        Some(message) => message.steps(reading),
        None => reading.result(Some(id), output, false),
    }
}

/// Says the content of an agent's message: a text, or a list of blocks and texts.
pub(super) fn content(value: Value<'_>, form: &str, coverage: Coverage, reading: &mut Reading<'_>) {
    if let Some(text) = value.as_str() {
        return reading.text_covering(form, text, coverage);
    }
    for part in value.as_array().into_iter().flatten() {
        if let Some(text) = part.as_str() {
            reading.text_covering(form, text, coverage);
        } else if let Some(block) = part.as_object() {
            self::block(&block, form, coverage, reading);
        }
    }
}

fn block(block: &Object<'_>, form: &str, coverage: Coverage, reading: &mut Reading<'_>) {
    let kind = block.string("type");
    let is_kind = |kinds: &[&str]| kind.is_some_and(|kind| kind.is_any(kinds));
    if is_kind(&["text", "text_delta", "output_text", "refusal"]) || kind.is_none() {
        let text = block.string("text").or_else(|| block.string("refusal"));
        if let Some(text) = text {
            reading.text_covering(form, text, coverage);
        }
        return;
    }
    // A block of another kind is a step, or nothing that a text can say.
    if !is_kind(&[
        "thinking",
        "thinking_delta",
        "reasoning",
        "reasoning_content",
    ]) {
        return;
    }
    let inner = block.object("reasoning_content");
    let text = ["thinking", "reasoning", "reasoning_content", "text"]
        .iter()
        .find_map(|key| block.string(key));
    if let Some(text) = text.or_else(|| inner?.string("text")) {
        reading.reasoning_covering(form, text, coverage);
    }
    for part in block.array("summary").into_iter().flatten() {
        if let Some(text) = part.as_object().and_then(|it| it.string("text")) {
            reading.reasoning_covering(form, text, coverage);
        }
    }
}
