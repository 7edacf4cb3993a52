//! The events of an agent that speaks AG-UI itself: as they are, but for the ids of the run.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::RunIds;
use super::run::push_run_started;
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

/// So much that is open is remembered. An agent that opens more has lost count itself.
const MAX_OPEN: usize = 1_024;

/// The events of a run so far.
#[derive(Debug, Default)]
pub(super) struct Passed {
    has_begun: bool,
    has_finished: bool,
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
    /// Writes an event. Behind the run's end there is none.
    pub(super) fn event(&mut self, ids: &RunIds, event: &str, out: &mut Vec<u8>) {
        if self.has_finished {
            return;
        }
        let written = without_nan(event);
        let event = &*written;
        let members = Members::of(event);
        let kind = members.as_ref().and_then(|event| event.text(&["type"]));
        let (Some(kind), Some(members)) = (kind, members) else {
            // No JSON, which no client could read.
            return;
        };
        if !self.has_begun && kind != "RUN_STARTED" {
            // Clients refuse a run that begins otherwise.
            push_run_started(ids, out);
        }
        self.has_begun = true;
        match &*kind {
            "RUN_STARTED" => push_data(out, &in_run(members, ids)),
            "RUN_FINISHED" => {
                self.has_finished = true;
                push_data(out, &in_run(members, ids));
            }
            _ => {
                self.keep_count(&kind, &members);
                push_data(out, &Written(event));
            }
        }
    }

    /// Whether the agent has said the end of its run.
    pub(super) fn has_finished(&self) -> bool {
        self.has_finished
    }

    /// Ends what the agent has left open, where it has not said the end of its run.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        while let Some(open) = self.open.pop() {
            push_data(out, &open);
        }
    }

    fn keep_count(&mut self, kind: &str, event: &Members<'_>) {
        for (begin, end, names) in BEGINNINGS {
            if kind != begin && kind != end {
                continue;
            }
            let id = event.text(names);
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
