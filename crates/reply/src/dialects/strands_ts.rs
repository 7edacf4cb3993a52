//! Strands Agents in TypeScript: `src/agent/agent.ts`, `src/hooks/events.ts` and
//! `src/models/streaming.ts` of <https://github.com/strands-agents/sdk-typescript>.

use super::{Dialect, Reading, converse};
use crate::json::{Keys, Object, Value};
use crate::names::is_agents;
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Strands in TypeScript",
    keys: Keys::of(&["type"]),
    read,
};

fn read(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = event.string("type") else {
        return false;
    };
    let name = &*name.decode();
    agent(name, event, reading) || multi_agent(name, event, reading) || is_silent(name)
}

/// Reads an event of an agent, or its result by itself.
fn agent(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        "modelStreamUpdateEvent" => {
            if let Some(inner) = event.object("event") {
                model_event(&inner, reading);
            }
        }
        "modelMessageStartEvent"
        | "modelContentBlockStartEvent"
        | "modelContentBlockDeltaEvent"
        | "modelContentBlockStopEvent"
        | "modelMessageStopEvent"
        | "modelMetadataEvent" => model_event(event, reading),
        "contentBlockEvent" => {
            if let Some(content) = event.object("contentBlock") {
                block(&content, "strands-ts block", reading);
            }
        }
        "messageAddedEvent" | "modelMessageEvent" => {
            if let Some(content) = event.object("message") {
                message(&content, name, reading);
            }
        }
        "toolResultEvent" => {
            let result = event
                .object("result")
                .or_else(|| event.object("toolResult"));
            // As a block of content it lies one deeper, under the name of its kind.
            let block = result.and_then(|it| it.object("toolResult"));
            if let Some(result) = block.or(result) {
                tool_result(&result, reading);
            }
        }
        "agentResultEvent" => {
            if let Some(result) = event.object("result") {
                agent_result(&result, reading);
            }
            reading.end();
        }
        "agentResult" => {
            agent_result(event, reading);
            reading.end();
        }
        _ => return false,
    }
    true
}

/// Reads an event of a graph or a swarm, or its result by itself.
fn multi_agent(name: &str, event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    match name {
        "nodeStreamUpdateEvent" | "multiAgentNodeStreamEvent" => {
            let inner = event.object("inner").and_then(|it| it.get("event"));
            if let Some(inner) = inner.or_else(|| event.get("event")) {
                reading
                    .spoken_by(event.string("nodeId"))
                    .inside("strands-ts node")
                    .value(inner);
            }
        }
        "nodeResultEvent" => {
            let mut reading = reading.spoken_by(event.string("nodeId"));
            if let Some(result) = event.object("result") {
                blocks(&result, "strands-ts node result", &mut reading);
            }
            reading.turn_end();
        }
        "multiAgentResultEvent" => {
            if let Some(result) = event.object("result") {
                graph_result(&result, reading);
            }
            reading.end();
        }
        "multiAgentResult" => {
            graph_result(event, reading);
            reading.end();
        }
        _ => return false,
    }
    true
}

/// Whether events of this name say nothing of the reply: what begins and ends around the words, and
/// what tools stream.
fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "beforeInvocationEvent"
            | "afterInvocationEvent"
            | "initializedEvent"
            | "agentInitializedEvent"
            | "beforeModelCallEvent"
            | "afterModelCallEvent"
            | "beforeToolsEvent"
            | "afterToolsEvent"
            | "beforeToolCallEvent"
            | "afterToolCallEvent"
            | "toolStreamUpdateEvent"
            | "toolStreamEvent"
            | "modelRedactionEvent"
            | "interruptEvent"
            | "multiAgentInitializedEvent"
            | "beforeMultiAgentInvocationEvent"
            | "afterMultiAgentInvocationEvent"
            | "beforeNodeCallEvent"
            | "afterNodeCallEvent"
            | "nodeCancelEvent"
            | "multiAgentHandoffEvent"
    )
}

