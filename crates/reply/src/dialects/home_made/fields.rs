//! The keys of an object that matter, found in one pass over it.

use crate::json::{Kind, Object, Str, Value};
use crate::names::{Meaning, Name, whose};

/// The keys under which people put text, in the order in which they are tried.
const TEXT_KEYS: [&str; 21] = [
    "chunk",
    "token",
    "text",
    "data",
    "delta",
    "content",
    "response",
    "result",
    "answer",
    "output",
    "completion",
    "message",
    "event",
    "reply",
    "value",
    "payload",
    "parts",
    "contents",
    "blocks",
    "choices",
    "raw",
];

/// The place of a key among the [`TEXT_KEYS`]. It is compared only with the few of its length.
fn place(key: &str) -> Option<usize> {
    let places: &[usize] = match key.len() {
        3 => &[20],
        4 => &[2, 3],
        5 => &[0, 1, 4, 12, 13, 14, 16],
        6 => &[7, 8, 9, 18],
        7 => &[5, 11, 15, 19],
        8 => &[6, 17],
        10 => &[10],
        _ => &[],
    };
    let mut places = places.iter();
    places.find(|place| TEXT_KEYS[**place] == key).copied()
}

pub(super) fn is_text_key(key: &str) -> bool {
    place(key).is_some()
}

/// A set of [`TEXT_KEYS`], by their places.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TextKeys(u32);

impl TextKeys {
    const DELTA: Self = Self::only("delta");
    pub(super) const MESSAGE: Self = Self::only("message");
    /// Text under one of these is the agent's even in an object of housekeeping.
    pub(super) const CARRIED: Self =
        Self(Self::only("chunk").0 | Self::only("token").0 | Self::only("text").0 | Self::DELTA.0);

    #[expect(
        clippy::panic,
        reason = "of constants alone: it would be the compiler's"
    )]
    const fn only(key: &str) -> Self {
        let mut place = 0;
        while place < TEXT_KEYS.len() {
            if same(TEXT_KEYS[place].as_bytes(), key.as_bytes()) {
                return Self(1 << place);
            }
            place += 1;
        }
        panic!("none of the keys")
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The keys, in the order in which they are tried.
    fn iter(self) -> impl Iterator<Item = &'static str> {
        let keys = TEXT_KEYS.iter().enumerate();
        keys.filter(move |(place, _)| self.0 & (1 << place) != 0)
            .map(|(_, key)| *key)
    }
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// What an object has under the keys that matter.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own that a rule asks"
)]
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) kind: Option<Str<'a>>,
    pub(super) event: Option<Str<'a>>,
    /// Whose words they are, where not the agent's.
    pub(super) whose: Option<Meaning>,
    /// It answers a call of a tool.
    pub(super) has_call_id: bool,
    /// It says that something failed.
    pub(super) has_error: bool,
    /// It says so by a word or a number that may mean something else.
    pub(super) may_be_error: bool,
    /// `done: true`
    pub(super) is_over: bool,
    /// It is flagged as a whole, not a piece.
    pub(super) is_whole: bool,
    /// `thought: true`, as Gemini's parts have it.
    pub(super) is_thought: bool,
    pub(super) text_keys: TextKeys,
    /// The value of the one text key, where there is only one.
    only_text: Option<Value<'a>>,
    /// The `delta`, where it is a string.
    pub(super) delta: Option<Str<'a>>,
    /// What the agent thought, beside what it says.
    pub(super) thought: Option<Str<'a>>,
    pub(super) tool_calls: Option<Value<'a>>,
    pub(super) messages: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(object: &Object<'a>) -> Self {
        let mut fields = Self::default();
        for (key, value) in object.iter() {
            fields.take_in(&key.decode(), value);
        }
        fields
    }

    fn take_in(&mut self, key: &str, value: Value<'a>) {
        if self.take_in_text(key, value) {
            return;
        }
        match key {
            "type" => self.kind = value.as_str(),
            "role" | "source" | "author" => {
                self.whose = value.as_str().and_then(whose).or(self.whose);
            }
            "tool_use_id" | "tool_call_id" | "toolUseId" | "toolCallId" => {
                self.has_call_id |= !value.is_nothing();
            }
            "error" | "errors" | "exception" => self.has_error |= !value.is_nothing(),
            "errorMessage" | "errorCode" => {
                self.has_error |= value.as_str().is_some_and(|text| !text.is_blank());
            }
            "is_error" | "isError" => self.has_error |= value.is_true(),
            "success" => self.may_be_error |= value.kind() == Kind::False,
            "status" | "state" | "code" | "statusCode" | "status_code" => {
                self.may_be_error |= is_failed(value);
            }
            "done" | "finished" => self.is_over |= value.is_true(),
            "final" | "is_final" => self.is_whole |= value.is_true(),
            "partial" => self.is_whole |= value.kind() == Kind::False,
            "reasoning" | "reasoning_content" | "reasoningContent" | "thinking" | "thought" => {
                self.is_thought |= key == "thought" && value.is_true();
                self.thought = value.as_str().or(self.thought);
            }
            "tool_calls" | "toolCalls" => self.tool_calls = Some(value),
            "messages" => self.messages = Some(value),
            _ => {}
        }
    }

    fn take_in_text(&mut self, key: &str, value: Value<'a>) -> bool {
        let Some(place) = place(key) else {
            return false;
        };
        match key {
            // `event` holds text only as an object. A string there is a name.
            "event" if value.kind() != Kind::Object => {
                self.event = value.as_str();
                return true;
            }
            "delta" => self.delta = value.as_str(),
            _ => {}
        }
        self.only_text = self.text_keys.is_empty().then_some(value);
        self.text_keys.0 |= 1 << place;
        true
    }

    /// The values of the keys, in the order in which they are tried.
    pub(super) fn texts(
        &self,
        object: &Object<'a>,
        keys: TextKeys,
    ) -> impl Iterator<Item = (&'static str, Value<'a>)> {
        let only = self.only_text;
        let value = move |key| match only {
            Some(value) => Some(value),
            None => object.get(key),
        };
        keys.iter().filter_map(move |key| Some((key, value(key)?)))
    }

    /// The text under the one text key, where there is only one.
    pub(super) fn only_text(&self) -> Option<Str<'a>> {
        self.only_text?.as_str()
    }

    /// The object's name: its own, or else the outer one.
    pub(super) fn name(&self, outer_name: &'a str) -> Name<'a> {
        match self.kind.or(self.event) {
            Some(name) => Name::of(name),
            None => Name::plain(outer_name),
        }
    }
}

fn is_failed(value: Value<'_>) -> bool {
    let is_word = |word: Str<'_>| matches!(Name::of(word).as_str(), "error" | "failed");
    let is_code = || value.raw().parse().is_ok_and(|code: f64| code >= 400.0);
    value.as_str().is_some_and(is_word) || (value.kind() == Kind::Number && is_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_key_is_found_by_its_length() {
        for (at, key) in TEXT_KEYS.iter().enumerate() {
            assert_eq!(place(key), Some(at), "{key}");
        }
        assert_eq!(place("texts"), None);
    }
}
