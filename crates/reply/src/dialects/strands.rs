//! Strands Agents in Python, one agent or a graph or swarm of them:
//! <https://strandsagents.com/latest/documentation/docs/user-guide/concepts/streaming/>, typed in
//! `src/strands/types/_events.py` of <https://github.com/strands-agents/sdk-python>.
//!
//! Each word comes up to four times: inside of `event`, as `data`, in the `message` and as the
//! `result`.

use super::{Dialect, Reading, converse};
use crate::json::{Keys, Kind, Object, Str, Value};
use crate::python_repr::is_object;
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Strands",
    keys: Keys::of(&[
        "data",
        "message",
        "result",
        "type",
        "reasoningText",
        "reasoning",
        "reasoning_signature",
        "current_tool_use",
        "tool_stream_event",
        "tool_interrupt_event",
        "tool_cancel_event",
        "init_event_loop",
        "start_event_loop",
        "start",
        "complete",
        "force_stop",
        "event_loop_throttled_delay",
        "structured_output",
        "citation",
        "delta",
        "results",
    ]),
    read,
};

/// What is remembered of an agent's events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// An event came that only Strands has: a bare `result` is one of its own then.
    came: bool,
    /// A person was asked something. The `result` that follows tells of that, and is no answer.
    is_interrupted: bool,
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(name) = object.string("type") {
        let name = name.decode();
        if let Some(name) = name.strip_prefix("multiagent_") {
            return multi_agent(name, object, reading);
        }
        if name == "tool_stream" || name == "tool_use_stream" {
            return tool(object, reading);
        }
    }
    data(object, reading)
        || result_alone(object, reading)
        || message(object, reading)
        || result(object, reading)
        || tool(object, reading)
        || housekeeping(object, reading)
}

/// Reads a piece of text or reasoning. Beside it is the `delta` that it was taken from, or the
/// state of the event loop.
fn data(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let is_strands = object
        .get("delta")
        .is_some_and(|it| it.kind() == Kind::Object)
        || object.has("event_loop_cycle_id");
    if !is_strands {
        return false;
    }
    if let Some(text) = object.string("data") {
        reading.text("strands data", text);
    } else if let Some(text) = object.string("reasoningText") {
        reading.reasoning("strands data", text);
    } else {
        let is_other = object.has("reasoning_signature")
            || object.has("reasoningRedactedContent")
            || object.has("citation");
        return is_other && !object.has("current_tool_use");
    }
    reading.memory().strands.came = true;
    true
}

fn message(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let message = object.object("message").filter(is_message);
    let Some(message) = message.filter(|_| !object.has("type") && !object.has("role")) else {
        return false;
    };
    converse::read_message(&message, "strands message", reading);
    true
}

/// Whether a message has blocks of Converse's, which have no `type`.
fn is_message(message: &Object<'_>) -> bool {
    let mut content = message.array("content").into_iter().flatten();
    let is_block = |block: Value<'_>| block.as_object().is_some_and(|it| !it.has("type"));
    message.string("role").is_some() && content.next().is_some_and(is_block)
}

/// Reads what the agent came to: a text, or an `AgentResult` with its last message.
fn result(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(result) = object.get("result").filter(|_| !object.has("type")) else {
        return false;
    };
    let whole = result.as_object().filter(|it| {
        it.has("stop_reason")
            && it
                .object("message")
                .is_some_and(|message| is_message(&message))
    });
    if whole.is_none() && !reading.memory().strands.came {
        return false;
    }
    let is_interrupted = std::mem::take(&mut reading.memory().strands.is_interrupted)
        || whole.is_some_and(|it| it.is("stop_reason", "interrupt"));
    if is_interrupted {
        return true;
    }
    if let Some(whole) = whole {
        agent_result(&whole, "strands result message", reading);
    } else if let Some(text) = result.as_str() {
        if !is_no_text(text) {
            reading.text("strands result", text);
        }
    } else {
        reading.inside("strands result").value(result);
    }
    // In a graph each node has one, so it does not end the reply.
    reading.turn_end();
    true
}

/// Reads what an agent or a graph came to, sent by itself. `to_dict()` gives it a `type`,
/// `asdict()` does not.
fn result_alone(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if is_graph_result(object) {
        graph_result(object.value(), reading);
        return true;
    }
    let is_result =
        object.has("stop_reason") && (object.is("type", "agent_result") || !object.has("type"));
    let message = object.object("message").filter(|_| is_result);
    if !message.is_some_and(|it| is_message(&it)) {
        return false;
    }
    if !object.is("stop_reason", "interrupt") {
        agent_result(object, "strands result message", reading);
    }
    reading.turn_end();
    true
}

/// Says an `AgentResult`: its message, and the object that a tool made of the model's words where
/// one was asked for.
fn agent_result(result: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    if let Some(message) = result.object("message") {
        converse::read_message(&message, form, reading);
    }
    if let Some(object) = result.object("structured_output") {
        reading.text("strands result", Str::plain(object.value().raw()));
    }
}

