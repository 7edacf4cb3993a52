//! Calls of tools, put together from their pieces and told once each.

use std::collections::{HashSet, VecDeque};

use crate::json::{Scanner, Verdict};
use crate::said::{Answer, Call, Input, Speaker, ToolStep};
use crate::step::Step;

/// The ids of calls and results that are remembered, so that none is told twice.
const MAX_IDS: usize = 4_096;

/// The calls that may be put together at once.
const MAX_OPEN: usize = 64;

/// The largest input of a call that is put together, in bytes.
const MAX_INPUT_BYTES: usize = 8 << 20;

/// The calls of a reply.
#[derive(Debug)]
pub(super) struct Calls {
    open: Vec<Open>,
    called: HashSet<String>,
    answered: HashSet<String>,
    /// The calls without a result, the oldest first: of one of them is a result without an id.
    unanswered: VecDeque<Unanswered>,
    /// What the ids begin with that are made for calls and results to which the agent gave none.
    prefix: String,
    /// How many were made.
    made: u64,
}

#[derive(Debug)]
struct Unanswered {
    id: String,
    name: String,
}

/// A call whose input may go on.
#[derive(Debug)]
struct Open {
    id: String,
    index: Option<u64>,
    name: String,
    input: String,
    /// How far the input has come.
    scanner: Scanner,
    /// Its format says when it is whole.
    is_announced: bool,
    speaker: Option<Speaker>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            open: Vec::new(),
            called: HashSet::new(),
            answered: HashSet::new(),
            unanswered: VecDeque::new(),
            prefix: "step-".to_owned(),
            made: 0,
        }
    }

    /// Ids that are made begin so.
    pub(super) fn name_with(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    /// Takes in what an agent says of a tool, and tells what is new of it.
    pub(super) fn take_in(
        &mut self,
        step: ToolStep,
        speaker: Option<Speaker>,
        told: &mut VecDeque<Step>,
    ) {
        match step {
            ToolStep::Call(call) => self.call(call, speaker, told),
            ToolStep::Result(answer) => self.result(answer, told),
        }
    }

    /// Something came that is no piece of a call. It ends those that it can end: not one whose format
    /// says itself when it is whole, nor one of which half has come.
    pub(super) fn something_else_came(&mut self, told: &mut VecDeque<Step>) {
        if !self.open.is_empty() {
            self.tell_if(told, |call| !call.is_announced && !call.is_cut());
        }
    }

    /// A turn is over, and the calls in it are whole, but for those of which half has come.
    pub(super) fn turn_end(&mut self, speaker: Option<Speaker>, told: &mut VecDeque<Step>) {
        if !self.open.is_empty() {
            self.tell_if(told, |call| {
                !call.is_cut() && (!call.is_announced || call.may_be_of(speaker))
            });
        }
    }

    fn tell_if(&mut self, told: &mut VecDeque<Step>, is_whole: impl Fn(&Open) -> bool) {
        let whole = self.open.extract_if(.., |call| is_whole(call));
        told.extend(whole.map(Open::whole));
    }

    fn call(&mut self, call: Call, speaker: Option<Speaker>, told: &mut VecDeque<Step>) {
        let Some(place) = self.place(&call, speaker, told) else {
            return;
        };
        match call.input {
            Input::None | Input::Announced => {}
            Input::Piece(piece) => {
                let open = &mut self.open[place];
                if piece.is_empty() || open.input.len() + piece.len() > MAX_INPUT_BYTES {
                    return;
                }
                open.input.push_str(&piece);
                open.scanner.feed(piece.as_bytes());
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
    fn place(
        &mut self,
        call: &Call,
        speaker: Option<Speaker>,
        told: &mut VecDeque<Step>,
    ) -> Option<usize> {
        let is_it = |open: &Open| match (&call.id, call.index) {
            (Some(id), _) => open.id == *id,
            (None, Some(index)) => open.index == Some(index) && open.may_be_of(speaker),
            (None, None) => open.may_be_of(speaker),
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
        if !self.answered.contains(&id) {
            self.unanswered.push_back(Unanswered {
                id: id.clone(),
                name: name.clone(),
            });
        }
        told.push_back(Step::CallBegun {
            id: id.clone(),
            name: name.clone(),
        });
        self.open.push(Open {
            id,
            index: call.index,
            name,
            input: String::new(),
            scanner: Scanner::new(),
            is_announced: call.input == Input::Announced,
            speaker,
        });
        Some(self.open.len() - 1)
    }

    /// Ends the calls that are over when another begins: all but those that stream beside it, which
    /// have an index as it has.
    fn end_those_before(&mut self, index: Option<u64>, told: &mut VecDeque<Step>) {
        self.tell_if(told, |open| open.index.is_none() || index.is_none());
    }

    fn result(&mut self, answer: Answer, told: &mut VecDeque<Step>) {
        let Answer {
            id,
            name,
            output,
            failed,
        } = answer;
        let id = id
            .or_else(|| self.unanswered_of(name.as_deref()))
            .unwrap_or_else(|| self.make_id());
        // A call that has its result was whole, whatever came of it.
        self.tell_if(told, |call| call.id == id);
        self.something_else_came(told);
        if self.answered.len() < MAX_IDS && self.answered.insert(id.clone()) {
            if let Some(place) = self.unanswered.iter().position(|call| call.id == id) {
                self.unanswered.remove(place);
            }
            told.push_back(Step::CallResult { id, output, failed });
        }
    }

    /// The call that a result without an id is of: the oldest of the tool that it names, or of all.
    fn unanswered_of(&self, name: Option<&str>) -> Option<String> {
        let is_it = |call: &&Unanswered| name.is_none_or(|name| call.name == name);
        let call = self.unanswered.iter().find(is_it)?;
        Some(call.id.clone())
    }

    fn make_id(&mut self) -> String {
        self.made += 1;
        format!("{}{}", self.prefix, self.made)
    }
}

impl Open {
    /// Whether the input has begun and is not over.
    fn is_cut(&self) -> bool {
        self.scanner.verdict() == Verdict::Beginning
    }

    /// Whether what this speaker says may be of this call.
    fn may_be_of(&self, speaker: Option<Speaker>) -> bool {
        speaker.is_none() || self.speaker.is_none() || speaker == self.speaker
    }

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
