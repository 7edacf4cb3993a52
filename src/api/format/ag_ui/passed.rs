//! The events of an agent that speaks AG-UI itself: as they are, but for the ids of the run.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::RunIds;
use crate::api::format::raw::Written;
use crate::api::format::sse::push_data;
use crate::members::Members;

/// What an event begins that is to be ended: the type of its begin, of its end, and the names of the
/// field that tells several apart. Python dumps names in snake case unless it is told otherwise.
const BEGINNINGS: [(&str, &str, &[&str]); 7] = [
    ("TEXT_MESSAGE_START", "TEXT_MESSAGE_END", MESSAGE),
    (
        "TOOL_CALL_START",
        "TOOL_CALL_END",
        &["toolCallId", "tool_call_id"],
    ),
    ("REASONING_MESSAGE_START", "REASONING_MESSAGE_END", MESSAGE),
    ("REASONING_START", "REASONING_END", MESSAGE),
    (
        "THINKING_TEXT_MESSAGE_START",
        "THINKING_TEXT_MESSAGE_END",
        &[],
    ),
    ("THINKING_START", "THINKING_END", &[]),
    ("STEP_STARTED", "STEP_FINISHED", &["stepName", "step_name"]),
];
const MESSAGE: &[&str] = &["messageId", "message_id"];
const THREAD: &[&str] = &["threadId", "thread_id"];
const RUN: &[&str] = &["runId", "run_id"];
const DELTA: &[&str] = &["delta"];

/// So much that is open is remembered. An agent that opens more has lost count itself.
const MAX_OPEN: usize = 1_024;

/// An event.
#[derive(Debug)]
pub(super) struct Event<'a> {
    json: Cow<'a, str>,
    kind: String,
}

impl<'a> Event<'a> {
    /// `None` where it is no JSON, or has no type.
    pub(super) fn parse(json: &'a str) -> Option<Self> {
        let json = without_nan(json);
        let kind = Members::of(&json)?.text(&["type"])?;
        Some(Self { json, kind })
    }

    /// Its type.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// Writes the event with the ids of the caller's run, and so the input that it may tell of.
    pub(super) fn push_in_run(&self, ids: &RunIds, out: &mut Vec<u8>) {
        let Some(event) = Members::of(&self.json) else {
            return;
        };
        push_data(out, &in_run(event, ids));
    }
}

/// An event with another text in place of what it says; `None` where that is not its `delta`.
pub(in crate::api) fn with_text(event: &str, said: &str, text: &str) -> Option<String> {
    let mut event = Members::of(event)?;
    if event.text(DELTA).as_deref() != Some(said) {
        return None;
    }
    event.set(DELTA, text);
    serde_json::to_string(&event).ok()
}

/// What the events of a run have opened.
#[derive(Debug, Default)]
pub(super) struct Passed {
    open: Vec<Open>,
}

/// What was begun, by the event that ends it.
#[derive(Debug, PartialEq, Eq)]
struct Open {
    end: &'static str,
    /// The field that tells it from others, where its kind has one.
    field: Option<(&'static str, String)>,
}

impl Serialize for Open {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_map(None)?;
        event.serialize_entry("type", self.end)?;
        if let Some((name, id)) = &self.field {
            event.serialize_entry(name, id)?;
        }
        event.end()
    }
}

impl Passed {
    /// Writes an event that is none of the run as a whole.
    pub(super) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        self.keep_count(event);
        push_data(out, &Written(&event.json));
    }

    /// Ends what the agent has left open.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        while let Some(open) = self.open.pop() {
            push_data(out, &open);
        }
    }

    fn keep_count(&mut self, event: &Event<'_>) {
        let kind = event.kind();
        for (begin, end, names) in BEGINNINGS {
            if kind != begin && kind != end {
                continue;
            }
            let id = Members::of(&event.json).and_then(|event| event.text(names));
            let field = names.first().map(|name| (*name, id.unwrap_or_default()));
            let open = Open { end, field };
            if kind == end {
                if let Some(place) = self.open.iter().rposition(|one| *one == open) {
                    self.open.remove(place);
                }
            } else if self.open.len() < MAX_OPEN {
                self.open.push(open);
            }
        }
    }
}

/// An event as JSON to the letter: Python writes `NaN` and `Infinity`, of which a JSON parser would
/// make an error and a client the end of its run.
fn without_nan(event: &str) -> Cow<'_, str> {
    if Members::of(event).is_some() {
        return Cow::Borrowed(event);
    }
    let mut written = String::with_capacity(event.len());
    let mut is_text = false;
    // A quotation mark within a string follows a backslash, of which it is a part here.
    for part in event.split_inclusive('"') {
        if is_text {
            written.push_str(part);
        } else {
            let names = part.replace("-Infinity", "null");
            written.push_str(&names.replace("Infinity", "null").replace("NaN", "null"));
        }
        let backslashes = part.trim_end_matches('"').bytes().rev();
        let is_escaped = backslashes.take_while(|byte| *byte == b'\\').count() % 2 == 1;
        is_text = if is_text { is_escaped } else { true };
    }
    Cow::Owned(written)
}

/// An event with the ids of the caller's run, and so the input that it may tell of.
fn in_run<'a>(mut event: Members<'a>, ids: &'a RunIds) -> Members<'a> {
    let set_ids = |members: &mut Members<'a>| {
        members.set(THREAD, &ids.thread);
        members.set(RUN, &ids.run);
    };
    set_ids(&mut event);
    event.change_inside("input", set_ids);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_numbers_that_are_none_are_null() {
        let event = r#"{"type":"STATE_SNAPSHOT","snapshot":{"a":[NaN,-Infinity],"b\"NaN":"NaN \\","c":Infinity}}"#;
        assert_eq!(
            without_nan(event),
            r#"{"type":"STATE_SNAPSHOT","snapshot":{"a":[null,null],"b\"NaN":"NaN \\","c":null}}"#
        );
        let plain = r#"{"type":"X","y":"NaN"}"#;
        assert!(matches!(without_nan(plain), Cow::Borrowed(_)));
    }
}
