//! Strands' agents that speak and listen at once (`BidiAgent`), whose events go over a WebSocket as
//! they are: `src/strands/bidi/types/events.py` of
//! <https://github.com/strands-agents/sdk-python>, and `src/strands/experimental/bidi/` of its
//! releases before 1.50.
//!
//! What was said aloud comes as a transcript, the user's words too. After the pieces of a text
//! comes all of it.

use super::{Dialect, Reading};
use crate::json::{Keys, Object, Value};
use crate::names::is_agents;
use crate::said::Input;

pub(super) const DIALECT: Dialect = Dialect {
    name: "Strands, two-way",
    keys: Keys::of(&["type"]),
    read,
};

/// What is remembered of the response that is coming.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// It has called tools: another response follows once they have answered.
    waits_for_tools: bool,
}

fn read(event: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    let Some(name) = event.string("type").filter(|it| it.starts_with("bidi_")) else {
        return false;
    };
    match &*name.decode() {
        "bidi_text_delta" | "bidi_transcript_delta" => {
            words(event, "delta", "bidi delta", reading);
        }
        "bidi_text_block" => words(event, "text", "bidi block", reading),
        "bidi_transcript_block" => words(event, "transcript", "bidi block", reading),
        // A transcript may come as a guess first, and again when it is final.
        "bidi_transcript_stream" if event.is_true("is_final") => {
            words(event, "text", "bidi final", reading);
        }
        "bidi_transcript_stream" => words(event, "text", "bidi stream", reading),
        "bidi_reasoning_delta" => thoughts(event, "delta", "bidi delta", reading),
        "bidi_reasoning_block" => thoughts(event, "text", "bidi block", reading),
        "bidi_tool_use_blocks" => calls(event, reading),
        "bidi_response_stop" | "bidi_response_complete" => stop(event, reading),
        "bidi_error" => reading.error(),
        "bidi_connection_stop" | "bidi_connection_close" => reading.end(),
        _ => {}
    }
    true
}

/// Says the agent's words. A transcript may be the user's.
fn words(event: &Object<'_>, key: &str, form: &str, reading: &mut Reading<'_>) {
    let is_agents = is_agents(event.string("role"));
    let Some(text) = event.string(key).filter(|_| is_agents) else {
        return;
    };
    reading.memory().strands_bidi.waits_for_tools = false;
    reading
        .spoken_by(event.string("content_id"))
        .text(form, text);
}

fn thoughts(event: &Object<'_>, key: &str, form: &str, reading: &mut Reading<'_>) {
    if let Some(text) = event.string(key) {
        reading.reasoning(form, text);
    }
}

fn calls(event: &Object<'_>, reading: &mut Reading<'_>) {
    reading.memory().strands_bidi.waits_for_tools = true;
    let calls = event.array("tool_uses").into_iter().flatten();
    for call in calls.filter_map(Value::as_object) {
        let input = call.get("input").map_or("{}", Value::raw).to_owned();
        let (id, name) = (call.string("toolUseId"), call.string("name"));
        reading.call(id, None, name, Input::Whole(input));
    }
}

/// Says that a response is over, and the reply with it. The socket stays open for what the user
/// says next, so nothing else would end the reply. Where tools were called, or the user broke in,
/// another response follows.
fn stop(event: &Object<'_>, reading: &mut Reading<'_>) {
    let waits = std::mem::take(&mut reading.memory().strands_bidi.waits_for_tools);
    let reason = event.string("stop_reason");
    if reason.is_some_and(|reason| reason.is("error")) {
        reading.error();
    } else if waits || reason.is_some_and(|reason| reason.is_any(&["tool_use", "interrupted"])) {
        reading.turn_end();
    } else {
        reading.end();
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn an_agent_speaks_thinks_and_calls_tools() {
        let events = [
            r#"{"type":"bidi_connection_start","connection_id":"c","model":"m"}"#,
            r#"{"type":"bidi_transcript_delta","delta":"PROMPT","role":"user","content_id":"u"}"#,
            r#"{"type":"bidi_transcript_block","transcript":"PROMPT","role":"user","content_id":"u"}"#,
            r#"{"type":"bidi_response_start","response_id":"r"}"#,
            r#"{"type":"bidi_reasoning_delta","delta":"hm","content_id":"t"}"#,
            r#"{"type":"bidi_tool_use_blocks","tool_uses":[{"toolUseId":"c","name":"f","input":{"a":1}}]}"#,
            r#"{"type":"bidi_response_stop","response_id":"r"}"#,
            r#"{"type":"bidi_audio_delta","audio":"QUJD","content_id":"a"}"#,
            r#"{"type":"bidi_transcript_delta","delta":"Hi","role":"assistant","content_id":"a"}"#,
            r#"{"type":"bidi_transcript_block","transcript":"Hi","role":"assistant","content_id":"a"}"#,
            r#"{"type":"bidi_usage","input_tokens":1,"output_tokens":2,"total_tokens":3}"#,
            r#"{"type":"bidi_response_stop","response_id":"s"}"#,
        ];
        assert_eq!(
            said(&events),
            [
                "reasoning hm",
                r#"call c f whole {"a":1}"#,
                "turn end",
                "text Hi",
                "text Hi",
                "end"
            ]
        );
    }

    #[test]
    fn older_releases_stream_transcripts() {
        let events = [
            r#"{"type":"bidi_transcript_stream","delta":{"text":"PROMPT"},"text":"PROMPT","role":"user","is_final":true,"current_transcript":null}"#,
            r#"{"type":"bidi_transcript_stream","delta":{"text":"Hi"},"text":"Hi","role":"assistant","is_final":false,"current_transcript":"Hi"}"#,
            r#"{"type":"bidi_response_complete","response_id":"r","stop_reason":"tool_use"}"#,
            r#"{"type":"bidi_interruption","reason":"user_speech"}"#,
            r#"{"type":"bidi_response_complete","response_id":"r","stop_reason":"complete"}"#,
        ];
        assert_eq!(said(&events), ["text Hi", "turn end", "end"]);
        for failed in [
            r#"{"type":"bidi_error","message":"SECRET","code":"RuntimeError","details":null}"#,
            r#"{"type":"bidi_response_complete","response_id":"r","stop_reason":"error"}"#,
        ] {
            assert_eq!(said(&[failed]), ["error"]);
        }
    }

    #[test]
    fn a_text_comes_whole_after_its_pieces() {
        let block = r#"{"type":"bidi_text_block","text":"Hi","content_id":"a"}"#;
        assert_eq!(said(&[block]), ["text Hi"]);
    }
}
