//! Events of LangGraph's and LangChain's `stream_events(version="v3")`, the agents' protocol of
//! `langchain-protocol`: `libs/langgraph/langgraph/stream/_types.py` of
//! <https://github.com/langchain-ai/langgraph> and `langchain_core/language_models/` of
//! <https://github.com/langchain-ai/langchain>.
//!
//! An envelope says by its `method` what it holds: what a model streams, what tools do, or the
//! modes of a graph. A model's own stream gives its events without one.

use super::{Dialect, Reading, langchain};
use crate::json::{Keys, Object, Value};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "LangGraph's event protocol",
    keys: Keys::of(&["method", "event"]),
    read,
};

/// What is remembered of the message that is coming.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// It is not the agent's.
    is_others: bool,
}

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if object.is("type", "event")
        && let Some(method) = object.string("method")
        && let Some(params) = object.object("params")
    {
        method_of(&method.decode(), &params, reading);
        return true;
    }
    message(object, reading) || tool(object, reading)
}

fn method_of(method: &str, params: &Object<'_>, reading: &mut Reading<'_>) {
    let Some(data) = params.get("data") else {
        return;
    };
    match method {
        "lifecycle" => lifecycle(params, data, reading),
        // Here the node's name stands beside its update; in the mode of that name it stands around
        // it.
        "updates" if params.has("node") => {
            let mut reading = reading.spoken_by(params.string("node"));
            langchain::update(data, &mut reading.inside("updates"));
        }
        "messages" | "tools" | "values" | "updates" | "custom" => {
            let payload = data.as_object().and_then(|it| it.get("payload"));
            let data = payload.filter(|_| method == "custom").unwrap_or(data);
            let mut reading = reading.inside(method);
            reading.named(method).value(data);
        }
        _ => {}
    }
}

/// Reads how a graph fares. One with a namespace is a subgraph, whose end is not the reply's.
fn lifecycle(params: &Object<'_>, data: Value<'_>, reading: &mut Reading<'_>) {
    let mut namespace = params.array("namespace").into_iter().flatten();
    let Some(data) = data.as_object().filter(|_| namespace.next().is_none()) else {
        return;
    };
    if data.is("event", "failed") {
        reading.error();
    } else if data.is("event", "completed") || data.is("event", "interrupted") {
        reading.end();
    }
}

/// Reads an event of a message. All but the first and the last say of which block they are.
fn message(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = event.string("event") else {
        return false;
    };
    let block = |keys: [&str; 2]| keys.into_iter().find_map(|key| event.object(key));
    let mut is_others = || reading.memory().langgraph_events.is_others;
    match &*name.decode() {
        "message-start" if event.has("id") || event.has("role") => {
            let role = event.string("role");
            let is_others = role.is_some_and(|role| !role.is_any(&["ai", "assistant"]));
            reading.memory().langgraph_events = Memory { is_others };
        }
        "content-block-start" if event.has("index") => {}
        "content-block-delta" if event.has("index") => {
            if let Some(delta) = block(["delta", "content_block"]).filter(|_| !is_others()) {
                words(&delta, "langgraph delta", reading);
            }
        }
        "content-block-finish" if event.has("index") => {
            if let Some(content) = block(["content", "content_block"]).filter(|_| !is_others()) {
                words(&content, "langgraph block", reading);
                step(&content, reading);
            }
        }
        "message-finish" => {
            if !is_others() {
                reading.turn_end();
            }
            reading.memory().langgraph_events = Memory::default();
        }
        _ => return false,
    }
    true
}

fn words(block: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let Some(kind) = block.string("type") else {
        return;
    };
    if kind.is_any(&["text-delta", "text"]) {
        if let Some(text) = block.string("text") {
            reading.text(form, text);
        }
    } else if kind.is_any(&["reasoning-delta", "reasoning"])
        && let Some(text) = block.string("reasoning")
    {
        reading.reasoning(form, text);
    }
}

