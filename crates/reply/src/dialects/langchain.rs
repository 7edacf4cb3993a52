//! LangChain's messages and LangGraph's streams of them:
//! <https://docs.langchain.com/oss/python/langgraph/streaming>, messages as
//! `langchain_core/messages/` of <https://github.com/langchain-ai/langchain> dumps them, or as its
//! serialiser writes them (`lc`, `kwargs`); events of `astream_events`,
//! <https://reference.langchain.com/python/langchain_core/runnables/>.
//!
//! A graph streams in modes. `messages` are pairs of a piece and where it is from, `updates` what
//! each node came to, `values` the state so far: a conversation, compared from its beginning.

use super::ids::Ids;
use super::{Dialect, Reading};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::{Input, Whole};

pub(super) const DIALECT: Dialect = Dialect {
    name: "LangChain and LangGraph",
    keys: Keys::ANY,
    read,
};

/// What is remembered of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Messages that came whole. A graph's update holds those of its subgraphs' updates once more.
    whole: Ids,
}

impl Memory {
    /// Whether a message came before; from now on it did.
    fn knows(&mut self, id: Str<'_>) -> bool {
        let is_known = self.whole.has(id);
        self.whole.insert(id);
        is_known
    }
}

/// Modes that tell how a graph works, and nothing of what it says.
const SILENT_MODES: [&str; 3] = ["debug", "tasks", "checkpoints"];

const MODES: [&str; 4] = ["messages", "updates", "values", "custom"];

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(message) = Message::of(object) {
        // The platform adds the names of subgraphs: `messages/partial|agent:id`.
        let name = reading.event().split('|').next();
        if name == Some("messages/metadata") {
            return true;
        }
        let whole = if name == Some("messages/partial") {
            Whole::Snapshot
        } else {
            Whole::Unknown
        };
        message.read(whole, reading);
        return true;
    }
    let may_be_event = object.may_have(EVENT_KEYS) || reading.event().starts_with("on_");
    if may_be_event && let Some(has_read) = event(object, reading) {
        return has_read;
    }
    if let Some(has_read) = mode(object, reading) {
        return has_read;
    }
    if object.may_have(QUIET_KEYS) && is_quiet(object) {
        return true;
    }
    state(object, "values", reading) || updates(object, reading)
}

// Messages.

/// A message of LangChain's.
struct Message<'a> {
    whose: Whose,
    /// It is a piece of a message.
    is_chunk: bool,
    fields: Object<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Agent,
    Tool,
    /// The user's, or the system's.
    Other,
}

