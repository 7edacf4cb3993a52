//! Amazon Bedrock's Converse and ConverseStream, bare or inside `event`:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html> and
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>.

use super::{Dialect, Reading, home_made};
use crate::json::{Keys, Object, Value};
use crate::names::is_agents;
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Bedrock Converse",
    keys: Keys::of(&[
        "event",
        "output",
        "role",
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
        "internalServerException",
        "modelStreamErrorException",
        "validationException",
        "throttlingException",
        "serviceUnavailableException",
        "modelTimeoutException",
        "accessDeniedException",
        "resourceNotFoundException",
        "dependencyFailedException",
        "redactContent",
    ]),
    read,
};

/// What is remembered of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The index of the block that is a call. Every kind of block has the same end.
    call_block: Option<u64>,
}

/// The members of the stream's union that say that it failed.
const EXCEPTIONS: [&str; 9] = [
    "internalServerException",
    "modelStreamErrorException",
    "validationException",
    "throttlingException",
    "serviceUnavailableException",
    "modelTimeoutException",
    "accessDeniedException",
    "resourceNotFoundException",
    "dependencyFailedException",
];

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(event) = object.object("event") {
        return read_event(&event, &mut reading.unwrapped("event"));
    }
    if let Some(message) = object.object("output").and_then(|it| it.object("message")) {
        if message.array("content").is_none() {
            return false;
        }
        read_message(&message, "output message", reading);
        return true;
    }
    if is_message(object) {
        read_message(object, "message", reading);
        return true;
    }
    read_event(object, reading)
}

/// Whether an object is a message and nothing else, with blocks that have no `type`. Strands adds
/// an id, and metadata that says what the message has cost.
fn is_message(object: &Object<'_>) -> bool {
    const FIELDS: [&str; 5] = ["role", "content", "metadata", "tracking_id", "trackingId"];
    let (Some(_), Some(content)) = (object.string("role"), object.array("content")) else {
        return false;
    };
    let has_no_other = || object.iter().take(6).all(|(key, _)| key.is_any(&FIELDS));
    let mut blocks = content.map(Value::as_object);
    let first = blocks.next().flatten();
    first.is_some_and(|block| !block.has("type")) && has_no_other()
}

/// Reads an event of the stream, whose one key says what it is; false where it is none.
pub(super) fn read_event(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(delta) = event.object("contentBlockDelta") {
        let index = delta.number("contentBlockIndex");
        if let Some(delta) = delta.object("delta") {
            read_delta(&delta, index, reading);
        }
        return true;
    }
    if let Some(start) = event.object("contentBlockStart") {
        let index = start.number("contentBlockIndex");
        let tool = start.object("start").and_then(|it| it.object("toolUse"));
        if let Some(tool) = tool {
            let (id, name) = (tool.string("toolUseId"), tool.string("name"));
            reading.memory().converse.call_block = index;
            reading.call(id, index, name, Input::Announced);
        }
        return true;
    }
    if let Some(stop) = event.object("contentBlockStop") {
        let index = stop.number("contentBlockIndex");
        if index.is_some() && reading.memory().converse.call_block == index {
            reading.memory().converse.call_block = None;
            reading.call(None, index, None, Input::Ended);
        }
        return true;
    }
    if event.object("messageStop").is_some() {
        reading.turn_end();
        return true;
    }
    if EXCEPTIONS.iter().any(|name| event.object(name).is_some()) {
        reading.error();
        return true;
    }
    let metadata = event.object("metadata");
    event
        .object("messageStart")
        .is_some_and(|it| it.string("role").is_some())
        // A guardrail of Strands took words out. The message that follows has those in their place.
        || event.object("redactContent").is_some()
        || (metadata.is_some_and(|it| it.has("usage") || it.has("metrics"))
            && event.iter().count() == 1)
}

fn read_delta(delta: &Object<'_>, index: Option<u64>, reading: &mut Reading<'_>) {
    if let Some(text) = delta.string("text") {
        reading.text("contentBlockDelta", text);
    }
    let reasoning = delta.object("reasoningContent");
    if let Some(text) = reasoning.and_then(|it| it.string("text")) {
        reading.reasoning("contentBlockDelta", text);
    }
    if let Some(input) = delta.object("toolUse").and_then(|it| it.string("input")) {
        let piece = Input::Piece(input.decode().into_owned());
        // Some models of Strands say only here, and not at the block's start, which call it is.
        let tool = delta.object("toolUse");
        let field = |key: &str| tool.and_then(|it| it.string(key));
        reading.call(field("toolUseId"), index, field("name"), piece);
    }
}

