//! Gemini's `GenerateContentResponse`, <https://ai.google.dev/api/generate-content>, and the events
//! of Google's Agent Development Kit, which hold the same content: `src/google/adk/events/event.py`
//! of <https://github.com/google/adk-python>. Fields are written in camel case or snake case.
//!
//! The kit gives the pieces of a text, then all of it. The flag `partial` tells them apart, but
//! where users send the content alone it is left out.

use super::{Dialect, Reading, any_key};
use crate::json::{Keys, Object, Value};
use crate::names::{is_agents, whose};
use crate::said::{Coverage, Input};

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
        "serverContent",
        "server_content",
        "toolCall",
        "tool_call",
        "setupComplete",
        "setup_complete",
    ]),
    read,
};

/// The form of a text, and what it repeats.
#[derive(Clone, Copy)]
struct Origin {
    form: &'static str,
    coverage: Coverage,
}

const PIECE: Origin = Origin {
    form: "gemini piece",
    coverage: Coverage::Unknown,
};

/// The kit's, without a word on what it is.
const PERHAPS_WHOLE: Origin = Origin {
    form: "adk content",
    coverage: Coverage::PerhapsAllPieces,
};

fn read(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(candidates) = object.array("candidates") {
        // The other candidates are other answers to the same question.
        let mut contents = candidates.filter_map(|it| it.as_object()?.object("content"));
        let content = contents.next();
        if let Some(content) = content.filter(is_content) {
            read_content(&content, PIECE, reading);
        }
        return content.is_some() || object.has("modelVersion") || object.has("model_version");
    }
    if object.is("role", "model") && is_content(object) {
        read_content(object, PERHAPS_WHOLE, reading);
        return true;
    }
    blocked(object, reading) || live(object, reading) || event(object, reading)
}

/// Reads the answer to a prompt that was refused: no candidates, but a reason.
fn blocked(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let feedback = any_key::object(object, &["promptFeedback", "prompt_feedback"]);
    let reason = feedback.and_then(|it| any_key::string(&it, &["blockReason", "block_reason"]));
    if reason.is_none() {
        return false;
    }
    reading.error();
    true
}

/// Reads a message of the Live API: <https://ai.google.dev/api/live>. The transcription of what the
/// user said is none of the agent's words.
fn live(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if let Some(server) = any_key::object(object, &["serverContent", "server_content"]) {
        let turn = any_key::object(&server, &["modelTurn", "model_turn"]);
        if let Some(turn) = turn.filter(is_content) {
            read_content(&turn, PIECE, reading);
        }
        transcription(&server, reading);
        if is_flagged(&server, &["turnComplete", "turn_complete"]) {
            reading.turn_end();
        }
        return true;
    }
    let calls = any_key::object(object, &["toolCall", "tool_call"]);
    let calls = calls.and_then(|it| any_key::value(&it, &["functionCalls", "function_calls"]));
    if let Some(calls) = calls {
        for called in calls.as_array().into_iter().flatten() {
            if let Some(called) = called.as_object() {
                call(&called, reading);
            }
        }
        return true;
    }
    any_key::object(object, &["setupComplete", "setup_complete"]).is_some()
}

fn is_flagged(object: &Object<'_>, keys: &[&str]) -> bool {
    keys.iter().any(|key| object.is_true(key))
}

/// Says what the agent said aloud: its pieces, then all of it, which is flagged.
fn transcription(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let spoken = any_key::object(object, &["outputTranscription", "output_transcription"]);
    let Some(spoken) = spoken else {
        return false;
    };
    if let Some(text) = spoken.string("text") {
        let form = if spoken.is_true("finished") {
            "gemini transcription whole"
        } else {
            "gemini transcription"
        };
        reading.text(form, text);
    }
    true
}

fn call(called: &Object<'_>, reading: &mut Reading<'_>) {
    let input = called.get("args").map_or("{}", Value::raw).to_owned();
    let (id, name) = (called.string("id"), called.string("name"));
    reading.call(id, None, name, Input::Whole(input));
}

