//! What a value says: the dialects write it, telling reads it.

use crate::json::{Kind, Str, Value};
use crate::step::Output;

/// What one value says, in order.
///
/// A message may say millions of things, so each takes eight bytes: where its words end, and which
/// of a few sources it has.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The words of all things, one behind the other.
    words: String,
    things: Vec<Thing>,
    sources: Vec<Source>,
    tools: Vec<Tool>,
    turn_ends: Vec<Option<Speaker>>,
    /// How often text was said, and how often anything.
    mark: Mark,
    /// The words that come next are none of what came before.
    is_parted: bool,
}

/// One thing that was said.
#[derive(Debug)]
pub(crate) enum Item<'s> {
    Text(&'s str, Source),
    Reasoning(&'s str, Source),
    Tool(ToolStep, Option<Speaker>),
    /// A model's turn is over; the agent may go on.
    TurnEnd(Option<Speaker>),
    /// The agent failed. What it says of that goes nowhere.
    Error,
    /// The reply is whole.
    End,
}

/// What telling has to know of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) form: Form,
    pub(crate) coverage: Coverage,
    pub(crate) speaker: Option<Speaker>,
}

/// How much was said up to some point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    texts: usize,
    things: usize,
}

#[derive(Clone, Copy, Debug)]
struct Thing {
    /// Where its words end; those of the next begin there.
    end: u32,
    /// Its kind in the lowest three bits. The others are the number of its source, tool or turn
    /// end.
    kind: u32,
}

/// A tool's step. Its words are its id, its name and its input or output, one behind the other.
#[derive(Clone, Copy, Debug)]
struct Tool {
    kind: ToolKind,
    index: Option<u32>,
    /// How long the id is.
    id: Option<u32>,
    /// How long the name is.
    name: Option<u32>,
    speaker: Option<Speaker>,
}

#[derive(Clone, Copy, Debug)]
enum ToolKind {
    Begun,
    Announced,
    Piece,
    Whole,
    Ended,
    Result { is_json: bool, failed: bool },
}

const TEXT: u32 = 0;
const REASONING: u32 = 1;
const TOOL: u32 = 2;
const TURN_END: u32 = 3;
const ERROR: u32 = 4;
const END: u32 = 5;

/// Where words stand: the dialect, the path of keys to them, the object's name, and whether it was
/// flagged as a whole. Ids, names of nodes and indices are no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form(u64);

impl Form {
    /// The form of a value that came by itself.
    pub(crate) const TOP: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The form of what is found further inside.
    pub(crate) const fn then(self, step: &str) -> Self {
        // FNV-1a, which is quick. Forms are few, and nobody gains by making two of them collide.
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

/// Who says words, where a format tells: a graph's node, a message's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Speaker(u64);

impl Speaker {
    pub(crate) fn new(name: Str<'_>) -> Self {
        Self(Form::TOP.then(&name.decode()).0)
    }
}

/// What a text repeats of those before it, as far as its format says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// The format does not say.
    #[default]
    Unknown,
    /// It is the conversation so far.
    Snapshot,
    /// It may be all pieces before it at once, in the same form. It is, where it is all that was
    /// told since the last turn or tool, and that came in more than one piece.
    PerhapsAllPieces,
}

/// A step of a tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToolStep {
    Call(Call),
    Result(Answer),
}

/// What a tool answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The agent's id of the call.
    pub(crate) id: Option<String>,
    /// The tool's name. It says which call it was, where there is no id.
    pub(crate) name: Option<String>,
    pub(crate) output: Output,
    pub(crate) failed: bool,
}

/// A call of a tool, or a piece of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// The agent's id of it.
    pub(crate) id: Option<String>,
    /// Its place among calls that stream at once. It tells their pieces apart that have no id.
    pub(crate) index: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) input: Input,
}

/// What came of a call's input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing yet: the call has begun.
    #[default]
    None,
    /// Nothing yet: the call has begun, and its format says when it is whole.
    Announced,
    /// A piece of its JSON.
    Piece(String),
    /// All of it, as JSON. The call is whole.
    Whole(String),
    /// No further piece: the call is whole.
    Ended,
}

