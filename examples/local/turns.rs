//! What went over the wire in the turns of the page, and how it was read: one learns from it why an
//! agent's reply looks odd.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentcore_bridge::agentcore::error::InvocationError;
use agentcore_bridge::agentcore::invoke::watch::{Seen, Watcher};
use agentcore_reply::{Account, ReplyReader, Step, UtteranceKind};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

/// Turns that are remembered.
const MAX_TURNS: usize = 32;

/// Events of a turn that are remembered: more are nobody's to read.
const MAX_EVENTS: usize = 2_000;

/// How large they are together, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// How much of one text is shown, in bytes.
const MAX_SHOWN: usize = 16 << 10;

/// The last turns, by the names that the page gave them.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<VecDeque<(String, Record)>>>);

/// What is known of one turn. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<watch::Sender<Events>>);

/// The events of a turn so far.
#[derive(Default)]
pub(crate) struct Events {
    /// Each as JSON.
    pub(crate) lines: Vec<Arc<str>>,
    /// Nothing more comes.
    pub(crate) is_over: bool,
    bytes: usize,
}

impl Turns {
    /// The record of a turn, which may not have begun. `None` for what is no name.
    pub(crate) fn record(&self, name: &str) -> Option<Record> {
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_in_name) {
            return None;
        }
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, record)) = turns.iter().find(|(known, _)| known == name) {
            return Some(record.clone());
        }
        if turns.len() == MAX_TURNS {
            turns.pop_front();
        }
        let record = Record::default();
        turns.push_back((name.to_owned(), record.clone()));
        Some(record)
    }
}

impl Record {
    pub(crate) fn subscribe(&self) -> watch::Receiver<Events> {
        self.0.subscribe()
    }

    fn add(&self, event: &Value) {
        self.0.send_modify(|events| {
            let is_full =
                |events: &Events| events.lines.len() >= MAX_EVENTS || events.bytes >= MAX_BYTES;
            if is_full(events) {
                return;
            }
            let line = event.to_string();
            events.bytes += line.len();
            events.lines.push(line.into());
            if is_full(events) {
                let more = json!({ "kind": "more", "at": event["at"] });
                events.lines.push(more.to_string().into());
            }
        });
    }

    fn end(&self) {
        self.0.send_modify(|events| events.is_over = true);
    }
}

/// Writes down what is seen of an invocation. Whoever watches is let go when the invocation is over,
/// however that comes about, which ends the record.
pub(crate) struct Scribe {
    record: Record,
    began: Instant,
    /// Reads the messages a second time, to give an account of it.
    reader: Mutex<ReplyReader>,
}

impl Scribe {
    pub(crate) fn new(record: Record, began: Instant) -> Self {
        let reader = ReplyReader::default().accounting();
        Self {
            record,
            began,
            reader: Mutex::new(reader),
        }
    }

    /// What a message is taken for.
    fn read(&self, push: impl FnOnce(&mut ReplyReader)) -> Vec<Value> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        push(&mut reader);
        reader.by_ref().for_each(drop);
        reader.take_accounts().iter().map(account).collect()
    }
}

impl Watcher for Scribe {
    fn see(&self, seen: Seen<'_>) {
        let mut event = match seen {
            Seen::Connected => json!({ "kind": "connected" }),
            Seen::Open => json!({ "kind": "open" }),
            Seen::Failed(error, delay) => json!({
                "kind": "failed",
                "why": why(error),
                "phase": error.phase.as_str(),
                "retryInMs": delay.map(milliseconds),
            }),
            Seen::Sent(message) => {
                json!({ "kind": "sent", "raw": shown(&String::from_utf8_lossy(message)) })
            }
            Seen::Text(text) => json!({
                "kind": "message",
                "raw": shown(text),
                "read": self.read(|reader| reader.push_text(text)),
            }),
            Seen::Binary(bytes) => json!({
                "kind": "message",
                "binary": true,
                "raw": shown(&String::from_utf8_lossy(bytes)),
                "read": self.read(|reader| reader.push_binary(bytes)),
            }),
            Seen::Closed(code) => {
                let is_orderly = matches!(code, None | Some(1000 | 1001));
                let read = if is_orderly {
                    self.read(ReplyReader::finish)
                } else {
                    Vec::new()
                };
                json!({ "kind": "closed", "code": code, "read": read })
            }
            Seen::Over(error) => json!({ "kind": "over", "why": error.map(why) }),
        };
        event["at"] = json!(milliseconds(self.began.elapsed()));
        self.record.add(&event);
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.record.end();
    }
}