/// Whether `str` gave no text of a result's: a list of interrupts, or a result's `repr`. An agent may
/// answer with a list or a call of Python's, which is its text.
fn is_no_text(result: Str<'_>) -> bool {
    let text = result.decode();
    let class = text.split_once('(').map(|(class, _)| class);
    let is_repr = class.is_some_and(|class| class.ends_with("Result")) && is_object(&text);
    let fields = ["'name': ", "'reason': ", "'response': "];
    is_repr || (text.starts_with("[{'id': '") && fields.iter().all(|field| text.contains(field)))
}

/// Reads what concerns tools. The pieces of a call's input come in `event` as well, and are read
/// there. What a tool streams is none of the agent's words.
fn tool(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(tool) = object.object("current_tool_use") {
        let (id, name) = (tool.string("toolUseId"), tool.string("name"));
        if id.is_some() && name.is_some() {
            // While the input is streamed it is a text. Where people send the call once it is
            // whole, it is an object.
            let whole = tool.object("input").map(|it| it.value().raw().to_owned());
            reading.call(id, None, name, whole.map_or(Input::None, Input::Whole));
        }
        return true;
    }
    if object.has("tool_interrupt_event") {
        reading.memory().strands.is_interrupted = true;
        return true;
    }
    object.has("tool_stream_event") || object.has("tool_cancel_event")
}

/// Whether an object is what the event loop says of itself. After `force_stop` comes an error,
/// which ends the reply.
fn housekeeping(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let is_true = [
        "init_event_loop",
        "start_event_loop",
        "start",
        "complete",
        "force_stop",
    ]
    .iter()
    .any(|key| object.is_true(key));
    let is_loops = is_true
        || object.has("event_loop_throttled_delay")
        || (object.has("structured_output") && object.iter().count() == 1);
    let has_text = ["data", "text", "chunk", "content"]
        .iter()
        .any(|key| object.has(key));
    if is_loops && !has_text {
        reading.memory().strands.came = true;
        return true;
    }
    false
}

/// Reads an event of a graph or swarm, which may hold an event of one of its nodes.
fn multi_agent(name: &str, object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let node = object.string("node_id");
    match name {
        "node_stream" => {
            if let Some(event) = object.get("event") {
                reading
                    .spoken_by(node)
                    .inside("multiagent_node_stream")
                    .value(event);
            }
            true
        }
        "node_stop" => {
            if let Some(result) = object.get("node_result") {
                node_result(result, &mut reading.spoken_by(node));
            }
            reading.spoken_by(node).turn_end();
            true
        }
        "result" => {
            // A result by itself has the fields that an event has under `result`.
            let result = object.get("result").unwrap_or(object.value());
            if !std::mem::take(&mut reading.memory().strands.is_interrupted) {
                graph_result(result, reading);
            }
            true
        }
        "node_interrupt" => {
            reading.memory().strands.is_interrupted = true;
            true
        }
        "node_start" | "node_cancel" | "handoff" => true,
        _ => false,
    }
}

/// Says what a node came to: a text, an `AgentResult`, or a `NodeResult` with one of these.
fn node_result(result: Value<'_>, reading: &mut Reading<'_>) {
    const FORM: &str = "strands node result";
    if let Some(text) = result.as_str() {
        // `str` of an agent's result ends with a newline. Without one the text is an error's, an
        // interrupt's, or the `repr` of an object.
        if text.ends_with("\n") {
            reading.text(FORM, text);
        }
        return;
    }
    let Some(object) = result.as_object() else {
        return;
    };
    let inner = object.object("result").unwrap_or(object);
    if inner.object("message").is_some() {
        return agent_result(&inner, FORM, reading);
    }
    // A node may be a graph itself.
    for (node, result) in inner.object("results").iter().flat_map(Object::iter) {
        node_result(result, &mut reading.spoken_by(Some(node)));
    }
}

fn is_graph_result(object: &Object<'_>) -> bool {
    object.object("results").is_some()
        && object.has("accumulated_usage")
        && object.has("execution_time")
}

/// Says what a graph came to. Where its nodes were streamed, that is their words again. A swarm
/// that failed raises nothing, and says so here alone.
fn graph_result(result: Value<'_>, reading: &mut Reading<'_>) {
    let status = result.as_object().and_then(|it| it.string("status"));
    if status.is_some_and(|status| status.is_any(&["failed", "Status.FAILED"])) {
        return reading.error();
    }
    if reading.memory().has_text {
        return;
    }
    if let Some(text) = result.as_str() {
        if !is_no_text(text) {
            reading.text("strands graph result", text);
        }
        return;
    }
    node_result(result, reading);
}

#[cfg(test)]
mod tests;
