//! What models answer to Bedrock's InvokeModel, each in its own form:
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>.

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
    object.has("amazon-bedrock-invocationMetrics") && object.iter().count() == 1
}

/// The first of several answers to the same question.
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
}