/// Reads a message: the agent's words, or what tools answered, which is in messages of the user.
pub(super) fn read_message(message: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    let is_agents = is_agents(message.string("role"));
    let content = message.array("content").into_iter().flatten();
    for block in content.filter_map(Value::as_object) {
        if is_agents || block.has("toolResult") {
            read_block(&block, form, reading);
        } else {
            home_made::answer(&block, reading);
        }
    }
}

/// Reads a block of a message's content.
pub(super) fn read_block(block: &Object<'_>, form: &str, reading: &mut Reading<'_>) {
    if let Some(text) = block.string("text") {
        reading.text(form, text);
    }
    if let Some(cited) = block
        .object("citationsContent")
        .and_then(|it| it.array("content"))
    {
        for part in cited.filter_map(Value::as_object) {
            if let Some(text) = part.string("text") {
                reading.text(form, text);
            }
        }
    }
    if let Some(reasoning) = block.object("reasoningContent") {
        let text = reasoning.object("reasoningText").unwrap_or(reasoning);
        if let Some(text) = text.string("text") {
            reading.reasoning(form, text);
        }
    }
    if let Some(tool) = block.object("toolUse") {
        let input = tool.get("input").map_or("{}", Value::raw).to_owned();
        let (id, name) = (tool.string("toolUseId"), tool.string("name"));
        reading.call(id, None, name, Input::Whole(input));
    }
    if let Some(result) = block.object("toolResult") {
        let failed = result.is("status", "error");
        reading.result(result.string("toolUseId"), result.get("content"), failed);
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn a_stream_is_read_bare_and_inside_of_an_event() {
        let events = [
            r#"{"messageStart":{"role":"assistant"}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"text":"Hi"}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"citation":{"title":"t"}}}}"#,
            r#"{"contentBlockStop":{"contentBlockIndex":1}}"#,
            r#"{"contentBlockStart":{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"c","name":"f"}}}}"#,
            r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{}"}}}}"#,
            r#"{"messageStop":{"stopReason":"tool_use"}}"#,
            r#"{"metadata":{"usage":{"totalTokens":3},"metrics":{"latencyMs":5}}}"#,
        ];
        let expected = [
            "reasoning hm",
            "text Hi",
            "call c f begun",
            "call - - piece {}",
            "turn end",
        ];
        assert_eq!(said(&events), expected);
        let wrapped = events.map(|event| format!("{{\"event\":{event}}}"));
        let wrapped = wrapped.each_ref().map(String::as_str);
        assert_eq!(said(&wrapped), expected);
    }

    #[test]
    fn a_response_is_read_whole() {
        let response = r#"{"output":{"message":{"role":"assistant","content":[
            {"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},
            {"citationsContent":{"content":[{"text":"Hi"}],"citations":[{"sourceContent":[{"text":"CITED"}]}]}},
            {"toolUse":{"toolUseId":"c","name":"f","input":{"a":1}}},
            {"image":{"format":"png"}}]}},"stopReason":"tool_use"}"#;
        assert_eq!(
            said(&[response]),
            ["reasoning hm", "text Hi", r#"call c f whole {"a":1}"#]
        );
    }

    #[test]
    fn an_exception_is_an_error() {
        for event in [
            r#"{"throttlingException":{"message":"SECRET"}}"#,
            r#"{"event":{"modelStreamErrorException":{"message":"SECRET"}}}"#,
        ] {
            assert_eq!(said(&[event]), ["error"], "{event}");
        }
    }

    #[test]
    fn a_message_is_read_by_itself() {
        let message = r#"{"role":"assistant","content":[{"citationsContent":{"content":[{"text":"Hi"}]}},{"toolUse":{"toolUseId":"c","name":"f","input":{}}}],"metadata":{}}"#;
        assert_eq!(said(&[message]), ["text Hi", "call c f whole {}"]);
        let users = r#"{"role":"user","content":[{"text":"PROMPT"},{"toolResult":{"toolUseId":"c","status":"success","content":[]}}]}"#;
        assert_eq!(said(&[users]), ["result c []"]);
    }

    #[test]
    fn what_a_request_took_is_no_answer() {
        for metadata in [
            r#"{"metadata":{"usage":{"inputTokens":1}}}"#,
            r#"{"metadata":{"metrics":{"latencyMs":1}}}"#,
        ] {
            assert!(said(&[metadata]).is_empty(), "{metadata}");
        }
    }
}