/// One frame: what it was, and what came of it.
fn account(account: &Account) -> Value {
    let said = account.said.iter().map(|said| {
        let kind = match said.kind {
            UtteranceKind::Text => "text",
            UtteranceKind::Reasoning => "reasoning",
            UtteranceKind::Call => "call",
            UtteranceKind::Result => "result",
            UtteranceKind::TurnEnd => "turn end",
            UtteranceKind::Error => "error",
            UtteranceKind::End => "end",
        };
        json!({ "kind": kind, "words": shown(&said.words) })
    });
    let told: Vec<_> = account.told.iter().map(told).collect();
    json!({
        "source": shown(&account.source),
        "event": account.sse_name,
        "dialect": account.dialect,
        "unread": account.is_unread,
        "said": said.collect::<Vec<_>>(),
        "told": told,
    })
}

fn told(step: &Step) -> Value {
    let (kind, words) = match step {
        Step::Text(text) => ("text", text.as_str()),
        Step::Reasoning(text) => ("reasoning", text.as_str()),
        Step::CallBegun { name, .. } => ("call begun", name.as_str()),
        Step::CallInput { piece, .. } => ("call input", piece.as_str()),
        Step::Call { name, .. } => ("call", name.as_str()),
        Step::CallResult { .. } => ("result", ""),
        Step::TurnEnd => ("turn end", ""),
        Step::AgUiEvent { .. } => ("event", ""),
        Step::End(_) => ("end", ""),
    };
    json!({ "kind": kind, "words": shown(words) })
}

/// What failed, with all that is behind it: on this machine it is the user's own to read.
pub(crate) fn why(error: &InvocationError) -> String {
    let mut why = error.to_string();
    if let Some(refusal) = error.failure.refusal()
        && let Some(error_type) = &refusal.error_type
    {
        // Writing to a String cannot fail.
        let _ = write!(why, " ({error_type})");
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(why, ": {error}");
        cause = error.source();
    }
    why
}

fn shown(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MAX_SHOWN);
    format!("{} … ({} bytes in all)", &text[..end], text.len())
}

fn milliseconds(time: Duration) -> f64 {
    // A tenth of a millisecond is what a page can show.
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_says_so() {
        let turns = Turns::default();
        let record = turns.record("turn-1").unwrap();
        let scribe = Scribe::new(record.clone(), Instant::now());
        let message = format!("data: {{\"chunk\":\"{}\"}}\n\n", "é".repeat(40_000));
        for _ in 0..1_000 {
            scribe.see(Seen::Text(&message));
        }
        drop(scribe);
        let events = record.subscribe();
        let events = events.borrow();
        let bytes: usize = events.lines.iter().map(|line| line.len()).sum();
        assert!(bytes < MAX_BYTES + 10 * MAX_SHOWN, "{bytes}");
        assert!(events.lines.last().unwrap().contains("\"more\""));
        assert!(events.is_over);
    }

    #[test]
    fn few_turns_are_remembered_by_names_of_a_narrow_alphabet() {
        let turns = Turns::default();
        for number in 0..2 * MAX_TURNS {
            assert!(turns.record(&format!("turn-{number}")).is_some());
        }
        assert_eq!(turns.0.lock().unwrap().len(), MAX_TURNS);
        for name in ["", "a b", "a/b", &"x".repeat(65)] {
            assert!(turns.record(name).is_none(), "{name}");
        }
    }
}
