//! Calls of tools, put together from their pieces and told once each.

use std::collections::{HashSet, VecDeque};

use crate::said::{Call, Input, ToolStep};
use crate::step::{Output, Step};

/// The ids of calls and results that are remembered, so that none is told twice.
const MAX_IDS: usize = 4_096;

/// The calls that may be put together at once.
const MAX_OPEN: usize = 64;

/// The largest input of a call that is put together, in bytes.
const MAX_INPUT_BYTES: usize = 8 << 20;

/// The calls of a reply.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Vec<Open>,
    called: HashSet<String>,
    answered: HashSet<String>,
    /// How many ids were made, for calls and results to which the agent gave none.
    made: u64,
}

/// A call whose input may go on.
#[derive(Debug)]
struct Open {
    id: String,
    index: Option<u64>,
    name: String,
    input: String,
}

impl Calls {
    /// Takes in what an agent says of a tool, and tells what is new of it.
    pub(super) fn take_in(&mut self, step: ToolStep, told: &mut VecDeque<Step>) {
        match step {
            ToolStep::Call(call) => self.call(call, told),
            ToolStep::Result { id, output, failed } => {
                self.end_all(told);
                self.result(id, output, failed, told);
            }
        }
    }

    /// Tells all open calls as whole, since something came that is no piece of a call.
    pub(super) fn end_all(&mut self, told: &mut VecDeque<Step>) {
        if self.open.is_empty() {
            return;
        }
        told.extend(self.open.drain(..).map(Open::whole));
    }

    fn call(&mut self, call: Call, told: &mut VecDeque<Step>) {
        let Some(place) = self.place(&call, told) else {
            return;
        };
        match call.input {
            Input::None => {}
            Input::Piece(piece) => {
                let open = &mut self.open[place];
                if piece.is_empty() || open.input.len() + piece.len() > MAX_INPUT_BYTES {
                    return;
                }
                open.input.push_str(&piece);
                let id = open.id.clone();
                told.push_back(Step::CallInput { id, piece });
            }
            Input::Whole(input) => {
                self.open[place].input = input;
                told.push_back(self.open.remove(place).whole());
            }
            Input::Ended => told.push_back(self.open.remove(place).whole()),
        }
    }

    /// The place of the open call that a piece belongs to, or of a new one. `None` where the call
    /// was told already, and where nothing says which call it is.
    fn place(&mut self, call: &Call, told: &mut VecDeque<Step>) -> Option<usize> {
        let is_it = |open: &Open| match (&call.id, call.index) {
            (Some(id), _) => open.id == *id,
            (None, Some(index)) => open.index == Some(index),
            (None, None) => true,
        };
        let begins = call.id.is_none() && call.name.is_some() && call.index.is_none();
        if let Some(place) = self.open.iter().rposition(is_it).filter(|_| !begins) {
            return Some(place);
        }
        // A piece without a name cannot begin a call: it is of one that was told already.
        let name = call.name.clone()?;
        let id = call.id.clone().unwrap_or_else(|| self.make_id());
        if self.called.contains(&id) || self.called.len() == MAX_IDS {
            return None;
        }
        self.end_those_before(call.index, told);
        if self.open.len() == MAX_OPEN {
            told.push_back(self.open.remove(0).whole());
        }
        self.called.insert(id.clone());
        told.push_back(Step::CallBegun {
            id: id.clone(),
            name: name.clone(),
        });
        self.open.push(Open {
            id,
            index: call.index,
            name,
            input: String::new(),
        });
        Some(self.open.len() - 1)
    }

    /// Ends the calls that are over when another begins: all but those that stream beside it, which
    /// have an index as it has.
    fn end_those_before(&mut self, index: Option<u64>, told: &mut VecDeque<Step>) {
        let is_over = |open: &mut Open| open.index.is_none() || index.is_none();
        told.extend(self.open.extract_if(.., is_over).map(Open::whole));
    }

    fn result(
        &mut self,
        id: Option<String>,
        output: Output,
        failed: bool,
        told: &mut VecDeque<Step>,
    ) {
        let id = id.unwrap_or_else(|| self.make_id());
        if self.answered.len() < MAX_IDS && self.answered.insert(id.clone()) {
            told.push_back(Step::CallResult { id, output, failed });
        }
    }

    fn make_id(&mut self) -> String {
        self.made += 1;
        format!("step-{}", self.made)
    }
}

impl Open {
    fn whole(self) -> Step {
        let Self {
            id, name, input, ..
        } = self;
        let input = if input.trim().is_empty() {
            "{}".to_owned()
        } else {
            input
        };
        Step::Call { id, name, input }
    }
}
