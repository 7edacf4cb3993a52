//! What agents on real frameworks sent: `tests/data/agent-replies.jsonl`, a reply a line.

use super::{Message, Read, read};
use agentcore_reply::End;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One reply.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct Capture {
    name: String,
    way: String,
    messages: Vec<Sent>,
    outcome: Outcome,
    text: Option<String>,
}

/// All captures. `CAPTURES` names another file of the same form, which `tests/agents/run --record`
/// writes.
pub(super) fn captures() -> Vec<Capture> {
    let other = option_env!("CAPTURES").map(|file| std::fs::read_to_string(file).expect("a file"));
    let captures = include_str!("../../../../tests/data/agent-replies.jsonl");
    let captures = other.as_deref().unwrap_or(captures).lines();
    let capture = |line| serde_json::from_str(line).expect("a capture");
    captures.map(capture).collect()
}

impl Capture {
    pub(super) fn messages(&self) -> Vec<Message> {
        self.messages.iter().cloned().map(Sent::message).collect()
    }
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(untagged)]
enum Sent {
    Text(String),
    Binary {
        binary: String,
    },
    Close {
        close: u16,
    },
    /// The handler raised there, and its server closed with 1011.
    Raised {
        #[serde(rename = "raised")]
        _what: serde_json::Value,
    },
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
            Self::Raised { .. } => Message::Close(1011),
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

#[test]
fn each_reply_reads_as_its_user_expects() {
    let captures = captures();
    let count = captures.len();
    let mut fallen = Vec::new();
    for capture in captures {
        let read = read(&capture.messages());
        let text = capture.text.unwrap_or_default();
        if !holds(&read, capture.outcome, &text) {
            let Capture {
                name, way, outcome, ..
            } = capture;
            let Read { end, .. } = read;
            let got = read.text();
            fallen.push(format!(
                "{name} ({way}): {outcome:?} {text:?}, not {end:?} {got:?}"
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
