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

/// Whether `str` gave no text of a result's: a list of interrupts, or an object's `repr`.
fn is_no_text(result: Str<'_>) -> bool {
    result.starts_with("[{'") || is_object(&result.decode())
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
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

    #[test]
    fn an_agent_says_each_word_in_four_forms() {
        let events = [
            r#"{"init_event_loop":true}"#,
            r#"{"start":true}"#,
            r#"{"data":"Hi","delta":{"text":"Hi"},"agent":"<strands.agent.Agent object at 0x7f>"}"#,
            r#"{"reasoningText":"hm","delta":{"reasoningContent":{"text":"hm"}},"reasoning":true}"#,
            r#"{"delta":{"toolUse":{"input":"{"}},"current_tool_use":{"toolUseId":"c","name":"f","input":"{"}}"#,
            r#"{"tool_stream_event":{"tool_use":{"toolUseId":"c"},"data":"TOOL"}}"#,
            r#"{"message":{"role":"user","content":[{"toolResult":{"toolUseId":"c","status":"success","content":[]}}]}}"#,
            r#"{"message":{"role":"assistant","content":[{"text":"Hi"}]}}"#,
            r#"{"result":"Hi\n"}"#,
        ];
        assert_eq!(
            said(&events),
            [
                "text Hi",
                "reasoning hm",
                "call c f begun",
                "result c []",
                "text Hi",
                "text Hi\n",
                "turn end"
            ]
        );
    }

    #[test]
    fn a_result_after_an_interrupt_is_no_answer() {
        let events = [
            r#"{"init_event_loop":true}"#,
            r#"{"tool_interrupt_event":{"tool_use":{"toolUseId":"c"},"interrupts":[{"name":"ok?"}]}}"#,
            r#"{"result":"Interrupt: ok?"}"#,
        ];
        assert!(said(&events).is_empty());
    }

    #[test]
    fn a_node_that_asks_somebody_leaves_its_graph_without_an_answer() {
        let events = [
            r#"{"type":"multiagent_node_interrupt","node_id":"a","interrupts":[{"id":"i","name":"ok?","reason":null,"response":null}]}"#,
            r#"{"type":"multiagent_result","result":"a: Interrupt"}"#,
        ];
        assert!(said(&events).is_empty());
        let result = r#"{"type":"multiagent_result","result":"a: Hi"}"#;
        assert_eq!(said(&[result]), ["text a: Hi"]);
    }

    #[test]
    fn the_result_of_a_graph_counts_where_its_nodes_were_not_heard() {
        let result = r#"{"type":"multiagent_result","result":"a: Hi\nb: Bye"}"#;
        assert_eq!(said(&[result]), ["text a: Hi\nb: Bye"]);
        let node = r#"{"type":"multiagent_node_stream","node_id":"a","event":{"event":{"contentBlockDelta":{"delta":{"text":"Hi"}}}}}"#;
        let stop = r#"{"type":"multiagent_node_stop","node_id":"a","node_result":"Hi\n"}"#;
        assert_eq!(
            said(&[node, stop, result]),
            ["text Hi", "text Hi\n", "turn end"]
        );
        assert_eq!(said(&[node, result]), ["text Hi"]);
    }

    #[test]
    fn results_are_read_as_people_serialise_them() {
        let agents = r#"{"type":"agent_result","message":{"role":"assistant","content":[{"text":"Hi"}]},"stop_reason":"end_turn","checkpoint":null}"#;
        assert_eq!(said(&[agents]), ["text Hi", "turn end"]);
        let fields = r#"{"stop_reason":"end_turn","message":{"role":"assistant","content":[{"text":"Hi"}]},"metrics":{},"state":{},"interrupts":null}"#;
        assert_eq!(said(&[fields]), ["text Hi", "turn end"]);
        for result in [agents, fields] {
            let event = format!(r#"{{"result":{result}}}"#);
            assert_eq!(said(&[&event]), ["text Hi", "turn end"], "{event}");
            let interrupted = event.replace("end_turn", "interrupt");
            assert!(said(&[&interrupted]).is_empty(), "{interrupted}");
        }
        let other = [r#"{"start":true}"#, r#"{"result":{"text":"Hi"}}"#];
        assert_eq!(said(&other), ["text Hi", "turn end"]);
        let graphs = [
            format!(
                r#"{{"type":"multiagent_result","status":"completed","results":{{"a":{{"result":{agents},"status":"completed"}}}},"accumulated_usage":{{}},"execution_time":1}}"#
            ),
            format!(
                r#"{{"status":"Status.COMPLETED","results":{{"a":{{"result":{{"results":{{"b":{{"result":{fields}}}}}}}}}}},"accumulated_usage":{{}},"execution_time":1}}"#
            ),
        ];
        for graph in &graphs {
            assert_eq!(said(&[graph]), ["text Hi"], "{graph}");
            let event = format!(r#"{{"type":"multiagent_result","result":{graph}}}"#);
            assert_eq!(said(&[&event]), ["text Hi"], "{event}");
        }
    }

    #[test]
    fn a_swarm_that_failed_is_an_error_whatever_its_nodes_said() {
        let node = r#"{"type":"multiagent_node_stream","node_id":"a","event":{"event":{"contentBlockDelta":{"delta":{"text":"Hi"}}}}}"#;
        for status in ["failed", "Status.FAILED"] {
            let fields = format!(
                r#""status":"{status}","results":{{"a":{{"result":{{"type":"exception","message":"SECRET"}},"status":"failed"}}}},"accumulated_usage":{{}},"execution_time":1"#
            );
            let event = format!(
                r#"{{"type":"multiagent_result","result":{{"type":"multiagent_result",{fields}}}}}"#
            );
            assert_eq!(said(&[node, &event]), ["text Hi", "error"]);
            assert_eq!(said(&[&format!("{{{fields}}}")]), ["error"]);
        }
    }

    #[test]
    fn a_structured_output_is_the_answer() {
        let object = r#"{"stop_reason":"tool_use","message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"c","name":"City","input":{"n":1}}}]},"metrics":{},"state":{},"interrupts":null,"structured_output":{"n":1},"checkpoint":null}"#;
        let expected = [
            r#"call c City whole {"n":1}"#,
            r#"text {"n":1}"#,
            "turn end",
        ];
        assert_eq!(said(&[object]), expected);
        let event = format!(r#"{{"result":{object}}}"#);
        assert_eq!(said(&[&event]), expected);
        let node = format!(
            r#"{{"type":"multiagent_node_stop","node_id":"a","node_result":{{"result":{object},"status":"completed"}}}}"#
        );
        assert_eq!(said(&[&node]), expected);
        // As `str` gives it.
        let events = [
            r#"{"start":true}"#,
            r#"{"structured_output":{"n":1}}"#,
            r#"{"result":"{\"n\":1}"}"#,
        ];
        assert_eq!(said(&events), [r#"text {"n":1}"#, "turn end"]);
    }

    #[test]
    fn a_nodes_error_and_what_python_writes_of_objects_are_no_text() {
        for event in [
            r#"{"type":"multiagent_node_stop","node_id":"a","node_result":"SECRET failure"}"#,
            r#"{"type":"multiagent_node_stop","node_id":"a","node_result":{"result":{"type":"exception","message":"SECRET"}}}"#,
            r#"{"type":"multiagent_node_stop","node_id":"a","node_result":"NodeResult(result=AgentResult(x=1))"}"#,
            r#"{"type":"multiagent_node_stop","node_id":"a","node_result":null}"#,
        ] {
            assert_eq!(said(&[event]), ["turn end"], "{event}");
        }
        for event in [
            r#"{"type":"multiagent_result","result":"GraphResult(status=1)"}"#,
            r#"{"type":"multiagent_result","result":"[{'id': 'i', 'name': 'ok?'}]"}"#,
        ] {
            assert!(said(&[event]).is_empty(), "{event}");
        }
    }

    #[test]
    fn what_str_and_repr_give_of_a_result_without_text_is_none() {
        for result in [
            "[{'id': 'i', 'name': 'ok?', 'reason': None, 'response': None}]",
            "AgentResult(stop_reason='end_turn', message={'role': 'assistant'})",
        ] {
            let event = format!(r#"{{"result":"{result}"}}"#);
            assert_eq!(
                said(&[r#"{"start":true}"#, &event]),
                ["turn end"],
                "{event}"
            );
        }
    }

    #[test]
    fn what_is_not_of_strands_is_left_to_others() {
        for (object, expected) in [
            (r#"{"type":"multiagent_answer","text":"a"}"#, "text a"),
            (r#"{"data":"a"}"#, "text a"),
            (r#"{"result":"a"}"#, "text a"),
        ] {
            assert_eq!(said(&[object]), [expected]);
        }
    }

    #[test]
    fn what_has_fewer_fields_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"role":"assistant","message":{"role":"assistant","content":[{"text":"x"}]}}"#,
                r#"{"result":{"stop_reason":"x","text":"x"}}"#,
                r#"{"results":{},"text":"x"}"#,
                r#"{"results":{},"accumulated_usage":{},"text":"x"}"#,
                r#"{"results":[],"execution_time":1,"text":"x"}"#,
            ],
        );
    }

    #[test]
    fn what_ends_reasoning_or_cites_says_nothing() {
        reads(
            &DIALECT,
            &[
                r#"{"reasoning_signature":"s","delta":{"reasoningContent":{"signature":"s"}},"reasoning":true}"#,
                r#"{"reasoningRedactedContent":"x","delta":{"reasoningContent":{"redactedContent":"x"}},"reasoning":true}"#,
                r#"{"citation":{"title":"TITLE"},"delta":{"citation":{"title":"TITLE"}}}"#,
            ],
        );
        let unnamed =
            r#"{"current_tool_use":{"name":"f","input":"{"},"delta":{"toolUse":{"input":"{"}}}"#;
        assert!(said(&[unnamed]).is_empty());
    }
}
