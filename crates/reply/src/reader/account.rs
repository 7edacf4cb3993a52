//! An account of how a reply is read, for a person who wonders why it looks as it does.

use crate::framing::Content;
use crate::said::{Call, Input, Item, Said, ToolStep};
use crate::step::{Output, Step};

/// What one frame (a text, a JSON value, an SSE event's name) was taken for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The text that it was read from; empty for an end that is around the words.
    pub source: String,
    /// The name of its SSE event; empty where it has none.
    pub sse_name: String,
    /// The format that it was recognised as, one of [`formats`](crate::formats). `None` for text as it
    /// stands, and where no dialect recognised it.
    pub dialect: Option<&'static str>,
    /// No dialect recognised it.
    pub is_unread: bool,
    /// What it says, in order.
    pub said: Vec<Utterance>,
    /// What was told of it. Words that were said and are not here repeat what was told before, or are
    /// kept back until that is known; then they are told with a later frame.
    pub told: Vec<Step>,
}

/// One thing that a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// What kind of thing.
    pub kind: UtteranceKind,
    /// Its words: the text, a call's name and input, a result's output. Empty where it has none.
    pub words: String,
}

/// The kinds of things that a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UtteranceKind {
    /// Text of the reply.
    Text,
    /// The agent's reasoning.
    Reasoning,
    /// A call of a tool, or a piece of one.
    Call,
    /// What a tool answered.
    Result,
    /// A model's turn is over.
    TurnEnd,
    /// The agent failed.
    Error,
    /// The reply is whole.
    End,
}

impl Account {
    /// Of what is about to be read.
    pub(super) fn of(content: &Content<'_>) -> Self {
        let (source, sse_name) = match *content {
            Content::Text { text, sse_name, .. } | Content::Value { text, sse_name, .. } => {
                (text, sse_name)
            }
            Content::OpenSseEvent { value, sse_name } => (value.raw(), sse_name),
            Content::Name { sse_name } => ("", sse_name),
        };
        Self {
            source: source.to_owned(),
            sse_name: sse_name.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn take_in(&mut self, said: &Said) {
        let mut words_at = 0;
        for number in 0..said.count() {
            let item = said.item(number, &mut words_at);
            self.said.extend(item.map(Utterance::from));
        }
    }
}

impl From<Item<'_>> for Utterance {
    fn from(item: Item<'_>) -> Self {
        let (kind, words) = match item {
            Item::Text(text, _) => (UtteranceKind::Text, text.to_owned()),
            Item::Reasoning(text, _) => (UtteranceKind::Reasoning, text.to_owned()),
            Item::Tool(ToolStep::Call(call), _) => (UtteranceKind::Call, words_of(call)),
            Item::Tool(ToolStep::Result(answer), _) => {
                let (Output::Text(words) | Output::Json(words)) = answer.output;
                (UtteranceKind::Result, words)
            }
            Item::TurnEnd(_) => (UtteranceKind::TurnEnd, String::new()),
            Item::Error => (UtteranceKind::Error, String::new()),
            Item::End => (UtteranceKind::End, String::new()),
        };
        Self { kind, words }
    }
}

fn words_of(call: Call) -> String {
    let input = match call.input {
        Input::Piece(input) | Input::Whole(input) => Some(input),
        Input::None | Input::Announced | Input::Ended => None,
    };
    let words = [call.name, input];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