/// Reads an event of the kit.
fn event(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let author = object.string("author");
    let is_kits = any_key::value(object, &["invocationId", "invocation_id"]).is_some();
    let mut reading = reading.spoken_by(author);
    let content = object.object("content").filter(is_content);
    if let Some(content) = content {
        // What the user asked has their name, and not always their role.
        let is_agents = author.and_then(whose).is_none();
        read_parts(&content, is_agents, origin(object), &mut reading);
    }
    let has_spoken = transcription(object, &mut reading);
    let code = any_key::string(object, &["errorCode", "error_code"]);
    let has_failed = code.is_some_and(|code| !code.is_blank()) && (is_kits || author.is_some());
    if has_failed {
        reading.error();
        return true;
    }
    let is_over = is_flagged(object, &["turnComplete", "turn_complete"]);
    if is_over {
        reading.turn_end();
    }
    content.is_some() || has_spoken || is_over || is_kits
}

/// Whether the texts of an event are pieces or all of the pieces before, by the flag `partial`.
/// Where it was left out, nothing is said.
fn origin(event: &Object<'_>) -> Origin {
    match event.get("partial") {
        Some(partial) if partial.is_true() => PIECE,
        Some(_) => Origin {
            form: "adk whole",
            coverage: Coverage::Unknown,
        },
        None => PERHAPS_WHOLE,
    }
}

/// Whether a content has parts without a `type`. In other formats parts have one.
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

fn read_content(content: &Object<'_>, origin: Origin, reading: &mut Reading<'_>) {
    read_parts(content, true, origin, reading);
}

fn read_parts(
    content: &Object<'_>,
    may_be_agents: bool,
    origin: Origin,
    reading: &mut Reading<'_>,
) {
    let is_agents = may_be_agents && is_agents(content.string("role"));
    let parts = content.array("parts").into_iter().flatten();
    for part in parts.filter_map(Value::as_object) {
        read_part(&part, is_agents, origin, reading);
    }
}

fn read_part(part: &Object<'_>, is_agents: bool, origin: Origin, reading: &mut Reading<'_>) {
    if let Some(text) = part.string("text").filter(|_| is_agents) {
        if part.is_true("thought") {
            reading.reasoning_covering(origin.form, text, origin.coverage);
        } else {
            reading.text_covering(origin.form, text, origin.coverage);
        }
    }
    if let Some(called) = any_key::object(part, &["functionCall", "function_call"]) {
        call(&called, reading);
    }
    if let Some(result) = any_key::object(part, &["functionResponse", "function_response"]) {
        let output = result.get("response");
        let failed = output
            .and_then(Value::as_object)
            .is_some_and(|it| it.has("error"));
        let (id, name) = (result.string("id"), result.string("name"));
        reading.result_of(id, name, output, failed);
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

    #[test]
    fn what_the_user_authored_is_none_of_the_agents_words() {
        let events = [
            r#"{"author":"user","invocationId":"i","content":{"parts":[{"text":"PROMPT"}]}}"#,
            r#"{"author":"user","content":{"role":"model","parts":[{"text":"PROMPT"},{"functionResponse":{"id":"c","name":"f","response":{"r":1}}}]}}"#,
            r#"{"author":"root","content":{"parts":[{"text":"Hi"}]}}"#,
        ];
        assert_eq!(said(&events), [r#"result c {"r":1}"#, "text Hi"]);
    }

    #[test]
    fn what_is_said_aloud_is_transcribed_in_pieces_and_whole() {
        let events = [
            r#"{"setupComplete":{}}"#,
            r#"{"serverContent":{"inputTranscription":{"text":"PROMPT"}}}"#,
            r#"{"server_content":{"model_turn":{"parts":[{"text":"Hi","thought":null}]},"turn_complete":null}}"#,
            r#"{"toolCall":{"functionCalls":[{"id":"c","name":"f","args":{"a":1}}]}}"#,
            r#"{"serverContent":{"outputTranscription":{"text":"Yes"},"turnComplete":true}}"#,
            r#"{"author":"a","invocationId":"i","partial":true,"outputTranscription":{"text":"No","finished":false}}"#,
            r#"{"author":"a","invocationId":"i","outputTranscription":{"text":"No","finished":true}}"#,
        ];
        assert_eq!(
            said(&events),
            [
                "text Hi",
                r#"call c f whole {"a":1}"#,
                "text Yes",
                "turn end",
                "text No",
                "text No"
            ]
        );
    }

    #[test]
    fn a_prompt_that_is_refused_is_an_error() {
        let refused = r#"{"promptFeedback":{"blockReason":"SAFETY"},"modelVersion":"g"}"#;
        assert_eq!(said(&[refused]), ["error"]);
        let asked = r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"prompt_feedback":{"block_reason":null}}"#;
        assert_eq!(said(&[asked]), ["text Hi"]);
    }
}
