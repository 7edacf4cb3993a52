//! Replies of agents.

use agentcore_reply::{End, ReplyReader, Step};
use serde::de::IgnoredAny;
use serde_json::json;

/// What no text holds parts messages.
const BETWEEN_MESSAGES: u8 = 0xff;

/// What a binary message begins with.
const BINARY: u8 = 0xfe;

/// Any messages: they are read without a panic, a reply ends once, and says no more than was sent.
pub fn reply(bytes: &[u8]) {
    for passes_events in [false, true] {
        let mut reader = ReplyReader::default();
        if passes_events {
            reader = reader.passing_ag_ui_events();
        }
        let (mut text_bytes, mut ends) = (0, 0);
        let mut count = |step: Step| {
            assert_eq!(ends, 0, "nothing comes after the end");
            match step {
                Step::Text(text) => {
                    assert!(!text.is_empty());
                    text_bytes += text.len();
                }
                Step::Reasoning(text) => assert!(!text.is_empty()),
                Step::End(_) => ends += 1,
                _ => {}
            }
        };
        for message in bytes.split(|byte| *byte == BETWEEN_MESSAGES) {
            match std::str::from_utf8(message) {
                Ok(text) => reader.push_text(text),
                Err(_) => reader.push_binary(message.strip_prefix(&[BINARY]).unwrap_or(message)),
            }
            reader.by_ref().for_each(&mut count);
        }
        reader.finish();
        reader.by_ref().for_each(&mut count);
        assert_eq!(ends, 1, "a reply ends once");
        // Half of a surrogate pair is six bytes as an escape, and three as the sign for it.
        assert!(text_bytes <= bytes.len(), "more text than was sent");
    }
}

/// An event stream of JSON says the same whole and cut anywhere. The first byte says how many of the next
/// ones are distances between cuts; of the rest each line is the data of an event, as JSON where it is none.
///
/// Plain text is told as it comes, so its pieces are where it was cut.
pub fn cut(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else {
        return;
    };
    let (distances, data) = rest.split_at(rest.len().min(usize::from(count % 32)));
    let Ok(data) = std::str::from_utf8(data) else {
        return;
    };
    let mut stream = String::new();
    for line in data.split(['\n', '\r']) {
        // No encoder writes white space behind a value.
        let line = line.trim_end();
        stream.push_str("data: ");
        match serde_json::from_str::<IgnoredAny>(line) {
            Ok(_) => stream.push_str(line),
            Err(_) => stream.push_str(&json!({ "chunk": line }).to_string()),
        }
        stream.push_str("\n\n");
    }
    stream.push_str("data: [DONE]\n\n");

    let mut parts = Vec::new();
    let mut left = stream.as_bytes();
    for distance in distances.iter().cycle().take(1_000) {
        let (part, rest) = left.split_at(left.len().min(usize::from(*distance)));
        parts.push(part);
        left = rest;
    }
    parts.push(left);
    assert_eq!(steps(&[stream.as_bytes()]), steps(&parts), "{stream:?}");
}

/// All steps, up to the first end.
fn steps(messages: &[&[u8]]) -> Vec<Step> {
    let mut reader = ReplyReader::default();
    let mut steps = Vec::new();
    for message in messages {
        reader.push_binary(message);
        for step in reader.by_ref() {
            let is_end = matches!(step, Step::End(_));
            steps.push(step);
            if is_end {
                return steps;
            }
        }
    }
    reader.finish();
    steps.extend(reader);
    steps
}

/// A text that comes in pieces and then once more as a whole is told once, in the formats that do so.
/// The pieces are the lines of a text, with their ends.
pub fn telling(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let pieces: Vec<_> = text.split_inclusive('\n').collect();
    let json = |value: serde_json::Value| value.to_string();
    let formats = [
        // Strands.
        (
            pieces
                .iter()
                .map(|piece| json(json!({ "data": piece, "delta": { "text": piece } })))
                .collect::<Vec<_>>(),
            json!({
                "message": { "role": "assistant", "content": [{ "text": text }] }
            }),
        ),
        // OpenAI's responses.
        (
            pieces
                .iter()
                .map(|piece| {
                    json(json!({
                        "type": "response.output_text.delta", "item_id": "m",
                        "output_index": 0, "content_index": 0, "delta": piece
                    }))
                })
                .collect(),
            json!({
                "type": "response.output_text.done", "item_id": "m",
                "output_index": 0, "content_index": 0, "text": text
            }),
        ),
    ];
    for (deltas, whole) in formats {
        let mut reader = ReplyReader::default();
        let mut told = String::new();
        let mut end = None;
        let whole = whole.to_string();
        let closing = "[DONE]".to_owned();
        for data in deltas.iter().chain([&whole, &closing]) {
            reader.push_text(&format!("data: {data}\n\n"));
            for step in reader.by_ref() {
                match step {
                    Step::Text(piece) => told.push_str(&piece),
                    Step::End(ended) => end = Some(ended),
                    _ => {}
                }
            }
        }
        assert_eq!(end, Some(End::Complete));
        assert_eq!(told, text, "{deltas:?} {whole}");
    }
}