/// Reads an event of the model's stream, which comes by itself or inside of an update.
fn model_event(event: &Object<'_>, reading: &mut Reading<'_>) {
    if event.is("type", "modelMessageStopEvent") {
        return reading.turn_end();
    }
    if let Some(start) = event.object("start").filter(|it| it.has("toolUseId")) {
        let (id, name) = (start.string("toolUseId"), start.string("name"));
        reading.call(id, None, name, Input::None);
    }
    let Some(delta) = event.object("delta") else {
        return;
    };
    let Some(kind) = delta.string("type") else {
        return;
    };
    if kind.is("toolUseInputDelta") {
        let piece = delta
            .string("input")
            .map(|piece| piece.decode().into_owned());
        return reading.call(None, None, None, Input::Piece(piece.unwrap_or_default()));
    }
    if kind.is("citationsDelta") {
        return cited(&delta, "strands-ts delta", reading);
    }
    if let Some(text) = delta.string("text") {
        if kind.is("textDelta") {
            reading.text("strands-ts delta", text);
        } else if kind.is("reasoningContentDelta") {
            reading.reasoning("strands-ts delta", text);
        }
    }
}

/// Says what the agent came to, which is its last message.
fn agent_result(result: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(last) = result.object("lastMessage") {
        message(&last, "strands-ts result", reading);
    }
}

fn message(message: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let is_agents = is_agents(message.string("role"));
    let content = message.array("content").into_iter().flatten();
    for part in content.filter_map(Value::as_object) {
        if is_agents || part.has("toolResult") {
            block(&part, form, reading);
        }
    }
}

/// Says what a graph or a swarm came to. Where its nodes were streamed, that is their words again.
fn graph_result(result: &Object<'_>, reading: &mut Reading<'_>) {
    let has_failed = result.is("status", "FAILED") || result.object("error").is_some();
    if has_failed {
        return reading.error();
    }
    if !reading.memory().has_text {
        blocks(result, "strands-ts graph result", reading);
    }
}

fn blocks(result: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let content = result.array("content").into_iter().flatten();
    for part in content.filter_map(Value::as_object) {
        block(&part, form, reading);
    }
}

/// Says text that has its sources beside it.
fn cited(citations: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let content = citations.array("content").into_iter().flatten();
    for part in content.filter_map(Value::as_object) {
        if let Some(text) = part.string("text") {
            reading.text(form, text);
        }
    }
}

/// Says a block of content. All but citations and reasoning are as Converse has them.
fn block(content: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    if let Some(citations) = content.object("citations") {
        return cited(&citations, form, reading);
    }
    if let Some(text) = content.object("reasoning").and_then(|it| it.string("text")) {
        return reading.reasoning(form, text);
    }
    converse::read_block(content, form, reading);
}

