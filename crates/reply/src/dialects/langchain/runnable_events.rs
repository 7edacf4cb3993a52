//! The events of `astream_events`:
//! <https://reference.langchain.com/python/langchain_core/runnables/>.

use super::graph;
use super::message::{self, Message};
use crate::dialects::Reading;
use crate::json::{Keys, Object, Str, Value};
use crate::said::Coverage;

/// Reads an event, whose name is its own or the stream's; `None` where the object is no event.
pub(super) fn read(event: &Object<'_>, reading: &mut Reading<'_>) -> Option<bool> {
    let is_named = event.may_have(Keys::of(&["event"])) || reading.outer_name().starts_with("on_");
    if !is_named {
        return None;
    }
    let own = event.string("event");
    let name = own.map_or_else(|| reading.outer_name().into(), Str::decode);
    let kind = name.strip_prefix("on_")?;
    // Under the stream's name the event is its data alone.
    let data = if own.is_some() {
        event.get("data")?
    } else {
        event.value()
    };
    let fields = data.as_object();
    let field = |key: &str| fields.and_then(|it| it.get(key)).unwrap_or(data);
    let mut inside = reading.inside(&name);
    match kind {
        "chat_model_stream" | "llm_stream" => piece(field("chunk"), &mut inside),
        "chat_model_end" | "tool_end" => read_message(field("output"), &mut inside),
        "chain_end" if is_graphs(event) => {
            let output = field("output").as_object();
            output.map(|output| graph::state(&output, "output", &mut inside));
        }
        "tool_error" => {
            // Without the id of a call nobody can tell which one failed.
            let id = fields.and_then(|it| it.string("tool_call_id"));
            if id.is_some() {
                inside.result(id, fields.and_then(|it| it.get("error")), true);
            }
        }
        "custom_event" => custom(event, data, &mut inside),
        _ => {}
    }
    Some(true)
}

/// Says a piece of a model's stream: a message, or its content alone.
fn piece(value: Value<'_>, reading: &mut Reading<'_>) {
    let Some(object) = value.as_object() else {
        return message::content(value, "piece", Coverage::Unknown, reading);
    };
    if let Some(message) = Message::of(&object) {
        return message.read(Coverage::Unknown, reading);
    }
    let text = object.get("content").or_else(|| object.get("text"));
    if let Some(text) = text {
        message::content(text, "piece", Coverage::Unknown, reading);
    }
}

/// Says what the developer sends under a name of their own, which may say that it is no text.
fn custom(event: &Object<'_>, data: Value<'_>, reading: &mut Reading<'_>) {
    let name = event.string("name").filter(|_| event.has("event"));
    let name = name.map_or_else(String::new, |name| name.decode().into_owned());
    let mut reading = reading.named(&name);
    if let Some(text) = data.as_str() {
        reading.plain_text(text);
    } else {
        reading.value(data);
    }
}

/// Says a message that is whole.
fn read_message(value: Value<'_>, reading: &mut Reading<'_>) {
    if let Some(message) = value.as_object().and_then(|it| Message::of(&it)) {
        message.read(Coverage::Unknown, reading);
    }
}

/// Whether the chain that ended is the graph itself, and no part of it. Without `parent_ids` only
/// the name can tell.
fn is_graphs(event: &Object<'_>) -> bool {
    match event.array("parent_ids") {
        Some(mut parents) => parents.next().is_none(),
        None => event.string("name").is_none_or(|name| name.is("LangGraph")),
    }
}
