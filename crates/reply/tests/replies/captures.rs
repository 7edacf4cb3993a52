//! What agents on real frameworks sent: `tests/data/agent-replies.jsonl`, a reply a line.

use super::{Message, Read, read};
use agentcore_reply::End;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(serde::Deserialize)]
struct Capture {
    name: String,
    way: String,
    messages: Vec<Sent>,
    outcome: Outcome,
    text: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Sent {
    Text(String),
    Binary { binary: String },
    Close { close: u16 },
    Raised { raised: serde_json::Value },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Complete,
    Incomplete,
    Error,
    /// Reasonable people differ: that there is an answer is all that is asked.
    Observe,
}

impl Sent {
    fn message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary { binary } => Message::Binary(STANDARD.decode(binary).expect("base64")),
            Self::Close { close } => Message::Close(close),
            Self::Raised { raised: _ } => Message::Close(1011),
        }
    }
}

fn holds(read: &Read, outcome: Outcome, text: &str) -> bool {
    let is_whole = read.end == Some(End::Complete);
    match outcome {
        Outcome::Complete => is_whole && read.text() == text,
        Outcome::Incomplete => !is_whole && read.text() == text,
        Outcome::Error => !is_whole && read.pieces.is_empty(),
        Outcome::Observe => true,
    }
}

/// `CAPTURES` names another file of the same form, which `tests/agents/run --record` writes.
#[test]
fn each_reply_reads_as_its_user_expects() {
    let other = option_env!("CAPTURES").map(|file| std::fs::read_to_string(file).expect("a file"));
    let captures = include_str!("../../../../tests/data/agent-replies.jsonl");
    let captures = other.as_deref().unwrap_or(captures);
    let (mut count, mut fallen) = (0, Vec::new());
    for line in captures.lines() {
        let capture: Capture = serde_json::from_str(line).expect("a capture");
        let messages: Vec<_> = capture.messages.into_iter().map(Sent::message).collect();
        let read = read(&messages);
        count += 1;
        let text = capture.text.unwrap_or_default();
        if !holds(&read, capture.outcome, &text) {
            let Capture {
                name, way, outcome, ..
            } = capture;
            fallen.push(format!(
                "{name} ({way}): {outcome:?} {text:?}, not {:?} {:?}",
                read.end,
                read.text()
            ));
        }
    }
    assert!(
        fallen.is_empty(),
        "{} of {count}:\n{}",
        fallen.len(),
        fallen.join("\n")
    );
}