fn tool_result(result: &Object<'_>, reading: &mut Reading<'_>) {
    let failed = result.is("status", "error");
    reading.result(result.string("toolUseId"), result.get("content"), failed);
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn an_agent_streams_and_ends_with_its_result() {
        let events = [
            r#"{"type":"beforeInvocationEvent"}"#,
            r#"{"type":"messageAddedEvent","message":{"role":"user","content":[{"text":"PROMPT"}]}}"#,
            r#"{"type":"modelStreamUpdateEvent","event":{"type":"modelContentBlockDeltaEvent","delta":{"type":"reasoningContentDelta","text":"hm"}}}"#,
            r#"{"type":"modelStreamUpdateEvent","event":{"type":"modelContentBlockStartEvent","start":{"type":"toolUseStart","name":"f","toolUseId":"c"}}}"#,
            r#"{"type":"modelStreamUpdateEvent","event":{"type":"modelContentBlockDeltaEvent","delta":{"type":"toolUseInputDelta","input":"{}"}}}"#,
            r#"{"type":"modelStreamUpdateEvent","event":{"type":"modelMessageStopEvent","stopReason":"toolUse"}}"#,
            r#"{"type":"messageAddedEvent","message":{"role":"user","content":[{"toolResult":{"toolUseId":"c","status":"success","content":[]}}]}}"#,
            r#"{"type":"modelStreamUpdateEvent","event":{"type":"modelContentBlockDeltaEvent","delta":{"type":"textDelta","text":"Hi"}}}"#,
            r#"{"type":"contentBlockEvent","contentBlock":{"text":"Hi"}}"#,
            r#"{"type":"agentResultEvent","result":{"type":"agentResult","lastMessage":{"role":"assistant","content":[{"reasoning":{"text":"hm"}},{"text":"Hi"}]}}}"#,
        ];
        assert_eq!(
            said(&events),
            [
                "reasoning hm",
                "call c f begun",
                "call - - piece {}",
                "turn end",
                "result c []",
                "text Hi",
                "text Hi",
                "reasoning hm",
                "text Hi",
                "end"
            ]
        );
    }

    #[test]
    fn a_graphs_nodes_speak_inside_of_its_events() {
        let delta = r#"{"type":"modelStreamUpdateEvent","event":{"type":"modelContentBlockDeltaEvent","delta":{"type":"textDelta","text":"Hi"}}}"#;
        let end = r#"{"type":"agentResultEvent","result":{"type":"agentResult","lastMessage":{"role":"assistant","content":[{"text":"Hi"}]}}}"#;
        let node = |event: &str| {
            format!(
                r#"{{"type":"nodeStreamUpdateEvent","nodeId":"a","nodeType":"agentNode","inner":{{"source":"agent","event":{event}}}}}"#
            )
        };
        let result = r#"{"type":"multiAgentResultEvent","result":{"type":"multiAgentResult","status":"COMPLETED","results":[],"content":[{"text":"Hi"}]}}"#;
        let node_result = r#"{"type":"nodeResultEvent","nodeId":"a","nodeType":"agentNode","result":{"type":"nodeResult","content":[{"text":"Hi"}]}}"#;
        assert_eq!(
            said(&[&node(delta), &node(end), node_result, result]),
            ["text Hi", "text Hi", "text Hi", "turn end", "end"]
        );
        assert_eq!(said(&[result]), ["text Hi", "end"]);
        let alone = r#"{"type":"multiAgentResult","status":"COMPLETED","results":[],"content":[{"text":"Hi"}],"duration":5}"#;
        assert_eq!(said(&[alone]), ["text Hi", "end"]);
        let failed = r#"{"type":"multiAgentResultEvent","result":{"status":"FAILED","content":[],"error":{"message":"SECRET"}}}"#;
        assert_eq!(said(&[failed])[0], "error");
        for result in [
            r#"{"status":"FAILED","content":[]}"#,
            r#"{"status":"COMPLETED","content":[],"error":{"message":"SECRET"}}"#,
        ] {
            let event = format!(r#"{{"type":"multiAgentResultEvent","result":{result}}}"#);
            assert_eq!(said(&[&event])[0], "error");
        }
    }

    #[test]
    fn cited_text_and_results_of_tools_lie_deeper() {
        for (event, expected) in [
            (
                r#"{"type":"modelContentBlockDeltaEvent","delta":{"type":"citationsDelta","citations":[{"sourceContent":[{"text":"CITED"}]}],"content":[{"text":"Hi"}]}}"#,
                "text Hi",
            ),
            (
                r#"{"type":"contentBlockEvent","contentBlock":{"citations":{"citations":[],"content":[{"text":"Hi"}]}}}"#,
                "text Hi",
            ),
            (
                r#"{"type":"toolResultEvent","result":{"toolResult":{"toolUseId":"c","status":"error","content":[]}}}"#,
                "result c [] failed",
            ),
        ] {
            assert_eq!(said(&[event]), [expected], "{event}");
        }
    }
}
