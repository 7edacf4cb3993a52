//! The modes in which a graph streams.

use crate::dialects::Reading;
use crate::json::{Keys, Kind, Object, Str, Value};

/// Modes that tell how a graph works, and nothing of what it says.
const SILENT_MODES: [&str; 3] = ["debug", "tasks", "checkpoints"];

const MODES: [&str; 4] = ["messages", "updates", "values", "custom"];

/// Reads what a mode streams, `{mode or type, data}`; `None` where the object is nothing of the
/// kind.
pub(super) fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> Option<bool> {
    let data = object.get("data")?;
    let name = object.string("mode").or_else(|| object.string("type"))?;
    if name.is_any(&SILENT_MODES) {
        return Some(true);
    }
    // Other formats have an object of the name `tools` too, but no namespace.
    let is_mode = name.is_any(&MODES)
        || name.starts_with("messages/")
        || (name.is("tools") && object.has("ns"));
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

/// Whether an array is what a silent mode streams: `["debug", {…}]`.
pub(in crate::dialects) fn is_silent(array: Value<'_>) -> bool {
    let elements = array.as_array().into_iter().flatten();
    // Where subgraphs are streamed, the mode comes second, after an array of their names.
    let mut names = elements.take(2).filter_map(Value::as_str);
    names.next().is_some_and(|name| name.is_any(&SILENT_MODES))
}

/// The text that the mode `custom` streams as `["custom", "x"]`. Where subgraphs are streamed, an
/// array of their names comes first.
pub(in crate::dialects) fn custom(array: Value<'_>) -> Option<Str<'_>> {
    let mut elements = array.as_array()?;
    let mut first = elements.next()?;
    if first.kind() == Kind::Array && !first.is_or_holds_object() {
        first = elements.next()?;
    }
    let text = elements.next()?.as_str();
    let is_custom = first.as_str()?.is("custom") && elements.next().is_none();
    text.filter(|_| is_custom)
}

/// Keys of which each such object has one.
const QUIET_KEYS: Keys = Keys::of(&[
    "langgraph_node",
    "langgraph_step",
    "payload",
    "triggers",
    "parent_config",
    "interrupts",
]);

/// Whether an object comes beside the words: where a piece is from, or what the silent modes hold.
pub(super) fn is_quiet(object: &Object<'_>) -> bool {
    if !object.may_have(QUIET_KEYS) {
        return false;
    }
    object.has("langgraph_node")
        || object.has("langgraph_step")
        || (object.has("payload") && object.has("step") && object.has("timestamp"))
        || (object.has("triggers") && object.has("name") && object.has("id"))
        || (object.has("interrupts") && object.has("name") && object.has("result"))
        || (object.has("parent_config") && object.has("values"))
}
