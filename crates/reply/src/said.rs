//! What a value says, between the dialect that read it and the telling.

use crate::json::{Kind, Str, Value};

/// What one message, or one value of it, says, in order.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The words of all `Text` and `Reasoning`, one behind the other.
    pub(crate) words: String,
    pub(crate) items: Vec<Item>,
}

/// One thing that was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Text(Words),
    Reasoning(Words),
    Tool(ToolStep, Option<Speaker>),
    /// A model's turn is over; the agent may go on.
    TurnEnd(Option<Speaker>),
    /// The agent failed. What it says of that goes nowhere.
    Error,
    /// The reply is whole.
    End,
}

/// Words, and what the telling has to know of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    start: usize,
    end: usize,
    pub(crate) form: Form,
    pub(crate) whole: Whole,
    pub(crate) speaker: Option<Speaker>,
}

impl Words {
    /// The words, which stand in [`Said::words`].
    pub(crate) fn of<'s>(&self, words: &'s str) -> &'s str {
        &words[self.start..self.end]
    }
}

/// In which form something is said: its dialect, the path of keys to it, its name, and whether it
/// was flagged whole. Ids, node names and indices are no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form(u64);

impl Form {
    /// The outermost.
    pub(crate) const TOP: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The form of what is found further inside.
    pub(crate) const fn then(self, step: &str) -> Self {
        // FNV-1a: forms are few, and nobody gains by making two of them alike.
        let bytes = step.as_bytes();
        let mut hash = self.0 ^ 0xff;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        Self(hash.wrapping_mul(0x0100_0000_01b3))
    }
}

/// Who speaks, where a format says it: a graph's node, a message's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Speaker(u64);

impl Speaker {
    pub(crate) fn new(name: Str<'_>) -> Self {
        Self(Form::TOP.then(&name.decode()).0)
    }
}

/// What a format knows of how a text stands to what came before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Whole {
    /// Nothing.
    #[default]
    Unknown,
    /// It is the conversation so far.
    Snapshot,
    /// It may be the whole of the pieces before it, in the same form: where it is all that was told
    /// since the last turn or tool, in more than one piece, it is.
    PerhapsOfPieces,
}

/// A step of a tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToolStep {
    Call(Call),
    Result {
        id: Option<String>,
        output: String,
        failed: bool,
    },
}

/// A call of a tool, or a piece of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// The agent's id of it.
    pub(crate) id: Option<String>,
    /// Where it is among calls that come at once, by which pieces without an id are told apart.
    pub(crate) index: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) input: Input,
}

/// Of a call's input, what came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing yet: the call has begun.
    #[default]
    None,
    /// A piece of its JSON.
    Piece(String),
    /// All of it, as JSON. The call is whole.
    Whole(String),
    /// No further piece: the call is whole.
    Ended,
}

impl Said {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.words.clear();
        // One huge message must not be paid for during the rest of a reply.
        self.words.shrink_to(1 << 16);
        self.items.shrink_to(1 << 8);
    }

    /// The words of an item.
    #[cfg(test)]
    pub(crate) fn words(&self, words: &Words) -> &str {
        words.of(&self.words)
    }

    /// Whether nothing comes after this.
    pub(crate) fn ends_reply(&self) -> bool {
        let mut items = self.items.iter();
        items.any(|item| matches!(item, Item::End | Item::Error))
    }

    /// Whether some text that is not empty was said since there were so many items.
    pub(crate) fn has_text_since(&self, items: usize) -> bool {
        let since = self.items.get(items..).unwrap_or_default();
        since.iter().any(|item| matches!(item, Item::Text(_)))
    }

    /// Adds words, unless there are none. Words of the same form go on with those before.
    pub(crate) fn push_words(
        &mut self,
        text: Str<'_>,
        is_reasoning: bool,
        form: Form,
        whole: Whole,
        speaker: Option<Speaker>,
    ) {
        let start = self.words.len();
        text.push_to(&mut self.words);
        let end = self.words.len();
        if start == end {
            return;
        }
        let words = Words {
            start,
            end,
            form,
            whole,
            speaker,
        };
        match (self.items.last_mut(), is_reasoning) {
            (Some(Item::Text(last)), false) | (Some(Item::Reasoning(last)), true)
                if (last.form, last.whole, last.speaker) == (form, whole, speaker) =>
            {
                last.end = end;
            }
            (_, false) => self.items.push(Item::Text(words)),
            (_, true) => self.items.push(Item::Reasoning(words)),
        }
    }
}

/// A value as a person would want to read it: a string as it is meant, all else as its JSON.
pub(crate) fn readable(value: Value<'_>) -> String {
    match value.kind() {
        Kind::String => value.as_str().map(|text| text.decode().into_owned()),
        _ => None,
    }
    .unwrap_or_else(|| value.raw().to_owned())
}
