//! Events of AG-UI, the Agent User Interaction Protocol: what an agent's reply says in them, or the
//! events of an agent that speaks AG-UI itself.
//!
//! <https://docs.ag-ui.com/concepts/events>

use agentcore_reply::Step;
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

use self::passed::{Event, Passed};
use self::run::{RunResult, push_run_error, push_run_finished, push_run_started};
use self::told::Told;
use super::sse::CONTENT_TYPE;
use super::{Completion, Format};
use crate::api::error::ApiError;

mod passed;
mod run;
mod told;

pub(in crate::api) use self::passed::with_text;

/// The ids of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct RunIds {
    pub(in crate::api) thread: String,
    pub(in crate::api) run: String,
}

impl RunIds {
    /// A run of its own on a thread.
    pub(super) fn fresh(thread: &str) -> Self {
        Self {
            thread: thread.to_owned(),
            run: fresh_id(),
        }
    }
}

fn fresh_id() -> String {
    Uuid::new_v4().to_string()
}

/// A run. Events that the agent says itself go on as they are; all else that it says is told in events
/// of ours, between them.
pub(super) struct AgUi {
    ids: RunIds,
    has_begun: bool,
    has_finished: bool,
    passed: Passed,
    told: Told,
}

impl AgUi {
    pub(super) fn new(ids: RunIds) -> Self {
        Self {
            ids,
            has_begun: false,
            has_finished: false,
            passed: Passed::default(),
            told: Told::default(),
        }
    }

    /// Begins the run, where the agent has not done so.
    fn begin_run(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            push_run_started(&self.ids, out);
        }
    }

    /// Ends all that is open: a run that has finished has nothing open.
    fn close(&mut self, out: &mut Vec<u8>) {
        self.told.close(out);
        self.passed.close(out);
    }

    /// Passes an event on. Behind the run's end there is none.
    fn pass(&mut self, event: &str, out: &mut Vec<u8>) {
        if self.has_finished {
            return;
        }
        let Some(event) = Event::parse(event) else {
            // No JSON, which no client could read.
            return;
        };
        match event.kind() {
            // Clients refuse a run that begins otherwise, and one that begins twice.
            "RUN_STARTED" if self.has_begun => {}
            "RUN_STARTED" => {
                self.has_begun = true;
                event.push_in_run(&self.ids, out);
            }
            "RUN_FINISHED" => {
                self.begin_run(out);
                self.close(out);
                self.has_finished = true;
                event.push_in_run(&self.ids, out);
            }
            _ => {
                self.begin_run(out);
                self.told.close(out);
                self.passed.event(&event, out);
            }
        }
    }
}

impl Format for AgUi {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![CONTENT_TYPE]
    }

    fn tells_errors(&self) -> bool {
        true
    }

    fn escapes_line_separators(&self) -> bool {
        true
    }

    /// Nothing: whose events tell of the run's begin is known when the first has come.
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn piece(&mut self, text: &str, out: &mut Vec<u8>) {
        if !self.has_finished {
            self.begin_run(out);
            self.told.text(text, out);
        }
    }

    fn piece_frame_bytes(&self) -> usize {
        // The run's begin, with its ids; the end of what was open, the begin of a message.
        1_024 + 4 * (self.ids.thread.len() + self.ids.run.len())
    }

    fn step(&mut self, step: &Step, out: &mut Vec<u8>) {
        match step {
            Step::AgUiEvent { event, .. } => self.pass(event, out),
            step if !self.has_finished => {
                self.begin_run(out);
                self.told.step(step, out);
            }
            _ => {}
        }
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        if self.has_finished {
            return;
        }
        self.begin_run(out);
        self.close(out);
        let result = ended.incomplete.then_some(RunResult { incomplete: true });
        push_run_finished(&self.ids, result, out);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if !self.has_finished {
            // Where nothing has come the run begins here, to fail.
            self.begin_run(out);
            push_run_error(error, out);
        }
    }
}
