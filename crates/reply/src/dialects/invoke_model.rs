//! What models answer to Bedrock's InvokeModel, each in a format of its own:
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>; and Bedrock's flows:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_InvokeFlow.html>.

use super::any_key;
use super::{Dialect, Reading};
use crate::json::{Array, Keys, Object, Value};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Bedrock InvokeModel",
    keys: Keys::of(&[
        "outputText",
        "results",
        "generation",
        "generations",
        "outputs",
        "completions",
        "amazon-bedrock-invocationMetrics",
        "event_type",
        "flowOutputEvent",
        "flowCompletionEvent",
        "flowTraceEvent",
        "flowMultiTurnInputRequestEvent",
    ]),
    read,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    // Titan streams an `outputText`, and answers with several.
    if let Some(text) = object.string("outputText") {
        reading.text("titan", text);
        return true;
    }
    // Llama
    if let Some(text) = object.string("generation").filter(|_| {
        object.has("stop_reason")
            || object.has("prompt_token_count")
            || object.has("generation_token_count")
    }) {
        reading.text("llama", text);
        return true;
    }
    // Titan, Mistral, Cohere: several answers, or one.
    for (list, key) in [
        ("results", "outputText"),
        ("outputs", "text"),
        ("generations", "text"),
    ] {
        if let Some(answers) = object.array(list) {
            return first(answers, list, reading, |answer| answer.string(key));
        }
    }
    // AI21
    if let Some(answers) = object.array("completions") {
        return first(answers, "completions", reading, |answer| {
            answer.object("data")?.string("text")
        });
    }
    cohere(object, reading)
        || flow(object, reading)
        || (object.has("amazon-bedrock-invocationMetrics") && object.iter().count() == 1)
}

/// Reads Cohere's chat: pieces, then the response with all of them.
fn cohere(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = object
        .string("event_type")
        .filter(|_| object.has("is_finished"))
    else {
        return false;
    };
    match &*name.decode() {
        "text-generation" => {
            if let Some(text) = object.string("text") {
                reading.text("cohere", text);
            }
        }
        "stream-end" => {
            let response = object.object("response");
            if let Some(text) = response.and_then(|it| it.string("text")) {
                reading.text("cohere response", text);
            }
            let reason = object.string("finish_reason");
            if reason.is_some_and(|reason| reason.starts_with("ERROR")) {
                reading.error();
            } else {
                reading.turn_end();
            }
        }
        _ => {}
    }
    true
}

/// Reads a flow's outputs, what it asks its user, and its end. Its traces hold what its nodes were
/// given, so they say nothing.
fn flow(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let words = ["flowOutputEvent", "flowMultiTurnInputRequestEvent"];
    if let Some(output) = any_key::object(object, &words) {
        let content = output.object("content");
        if let Some(document) = content.and_then(|it| it.get("document")) {
            reading.inside("flowOutputEvent").value(document);
        }
        return true;
    }
    if object.object("flowCompletionEvent").is_some() {
        reading.end();
        return true;
    }
    object.object("flowTraceEvent").is_some()
}

/// Says the first of several answers to the same question.
fn first<'a>(
    mut answers: Array<'a>,
    form: &str,
    reading: &mut Reading<'_>,
    text: impl Fn(&Object<'a>) -> Option<crate::json::Str<'a>>,
) -> bool {
    let answer = answers.next().and_then(Value::as_object);
    let text = answer.and_then(|answer| text(&answer));
    text.map(|text| reading.text(form, text)).is_some()
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn each_model_answers_in_its_own_form() {
        for answer in [
            r#"{"outputText":"Hi","index":0,"completionReason":null}"#,
            r#"{"inputTextTokenCount":3,"results":[{"tokenCount":1,"outputText":"Hi"}]}"#,
            r#"{"generation":"Hi","prompt_token_count":3,"stop_reason":null}"#,
            r#"{"generation":"Hi","prompt_token_count":null,"generation_token_count":2}"#,
            r#"{"generation":"Hi","generation_token_count":2}"#,
            r#"{"outputs":[{"text":"Hi","stop_reason":"stop"}]}"#,
            r#"{"generations":[{"id":"g","text":"Hi"}],"prompt":"PROMPT"}"#,
            r#"{"id":1,"completions":[{"data":{"text":"Hi"},"finishReason":{}}]}"#,
        ] {
            assert_eq!(said(&[answer]), ["text Hi"], "{answer}");
        }
        assert!(
            said(&[r#"{"amazon-bedrock-invocationMetrics":{"inputTokenCount":3}}"#]).is_empty()
        );
    }

    #[test]
    fn cohere_and_flows_stream_events() {
        let events = [
            r#"{"is_finished":false,"event_type":"stream-start","generation_id":"g"}"#,
            r#"{"is_finished":false,"event_type":"text-generation","text":"Hi"}"#,
            r#"{"is_finished":false,"event_type":"tool-calls-chunk","text":"PLAN","tool_call_delta":{}}"#,
            r#"{"is_finished":true,"event_type":"stream-end","response":{"text":"Hi","chat_history":[{"role":"USER","message":"PROMPT"}]},"finish_reason":"COMPLETE"}"#,
        ];
        assert_eq!(said(&events), ["text Hi", "text Hi", "turn end"]);
        let failed = r#"{"is_finished":true,"event_type":"stream-end","response":{"text":""},"finish_reason":"ERROR_TOXIC"}"#;
        assert_eq!(said(&[failed]), ["error"]);
        let flow = [
            r#"{"flowTraceEvent":{"trace":{"nodeInputTrace":{"fields":[{"nodeInputName":"PROMPT"}]}}}}"#,
            r#"{"flowOutputEvent":{"content":{"document":"Hi"},"nodeName":"FlowOutputNode","nodeType":"FlowOutputNode"}}"#,
            r#"{"flowCompletionEvent":{"completionReason":"SUCCESS"}}"#,
        ];
        assert_eq!(said(&flow), ["text Hi", "end"]);
        let asks = [
            r#"{"flowMultiTurnInputRequestEvent":{"content":{"document":"Where?"},"nodeName":"Agent","nodeType":"AgentNode"}}"#,
            r#"{"flowCompletionEvent":{"completionReason":"INPUT_REQUIRED"}}"#,
        ];
        assert_eq!(said(&asks), ["text Where?", "end"]);
    }
}