/// Says a call, or the result of a tool that the model's provider runs.
fn step(block: &Object<'_>, reading: &mut Reading<'_>) {
    if block.is("type", "tool_call") {
        let input = block.get("args").map_or("{}", Value::raw).to_owned();
        let (id, name) = (block.string("id"), block.string("name"));
        reading.call(id, None, name, Input::Whole(input));
    } else {
        langchain::server_tool(block, reading);
    }
}

/// Reads what a tool does. The call is in the model's message too, unless the tool was called by
/// hand.
fn tool(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let (Some(name), Some(id)) = (event.string("event"), event.string("tool_call_id")) else {
        return false;
    };
    match &*name.decode() {
        "tool-started" => {
            let input = event.get("input").map_or("{}", Value::raw).to_owned();
            let name = event.string("tool_name");
            reading.call(Some(id), None, name, Input::Whole(input));
        }
        "tool-finished" => langchain::answered(id, event.get("output"), reading),
        "tool-error" => reading.result(Some(id), event.get("message"), true),
        "tool-output-delta" => {}
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::DIALECT;
    use crate::dialects::testing::{leaves, reads, said};

    const MESSAGE: [&str; 8] = [
        r#"{"event":"message-start","role":"ai","id":"m"}"#,
        r#"{"event":"content-block-start","index":0,"content":{"type":"text","text":""}}"#,
        r#"{"event":"content-block-delta","index":0,"delta":{"type":"reasoning-delta","reasoning":"hm"}}"#,
        r#"{"event":"content-block-delta","index":1,"delta":{"type":"text-delta","text":"Hi"}}"#,
        r#"{"event":"content-block-delta","index":2,"delta":{"type":"block-delta","fields":{"type":"tool_call_chunk","args":"{"}}}"#,
        r#"{"event":"content-block-finish","index":1,"content":{"type":"text","text":"Hi"}}"#,
        r#"{"event":"content-block-finish","index":2,"content":{"type":"tool_call","id":"c","name":"f","args":{"a":1}}}"#,
        r#"{"event":"message-finish","usage":{"input_tokens":1}}"#,
    ];

    const SAID: [&str; 5] = [
        "reasoning hm",
        "text Hi",
        "text Hi",
        r#"call c f whole {"a":1}"#,
        "turn end",
    ];

    #[test]
    fn a_message_is_read_with_and_without_its_envelope() {
        assert_eq!(said(&MESSAGE), SAID);
        let wrapped = MESSAGE.map(|event| {
            format!(
                r#"{{"type":"event","seq":1,"method":"messages","params":{{"namespace":[],"timestamp":1,"data":{event}}}}}"#
            )
        });
        assert_eq!(said(&wrapped.each_ref().map(String::as_str)), SAID);
        // In the process an event has where it is from beside it.
        let pairs = MESSAGE.map(|event| {
            format!(
                r#"{{"type":"event","method":"messages","params":{{"namespace":[],"data":[{event},{{"langgraph_node":"n"}}]}}}}"#
            )
        });
        assert_eq!(said(&pairs.each_ref().map(String::as_str)), SAID);
    }

    #[test]
    fn tools_of_the_graph_and_of_the_models_provider_are_steps() {
        let events = [
            r#"{"event":"content-block-finish","index":0,"content":{"type":"server_tool_call","id":"w","name":"web_search","args":{"q":1}}}"#,
            r#"{"event":"content-block-finish","index":1,"content":{"type":"server_tool_result","tool_call_id":"w","status":"success","output":[1]}}"#,
            r#"{"event":"content-block-finish","index":2,"content":{"index":2}}"#,
            r#"{"event":"tool-started","tool_call_id":"c","tool_name":"f","input":{"a":1}}"#,
            r#"{"event":"tool-finished","tool_call_id":"c","output":{"content":"Error: no","additional_kwargs":{},"type":"tool","name":"f","id":null,"tool_call_id":"c","artifact":null,"status":"error"}}"#,
            r#"{"event":"tool-finished","tool_call_id":"d","output":{"type":"text","content":"42"}}"#,
        ];
        let expected = [
            r#"call w web_search whole {"q":1}"#,
            "result w [1]",
            r#"call c f whole {"a":1}"#,
            "result c Error: no failed",
            r#"result d {"type":"text","content":"42"}"#,
        ];
        assert_eq!(said(&events), expected);
        let unknown = r#"{"event":"tool-paused","tool_call_id":"c","text":"no"}"#;
        assert!(
            said(&[unknown])
                .iter()
                .all(|line| !line.starts_with("text"))
        );
    }

    #[test]
    fn messages_of_others_are_no_text() {
        let mut others = MESSAGE;
        others[0] = r#"{"event":"message-start","role":"human","id":"u"}"#;
        assert!(said(&others).is_empty());
    }

    #[test]
    fn a_graphs_modes_tools_and_end_are_read() {
        let envelope = |method: &str, rest: &str| {
            format!(r#"{{"type":"event","method":"{method}","params":{{"namespace":[],{rest}}}}}"#)
        };
        let ai = r#"{"messages":[{"type":"ai","content":"Hi"}]}"#;
        for (event, expected) in [
            (envelope("values", &format!(r#""data":{ai}"#)), "text Hi"),
            (
                envelope("updates", &format!(r#""node":"n","data":{ai}"#)),
                "text Hi",
            ),
            (
                envelope("updates", &format!(r#""data":{{"n":{ai}}}"#)),
                "text Hi",
            ),
            // A state may have any keys.
            (
                envelope(
                    "values",
                    r#""data":{"messages":[{"type":"ai","content":"Hi"}],"payload":{"text":"STATE"}}"#,
                ),
                "text Hi",
            ),
            (
                envelope("custom", r#""data":{"payload":{"text":"Hi"}}"#),
                "text Hi",
            ),
            (
                envelope(
                    "tools",
                    r#""data":{"event":"tool-finished","tool_call_id":"c","output":"r"}"#,
                ),
                "result c r",
            ),
            (
                envelope(
                    "tools",
                    r#""data":{"event":"tool-error","tool_call_id":"c","message":"no"}"#,
                ),
                "result c no failed",
            ),
            (
                envelope("lifecycle", r#""data":{"event":"failed","error":"SECRET"}"#),
                "error",
            ),
            (
                envelope("lifecycle", r#""data":{"event":"completed"}"#),
                "end",
            ),
        ] {
            assert_eq!(said(&[&event]), [expected], "{event}");
        }
        for silent in [
            r#"{"type":"event","method":"lifecycle","params":{"namespace":["a:1"],"data":{"event":"completed"}}}"#,
            r#"{"type":"event","method":"input.requested","params":{"namespace":[]}}"#,
            r#"{"type":"event","method":"tasks","params":{"namespace":[],"data":{"result":{"messages":[{"type":"ai","content":"x"}]}}}}"#,
            r#"{"type":"event","method":"tools","params":{"namespace":[],"data":{"event":"tool-output-delta","tool_call_id":"c","delta":"x"}}}"#,
        ] {
            assert!(said(&[silent]).is_empty(), "{silent}");
        }
    }

    #[test]
    fn what_a_block_begins_with_comes_whole_later() {
        let call = r#"{"event":"content-block-start","index":2,"content":{"type":"tool_call_chunk","id":"c","name":"f","args":""}}"#;
        reads(&DIALECT, &[call]);
        assert!(said(&[call]).is_empty());
    }

    #[test]
    fn a_tool_may_be_called_with_nothing() {
        let event = r#"{"event":"tool-started","tool_call_id":"c","tool_name":"f"}"#;
        assert_eq!(said(&[event]), ["call c f whole {}"]);
    }

    #[test]
    fn what_is_not_of_the_protocol_is_left_to_others() {
        leaves(
            &DIALECT,
            &[
                r#"{"event":"message-start","text":"x"}"#,
                r#"{"event":"content-block-start","text":"x"}"#,
                r#"{"event":"content-block-delta","delta":{"type":"text","text":"x"}}"#,
                r#"{"event":"content-block-finish","content":{"type":"text","text":"x"}}"#,
            ],
        );
    }
}
