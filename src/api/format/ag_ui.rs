//! Events of AG-UI, the Agent User Interaction Protocol: what an agent's reply says in them, or the
//! events of an agent that speaks AG-UI itself.
//!
//! <https://docs.ag-ui.com/concepts/events>

use agentcore_reply::Step;
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

use self::passed::Passed;
use self::run::{RunResult, push_run_error, push_run_finished, push_run_started};
use self::told::Told;
use super::sse::CONTENT_TYPE;
use super::{Completion, Format};
use crate::api::error::ApiError;

mod passed;
mod run;
mod told;

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

pub(super) struct AgUi {
    ids: RunIds,
    state: State,
}

/// What the first of a reply shows.
enum State {
    /// Nothing has come yet.
    Silent,
    /// The agent says its own events.
    Passed(Passed),
    /// Ours say what the agent says.
    Told(Told),
}

impl AgUi {
    pub(super) fn new(ids: RunIds) -> Self {
        Self {
            ids,
            state: State::Silent,
        }
    }

    /// What tells the reply in events of ours; `None` where the agent has events of its own.
    fn told(&mut self, out: &mut Vec<u8>) -> Option<&mut Told> {
        if let State::Silent = self.state {
            push_run_started(&self.ids, out);
            self.state = State::Told(Told::default());
        }
        match &mut self.state {
            State::Told(told) => Some(told),
            State::Silent | State::Passed(_) => None,
        }
    }

    fn pass(&mut self, event: &str, out: &mut Vec<u8>) {
        if let State::Silent = self.state {
            self.state = State::Passed(Passed::default());
        }
        if let State::Passed(passed) = &mut self.state {
            passed.event(&self.ids, event, out);
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
        if let Some(told) = self.told(out) {
            told.text(text, out);
        }
    }

    fn piece_frame_bytes(&self) -> usize {
        // The run's begin, with its ids; the end of what was open, the begin of a message.
        1_024 + 4 * (self.ids.thread.len() + self.ids.run.len())
    }

    fn step(&mut self, step: &Step, out: &mut Vec<u8>) {
        match step {
            Step::AgUiEvent(event) => self.pass(event, out),
            step => {
                if let Some(told) = self.told(out) {
                    told.step(step, out);
                }
            }
        }
    }

    fn end(&mut self, ended: Completion, out: &mut Vec<u8>) {
        let told = self.told(out);
        if let Some(told) = told {
            told.close(out);
        } else if let State::Passed(passed) = &mut self.state {
            if passed.has_finished() {
                return;
            }
            passed.close(out);
        }
        let result = ended.incomplete.then_some(RunResult { incomplete: true });
        push_run_finished(&self.ids, result, out);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        // Where nothing has come the run begins here, to fail.
        self.told(out);
        if let State::Passed(passed) = &self.state
            && passed.has_finished()
        {
            return;
        }
        push_run_error(error, out);
    }
}