impl Said {
    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.things.clear();
        self.sources.clear();
        self.tools.clear();
        self.turn_ends.clear();
        self.is_parted = false;
        // One huge message must not hold its memory for the rest of the reply.
        if self.words.capacity() > 1 << 16 || self.things.capacity() > 1 << 12 {
            *self = Self::default();
        }
    }

    /// The thing of that number, whose words begin at `start`. Then `start` is where they end.
    pub(crate) fn item(&self, number: usize, start: &mut usize) -> Option<Item<'_>> {
        let Thing { end, kind } = *self.things.get(number)?;
        let index = (kind >> 3) as usize;
        let words = std::mem::replace(start, end as usize)..end as usize;
        Some(match kind & 7 {
            TEXT => Item::Text(&self.words[words], self.sources[index]),
            REASONING => Item::Reasoning(&self.words[words], self.sources[index]),
            TOOL => {
                let tool = &self.tools[index];
                Item::Tool(tool.step(&self.words[words]), tool.speaker)
            }
            TURN_END => Item::TurnEnd(self.turn_ends[index]),
            ERROR => Item::Error,
            _ => Item::End,
        })
    }

    /// How many things were said.
    pub(crate) fn count(&self) -> usize {
        self.things.len()
    }

    /// Whether the reply ends with this.
    pub(crate) fn ends_reply(&self) -> bool {
        let mut kinds = self.things.iter().map(|thing| thing.kind & 7);
        kinds.any(|kind| kind == ERROR || kind == END)
    }

    /// Whether an error is among what was said.
    pub(crate) fn has_error(&self) -> bool {
        self.things.iter().any(|thing| thing.kind & 7 == ERROR)
    }

    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }

    /// What comes next is told by itself, as if it came in a message of its own.
    pub(crate) fn part(&mut self) {
        self.is_parted = true;
    }

    /// Adds words, if there are any. Words of the same source as those before go on with them.
    pub(crate) fn push_words(&mut self, text: Str<'_>, is_reasoning: bool, source: Source) {
        let start = self.words.len();
        text.push_to(&mut self.words);
        if start == self.words.len() {
            return;
        }
        self.mark.things += 1;
        self.mark.texts += usize::from(!is_reasoning);
        let kind = if is_reasoning { REASONING } else { TEXT };
        let kind = self.source(source) << 3 | kind;
        let goes_on = !std::mem::take(&mut self.is_parted);
        let mut last = self.things.last_mut();
        match last.take_if(|last| goes_on && last.kind == kind) {
            Some(last) => last.end = number(self.words.len()),
            None => self.push(kind),
        }
    }

    pub(crate) fn push_tool(&mut self, step: ToolStep, speaker: Option<Speaker>) {
        self.mark.things += 1;
        let mut length = |words: Option<String>| {
            let words = words?;
            self.words.push_str(&words);
            Some(number(words.len()))
        };
        let (kind, index, id, name, words) = match step {
            ToolStep::Call(call) => {
                let (kind, input) = match call.input {
                    Input::None => (ToolKind::Begun, None),
                    Input::Announced => (ToolKind::Announced, None),
                    Input::Piece(piece) => (ToolKind::Piece, Some(piece)),
                    Input::Whole(input) => (ToolKind::Whole, Some(input)),
                    Input::Ended => (ToolKind::Ended, None),
                };
                let index = call
                    .index
                    .map(|index| u32::try_from(index).unwrap_or(u32::MAX));
                (kind, index, length(call.id), length(call.name), input)
            }
            ToolStep::Result(answer) => {
                let (is_json, output) = match answer.output {
                    Output::Text(text) => (false, text),
                    Output::Json(json) => (true, json),
                };
                let failed = answer.failed;
                let kind = ToolKind::Result { is_json, failed };
                (
                    kind,
                    None,
                    length(answer.id),
                    length(answer.name),
                    Some(output),
                )
            }
        };
        length(words);
        let kind_of_thing = number(self.tools.len()) << 3 | TOOL;
        self.tools.push(Tool {
            kind,
            index,
            id,
            name,
            speaker,
        });
        self.push(kind_of_thing);
    }

    pub(crate) fn push_turn_end(&mut self, speaker: Option<Speaker>) {
        self.mark.things += 1;
        let kind = number(self.turn_ends.len()) << 3 | TURN_END;
        self.turn_ends.push(speaker);
        self.push(kind);
    }

    pub(crate) fn push_error(&mut self) {
        self.mark.things += 1;
        self.push(ERROR);
    }

    pub(crate) fn push_end(&mut self) {
        self.mark.things += 1;
        self.push(END);
    }

    fn push(&mut self, kind: u32) {
        let end = number(self.words.len());
        self.things.push(Thing { end, kind });
    }

    /// The number of a source. Only the last few are looked through for one that is known already.
    fn source(&mut self, source: Source) -> u32 {
        const FEW: usize = 8;
        let last = self.sources.len().saturating_sub(FEW);
        let known = self.sources[last..].iter().rposition(|one| *one == source);
        number(known.map_or_else(
            || {
                self.sources.push(source);
                self.sources.len() - 1
            },
            |place| last + place,
        ))
    }
}

