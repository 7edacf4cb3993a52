//! Gemini's `GenerateContentResponse`, <https://ai.google.dev/api/generate-content>, and the events
//! of Google's Agent Development Kit, which hold the same content: `src/google/adk/events/event.py`
//! of <https://github.com/google/adk-python>. Fields are written in camel case or snake case.
//!
//! The kit follows the pieces of a text with their whole. Where users send the content alone, the
//! flag `partial` that tells them apart is left out.

use super::{Dialect, Reading, fields};
use crate::json::{Keys, Object, Value};
use crate::said::{Input, Whole};

pub(super) const DIALECT: Dialect = Dialect {
    name: "Gemini and ADK",
    keys: Keys::of(&[
        "content",
        "candidates",
        "parts",
        "errorCode",
        "error_code",
        "turnComplete",
        "turn_complete",
        "outputTranscription",
        "output_transcription",
        "promptFeedback",
        "prompt_feedback",
    ]),
    read,
};

/// Of which kind a text is: its form, and how it stands to what came before.
#[derive(Clone, Copy)]
struct Kind {
    form: &'static str,
    whole: Whole,
}

const PIECE: Kind = Kind {
    form: "gemini piece",
    whole: Whole::Unknown,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(candidates) = object.array("candidates") {
        // Others are other answers to the same question.
        let mut contents = candidates.filter_map(|it| it.as_object()?.object("content"));
        let content = contents.next();
        if let Some(content) = content.filter(is_content) {
            read_content(&content, PIECE, reading);
        }
        return content.is_some() || object.has("modelVersion") || object.has("model_version");
    }
    if object.is("role", "model") && is_content(object) {
        read_content(object, PIECE, reading);
        return true;
    }
    event(object, reading)
}

/// An event of the kit's.
fn event(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let author = object.string("author");
    let is_kits = fields::value(object, &["invocationId", "invocation_id"]).is_some();
    let mut reading = reading.spoken_by(author);
    let content = object.object("content").filter(is_content);
    if let Some(content) = content {
        read_content(&content, kind(object, is_kits), &mut reading);
    }
    let spoken = fields::object(object, &["outputTranscription", "output_transcription"]);
    if let Some(text) = spoken.and_then(|it| it.string("text")) {
        reading.text("adk transcription", text);
    }
    let code = fields::string(object, &["errorCode", "error_code"]);
    let has_failed = code.is_some_and(|code| !code.is_blank()) && (is_kits || author.is_some());
    if has_failed {
        reading.error();
        return true;
    }
    let is_over = object.is_true("turnComplete") || object.is_true("turn_complete");
    if is_over {
        reading.turn_end();
    }
    content.is_some() || spoken.is_some() || is_over || is_kits
}

/// By the flag `partial`, whether a text is a piece or the whole of those before; without it nobody
/// has said. In a whole event the flag is only left out where nothing was streamed.
fn kind(event: &Object<'_>, is_kits: bool) -> Kind {
    match event.get("partial") {
        Some(partial) if partial.is_true() => PIECE,
        Some(_) => Kind {
            form: "adk whole",
            whole: Whole::Unknown,
        },
        None if is_kits => Kind {
            form: "adk whole",
            whole: Whole::Unknown,
        },
        None => Kind {
            form: "adk content",
            whole: Whole::PerhapsOfPieces,
        },
    }
}

/// Whether a content has parts as Gemini's have them: without a `type`, which others' have.
fn is_content(content: &Object<'_>) -> bool {
    let Some(parts) = content.array("parts") else {
        return false;
    };
    let is_part = |part: Value<'_>| {
        part.as_object()
            .is_some_and(|it| !it.has("type") && !it.has("kind"))
    };
    parts.take(1).all(is_part)
}

fn read_content(content: &Object<'_>, kind: Kind, reading: &mut Reading<'_>) {
    let is_agents = content.string("role").is_none_or(|role| role.is("model"));
    let parts = content.array("parts").into_iter().flatten();
    for part in parts.filter_map(Value::as_object) {
        read_part(&part, is_agents, kind, reading);
    }
}

fn read_part(part: &Object<'_>, is_agents: bool, kind: Kind, reading: &mut Reading<'_>) {
    if let Some(text) = part.string("text").filter(|_| is_agents) {
        if part.is_true("thought") {
            reading.reasoning_whole(kind.form, text, kind.whole);
        } else {
            reading.text_whole(kind.form, text, kind.whole);
        }
    }
    if let Some(call) = fields::object(part, &["functionCall", "function_call"]) {
        let input = call.get("args").map_or("{}", Value::raw).to_owned();
        let (id, name) = (call.string("id"), call.string("name"));
        reading.call(id, None, name, Input::Whole(input));
    }
    if let Some(result) = fields::object(part, &["functionResponse", "function_response"]) {
        let output = result.get("response");
        let failed = output
            .and_then(Value::as_object)
            .is_some_and(|it| it.has("error"));
        reading.result(result.string("id"), output, failed);
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn a_response_is_streamed_in_chunks() {
        let chunks = [
            r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"}},{"content":{"parts":[{"text":"Or"}]}}],"modelVersion":"g"}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}}],"role":"model"},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"finishReason":"STOP"}],"modelVersion":"g"}"#,
        ];
        assert_eq!(
            said(&chunks),
            ["reasoning hm", "text Hi", r#"call - f whole {"a":1}"#]
        );
    }

    #[test]
    fn the_kits_events_have_an_author() {
        let events = [
            r#"{"author":"a","invocationId":"i","partial":true,"content":{"role":"model","parts":[{"text":"Hi","thought":null}]}}"#,
            r#"{"author":"a","invocation_id":"i","partial":null,"content":{"role":"model","parts":[{"text":"Hi"},{"function_call":{"id":"c","name":"f","args":{}}}]}}"#,
            r#"{"author":"a","content":{"role":"user","parts":[{"text":"PROMPT"},{"function_response":{"id":"c","name":"f","response":{"result":"r"}}}]}}"#,
            r#"{"turn_complete":true,"interrupted":null}"#,
            r#"{"author":"a","errorCode":"RESOURCE_EXHAUSTED","errorMessage":"SECRET"}"#,
        ];
        assert_eq!(
            said(&events),
            [
                "text Hi",
                "text Hi",
                "call c f whole {}",
                r#"result c {"result":"r"}"#,
                "turn end",
                "error"
            ]
        );
    }
}
