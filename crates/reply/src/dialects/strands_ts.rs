//! Strands Agents in TypeScript: `src/agent/agent.ts`, `src/hooks/events.ts` and
//! `src/models/streaming.ts` of <https://github.com/strands-agents/sdk-typescript>.

use super::{Dialect, Reading, converse};
use crate::json::{Keys, Object, Value};
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Strands in TypeScript",
    keys: Keys::of(&["type"]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = object.string("type") else {
        return false;
    };
    match &*name.decode() {
        "modelStreamUpdateEvent" => {
            if let Some(event) = object.object("event") {
                model_event(&event, reading);
            }
        }
        "modelMessageStartEvent"
        | "modelContentBlockStartEvent"
        | "modelContentBlockDeltaEvent"
        | "modelContentBlockStopEvent"
        | "modelMessageStopEvent"
        | "modelMetadataEvent" => {
            model_event(object, reading);
        }
        "contentBlockEvent" => {
            if let Some(content) = object.object("contentBlock") {
                block(&content, "strands-ts block", reading);
            }
        }
        name @ ("messageAddedEvent" | "modelMessageEvent") => {
            if let Some(content) = object.object("message") {
                message(&content, name, reading);
            }
        }
        "toolResultEvent" => {
            let result = object
                .object("result")
                .or_else(|| object.object("toolResult"));
            if let Some(result) = result {
                tool_result(&result, reading);
            }
        }
        "agentResultEvent" => {
            if let Some(result) = object.object("result") {
                agent_result(&result, reading);
            }
            reading.end();
        }
        "agentResult" => {
            agent_result(object, reading);
            reading.end();
        }
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
        | "toolStreamEvent" => {}
        "nodeStreamUpdateEvent" | "multiAgentNodeStreamEvent" => {
            let node = object.string("nodeId");
            if let Some(event) = object.get("event") {
                reading
                    .spoken_by(node)
                    .inside("strands-ts node")
                    .value(event);
            }
        }
        _ => return false,
    }
    true
}

/// An event of the model's stream, alone or inside of an update.
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
    if let Some(text) = delta.string("text") {
        if kind.is("textDelta") {
            reading.text("strands-ts delta", text);
        } else if kind.is("reasoningContentDelta") {
            reading.reasoning("strands-ts delta", text);
        }
    }
}

/// What the agent came to: its last message.
fn agent_result(result: &Object<'_>, reading: &mut Reading<'_>) {
    if let Some(last) = result.object("lastMessage") {
        message(&last, "strands-ts result", reading);
    }
}

fn message(message: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let is_agents = message
        .string("role")
        .is_none_or(|role| role.is("assistant"));
    let content = message.array("content").into_iter().flatten();
    for part in content.filter_map(Value::as_object) {
        if is_agents || part.has("toolResult") {
            block(&part, form, reading);
        }
    }
}

/// A block is Converse's, but for reasoning.
fn block(content: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
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
}