impl Tool {
    /// The step, put together from its words.
    fn step(&self, words: &str) -> ToolStep {
        let mut rest = words;
        let mut take = |length: Option<u32>| {
            let (taken, after) = rest.split_at(length? as usize);
            rest = after;
            Some(taken.to_owned())
        };
        let (id, name) = (take(self.id), take(self.name));
        let words = rest.to_owned();
        let input = match self.kind {
            ToolKind::Result { is_json, failed } => {
                let output = if is_json {
                    Output::Json(words)
                } else {
                    Output::Text(words)
                };
                return ToolStep::Result(Answer {
                    id,
                    name,
                    output,
                    failed,
                });
            }
            ToolKind::Begun => Input::None,
            ToolKind::Announced => Input::Announced,
            ToolKind::Piece => Input::Piece(words),
            ToolKind::Whole => Input::Whole(words),
            ToolKind::Ended => Input::Ended,
        };
        ToolStep::Call(Call {
            id,
            index: self.index.map(u64::from),
            name,
            input,
        })
    }
}

impl Mark {
    /// Whether text was said between an earlier mark and this one.
    pub(crate) fn has_text_since(self, earlier: Self) -> bool {
        self.texts > earlier.texts
    }

    /// Whether anything was said between an earlier mark and this one.
    pub(crate) fn has_said_since(self, earlier: Self) -> bool {
        self.things > earlier.things
    }
}

/// A count or a place: all are below the size of a message, which 29 bits hold.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX >> 3)
}

/// A value as a person would want to read it: a string as it is meant, all else as its JSON.
pub(crate) fn readable(value: Value<'_>) -> String {
    match value.kind() {
        Kind::String => value.as_str().map(|text| text.decode().into_owned()),
        _ => None,
    }
    .unwrap_or_else(|| value.raw().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(form: &str) -> Source {
        Source {
            form: Form::TOP.then(form),
            coverage: Coverage::Unknown,
            speaker: None,
        }
    }

    #[test]
    fn words_keep_their_source_among_many() {
        let forms: Vec<_> = (0..12).map(|number| source(&number.to_string())).collect();
        let order: Vec<_> = (0..12).chain([10, 9, 11, 3, 3, 10]).collect();
        let mut said = Said::default();
        for at in &order {
            said.part();
            said.push_words(Str::plain("a"), false, forms[*at]);
        }
        let mut start = 0;
        let found = (0..).map_while(|number| match said.item(number, &mut start)? {
            Item::Text(_, source) => Some(source),
            _ => None,
        });
        let expected = order.iter().map(|at| forms[*at]);
        assert!(found.eq(expected));
    }

    #[test]
    fn the_memory_of_a_huge_message_is_given_back() {
        let mut said = Said::default();
        said.push_words(Str::plain("Hi"), false, source("a"));
        said.clear();
        assert!(said.words.capacity() > 0 && said.things.capacity() > 0);
        said.push_words(Str::plain(&"a".repeat(1 << 17)), false, source("a"));
        said.clear();
        assert_eq!(said.words.capacity(), 0);
        for _ in 0..1 << 13 {
            said.push_end();
        }
        said.clear();
        assert_eq!(said.things.capacity(), 0);
    }
}