impl<'a> Message<'a> {
    fn of(object: &Object<'a>) -> Option<Self> {
        if !object.may_have(Keys::of(&["type", "kwargs"])) {
            return None;
        }
        if let Some(fields) = object.object("kwargs").filter(|_| object.has("lc")) {
            // The class is the last of the names that lead to it.
            let class = object.array("id")?.last()?.as_str()?;
            return Self::new(class, fields);
        }
        let class = object.string("type")?;
        // `messages_to_dict` puts the fields apart.
        let fields = object.object("data").filter(|_| !object.has("content"));
        let fields = fields.unwrap_or(*object);
        let is_ours = fields.has("additional_kwargs")
            || fields.has("response_metadata")
            || class.is_any(&["ai", "AIMessage", "AIMessageChunk", "human", "HumanMessage"]);
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

    fn read(&self, whole: Whole, reading: &mut Reading<'_>) {
        let id = self.fields.string("id");
        let is_known = id.is_some_and(|id| !self.is_chunk && reading.memory().langchain.knows(id));
        let whole = if is_known { Whole::Snapshot } else { whole };
        let mut reading = reading.spoken_by(id);
        self.words(whole, &mut reading);
        self.steps(&mut reading);
    }

    fn words(&self, whole: Whole, reading: &mut Reading<'_>) {
        if self.whose != Whose::Agent {
            return;
        }
        let form = if self.is_chunk {
            "langchain chunk"
        } else {
            "langchain message"
        };
        let kwargs = self.fields.object("additional_kwargs");
        if let Some(text) = kwargs.and_then(|it| it.string("reasoning_content")) {
            reading.reasoning_whole(form, text, whole);
        }
        if let Some(text) = self.fields.get("content") {
            content(text, form, whole, reading);
        }
    }

    fn steps(&self, reading: &mut Reading<'_>) {
        if self.whose == Whose::Tool {
            let failed = self.fields.is("status", "error");
            let id = self.fields.string("tool_call_id");
            return reading.result(id, self.fields.get("content"), failed);
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
}

/// The content of an agent's message: text, or blocks, or texts.
fn content(value: Value<'_>, form: &str, whole: Whole, reading: &mut Reading<'_>) {
    if let Some(text) = value.as_str() {
        return reading.text_whole(form, text, whole);
    }
    for part in value.as_array().into_iter().flatten() {
        if let Some(text) = part.as_str() {
            reading.text_whole(form, text, whole);
        } else if let Some(block) = part.as_object() {
            self::block(&block, form, whole, reading);
        }
    }
}

fn block(block: &Object<'_>, form: &str, whole: Whole, reading: &mut Reading<'_>) {
    let kind = block.string("type");
    let is_kind = |kinds: &[&str]| kind.is_some_and(|kind| kind.is_any(kinds));
    if is_kind(&["text", "text_delta", "output_text", "refusal"]) || kind.is_none() {
        let text = block.string("text").or_else(|| block.string("refusal"));
        if let Some(text) = text {
            reading.text_whole(form, text, whole);
        }
        return;
    }
    // Calls are in the message's own list too.
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
        reading.reasoning_whole(form, text, whole);
    }
    for part in block.array("summary").into_iter().flatten() {
        if let Some(text) = part.as_object().and_then(|it| it.string("text")) {
            reading.reasoning_whole(form, text, whole);
        }
    }
}

// Graphs.

/// An event of a mode, `{mode or type, data}`; `None` where it is none.
fn mode(object: &Object<'_>, reading: &mut Reading<'_>) -> Option<bool> {
    let data = object.get("data")?;
    let name = object.string("mode").or_else(|| object.string("type"))?;
    if name.is_any(&SILENT_MODES) {
        return Some(true);
    }
    let is_mode = name.is_any(&MODES) || name.starts_with("messages/");
    let is_structure = matches!(data.kind(), Kind::Object | Kind::Array);
    if !is_mode || !(is_structure || object.has("ns")) {
        return None;
    }
    let name = name.decode();
    let mut reading = reading.inside(&name);
    let mut reading = reading.named(&name);
    let mark = reading.mark();
    let has_read = reading.value(data);
    Some(has_read || reading.has_said_since(mark) || name != "custom")
}

/// Whether an array is an event of a mode that tells nothing: `["debug", {…}]`.
pub(super) fn is_silent(array: Value<'_>) -> bool {
    let elements = array.as_array().into_iter().flatten();
    // With subgraphs their names come first, as an array.
    let mut names = elements.take(2).filter_map(Value::as_str);
    names.next().is_some_and(|name| name.is_any(&SILENT_MODES))
}

/// The text of an event of the mode `custom` that is a string: `["custom", "x"]`, with the names of
/// subgraphs in front where they are streamed.
pub(super) fn custom(array: Value<'_>) -> Option<Str<'_>> {
    let mut elements = array.as_array()?;
    let mut first = elements.next()?;
    if first.kind() == Kind::Array && !first.is_or_holds_object() {
        first = elements.next()?;
    }
    let text = elements.next()?.as_str();
    let is_custom = first.as_str()?.is("custom") && elements.next().is_none();
    text.filter(|_| is_custom)
}

/// A state: what follows the last of the user's words, all of it.
fn state(object: &Object<'_>, form: &str, reading: &mut Reading<'_>) -> bool {
    let Some(messages) = object.array("messages") else {
        return false;
    };
    let is_message = |value: Value<'_>| {
        value
            .as_object()
            .is_some_and(|it| Message::of(&it).is_some())
    };
    if !messages.take(1).any(is_message) {
        return false;
    }
    let is_users = |value: Value<'_>| {
        let message = value.as_object();
        let message = message.and_then(|it| Message::of(&it));
        message.is_some_and(|it| it.whose == Whose::Other)
    };
    let after = messages.enumerate().filter(|(_, it)| is_users(*it)).last();
    let after = after.map_or(0, |(place, _)| place + 1);
    let ours = || {
        let messages = messages.skip(after).filter_map(Value::as_object);
        messages.filter_map(|it| Message::of(&it))
    };
    let mut reading = reading.inside(form);
    for message in ours() {
        message.words(Whole::Snapshot, &mut reading);
    }
    for message in ours() {
        message.steps(&mut reading);
    }
    true
}

/// What nodes came to, each under its name.
fn updates(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if object.has("__interrupt__") && object.iter().count() == 1 {
        return true;
    }
    let is_update = |value: Value<'_>| parts(value).take(4).any(|it| has_messages(&it));
    if object.has("type") || object.has("role") || !object.iter().any(|(_, it)| is_update(it)) {
        return false;
    }
    for (node, update) in object.iter() {
        let mut reading = reading.spoken_by(Some(node));
        let mut reading = reading.inside("updates");
        self::update(update, &mut reading);
    }
    true
}

/// What one node came to. One that answers by several commands has a list of updates.
pub(super) fn update(update: Value<'_>, reading: &mut Reading<'_>) {
    for part in parts(update) {
        for message in part.get("messages").into_iter().flat_map(parts) {
            if let Some(message) = Message::of(&message) {
                message.read(Whole::Unknown, reading);
            }
        }
    }
}

/// An object, or those of a list.
fn parts(value: Value<'_>) -> impl Iterator<Item = Object<'_>> {
    let list = value.as_array().into_iter().flatten();
    let list = list.filter_map(Value::as_object);
    value.as_object().into_iter().chain(list)
}

fn has_messages(update: &Object<'_>) -> bool {
    let Some(messages) = update.get("messages") else {
        return false;
    };
    let first = parts(messages).next();
    first.is_some_and(|it| Message::of(&it).is_some())
}

fn read_message(value: Value<'_>, reading: &mut Reading<'_>) {
    if let Some(message) = value.as_object().and_then(|it| Message::of(&it)) {
        message.read(Whole::Unknown, reading);
    }
}

const QUIET_KEYS: Keys = Keys::of(&[
    "langgraph_node",
    "langgraph_step",
    "payload",
    "triggers",
    "parent_config",
    "interrupts",
]);

/// What comes beside the words: where a piece is from, and what the silent modes hold.
fn is_quiet(object: &Object<'_>) -> bool {
    object.has("langgraph_node")
        || object.has("langgraph_step")
        || (object.has("payload") && object.has("step") && object.has("timestamp"))
        || (object.has("triggers") && object.has("name") && object.has("id"))
        || (object.has("interrupts") && object.has("name") && object.has("result"))
        || (object.has("parent_config") && object.has("values"))
}

// Events.

const EVENT_KEYS: Keys = Keys::of(&["event"]);

/// An event of `astream_events`, by its own name or by the stream's; `None` where it is none.
fn event(object: &Object<'_>, reading: &mut Reading<'_>) -> Option<bool> {
    let own = object.string("event");
    let name = own.map_or_else(|| reading.event().into(), Str::decode);
    let kind = name.strip_prefix("on_")?;
    // The stream's name leaves the data alone.
    let data = if own.is_some() {
        object.get("data")?
    } else {
        object.value()
    };
    let fields = data.as_object();
    let field = |key: &str| fields.and_then(|it| it.get(key)).unwrap_or(data);
    let mut inside = reading.inside(&name);
    match kind {
        "chat_model_stream" | "llm_stream" => piece(field("chunk"), &mut inside),
        "chat_model_end" | "tool_end" => read_message(field("output"), &mut inside),
        "chain_end" if is_graphs(object) => {
            let output = field("output").as_object();
            output.map(|output| state(&output, "output", &mut inside));
        }
        "custom_event" => {
            inside.value(data);
        }
        _ => {}
    }
    Some(true)
}

/// A piece of a model's stream: a message, or its content alone.
fn piece(value: Value<'_>, reading: &mut Reading<'_>) {
    let Some(object) = value.as_object() else {
        return content(value, "piece", Whole::Unknown, reading);
    };
    if let Some(message) = Message::of(&object) {
        return message.read(Whole::Unknown, reading);
    }
    let text = object.get("content").or_else(|| object.get("text"));
    if let Some(text) = text {
        content(text, "piece", Whole::Unknown, reading);
    }
}

/// Whether an end of a chain is the graph's own, where the event says so much of it.
fn is_graphs(event: &Object<'_>) -> bool {
    match event.array("parent_ids") {
        Some(mut parents) => parents.next().is_none(),
        None => event.string("name").is_none_or(|name| name.is("LangGraph")),
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    const CHUNK: &str = r#"{"type":"AIMessageChunk","content":"Hi","id":"m","additional_kwargs":{},"tool_call_chunks":[]}"#;

    #[test]
    fn messages_are_read_in_each_way_to_write_them() {
        for message in [
            CHUNK.to_owned(),
            r#"{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessageChunk"],"kwargs":{"content":"Hi"}}"#.to_owned(),
            r#"{"type":"ai","data":{"content":"Hi","type":"ai"}}"#.to_owned(),
            r#"{"type":"ai","content":[{"type":"text","text":"Hi","index":0}]}"#.to_owned(),
            format!(r#"[{CHUNK},{{"langgraph_node":"n","langgraph_step":1}}]"#),
            format!(r#"[["sub:1"],"messages",[{CHUNK},{{"langgraph_node":"n"}}]]"#),
            format!(r#"{{"type":"messages","ns":[],"data":[{CHUNK},{{"langgraph_node":"n"}}]}}"#),
            format!(r#"{{"node":{{"messages":[{CHUNK}]}}}}"#),
            format!(r#"["updates",{{"node":{{"messages":{CHUNK}}}}}]"#),
            format!(r#"{{"node":[{{"messages":[]}},{{"messages":[{CHUNK}]}}]}}"#),
            format!(r#"{{"node":[{{"messages":[{CHUNK}]}},{{"other":1}}]}}"#),
            r#"["custom","Hi"]"#.to_owned(),
            r#"[["sub:1"],"custom","Hi"]"#.to_owned(),
            r#"[[],"custom","Hi"]"#.to_owned(),
        ] {
            assert_eq!(said(&[&message]), ["text Hi"], "{message}");
        }
    }

    #[test]
    fn what_is_not_the_agents_is_no_text() {
        for (message, expected) in [
            (r#"{"type":"human","content":"PROMPT"}"#, &[][..]),
            (
                r#"{"type":"system","content":"SYSTEM","additional_kwargs":{}}"#,
                &[],
            ),
            (
                r#"{"type":"tool","content":"r","tool_call_id":"c","status":"error","additional_kwargs":{}}"#,
                &["result c r failed"],
            ),
            (
                r#"{"type":"ai","content":[{"type":"thinking","thinking":"hm"}],"tool_calls":[{"id":"c","name":"f","args":{}}]}"#,
                &["reasoning hm", "call c f whole {}"],
            ),
            (
                r#"{"type":"AIMessageChunk","content":"","additional_kwargs":{"reasoning_content":"hm"},"tool_call_chunks":[{"id":"c","name":"f","args":"{","index":0}]}"#,
                &["reasoning hm", "call c f piece {"],
            ),
        ] {
            assert_eq!(said(&[message]), expected, "{message}");
        }
    }

    #[test]
    fn a_state_is_what_follows_the_users_last_words() {
        let state = r#"{"messages":[{"type":"human","content":"q"},{"type":"ai","content":"OLD"},
            {"type":"human","content":"q"},{"type":"ai","content":"A. "},
            {"type":"tool","content":"r","tool_call_id":"c","additional_kwargs":{}},{"type":"ai","content":"B."}]}"#;
        assert_eq!(said(&[state]), ["text A. B.", "result c r"]);
        let event =
            format!(r#"{{"event":"on_chain_end","parent_ids":[],"data":{{"output":{state}}}}}"#);
        assert_eq!(said(&[&event]), ["text A. B.", "result c r"]);
    }

    #[test]
    fn events_of_chains_and_the_silent_modes_tell_nothing() {
        for event in [
            r#"{"event":"on_chain_start","data":{"input":{"messages":[{"type":"human","content":"PROMPT"}]}}}"#,
            r#"{"event":"on_chain_stream","name":"n","data":{"chunk":"__end__"}}"#,
            r#"{"event":"on_chain_end","name":"n","data":{"output":"__end__"}}"#,
            r#"{"event":"on_tool_error","data":{"error":"SECRET"}}"#,
            r#"["debug",{"type":"task","step":1,"timestamp":"t","payload":{"input":{"messages":[{"type":"human","content":"PROMPT"}]}}}]"#,
            r#"{"type":"tasks","ns":[],"data":{"id":"t","name":"n","result":{"messages":[{"type":"ai","content":"x"}]}}}"#,
            r#"{"__interrupt__":[{"value":"ok?","id":"i"}]}"#,
            r#"{"id":"t","name":"n","error":null,"result":[["messages",[{"type":"ai","content":"x"}]]],"interrupts":[]}"#,
        ] {
            assert!(said(&[event]).is_empty(), "{event}");
        }
        let piece = r#"{"event":"on_chat_model_stream","data":{"chunk":{"content":"Hi"}}}"#;
        assert_eq!(said(&[piece]), ["text Hi"]);
    }
}
