//! Each rule by an example.

use super::{Message, read};
use agentcore_reply::End;

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    messages: Vec<String>,
    close: Option<u16>,
    response: Option<String>,
    chunks: usize,
    outcome: String,
}

#[test]
fn every_rule_is_as_its_example_shows() {
    let vectors = include_str!("../../../../tests/data/reply-vectors.json");
    let vectors: Vec<Vector> = serde_json::from_str(vectors).expect("vectors");
    let mut fallen = Vec::new();
    for vector in &vectors {
        let mut messages: Vec<_> = vector.messages.iter().cloned().map(Message::Text).collect();
        messages.extend(vector.close.map(Message::Close));
        let read = read(&messages);
        let is_whole = read.end == Some(End::Complete);
        let holds = read.text() == vector.response.clone().unwrap_or_default()
            && read.pieces.len() == vector.chunks
            && is_whole == (vector.outcome == "complete");
        if !holds {
            fallen.push(format!("{}: {read:?}", vector.name));
        }
    }
    let count = vectors.len();
    assert!(count >= 84);
    assert!(
        fallen.is_empty(),
        "{} of {count}:\n{}",
        fallen.len(),
        fallen.join("\n")
    );
}
