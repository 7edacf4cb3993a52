//! The input of a call, as formats give it: an object, or its JSON in a string.

use crate::json::{Scanner, Value, Verdict};
use crate::said::Input;

/// A whole input. Null and an empty string are none.
pub(super) fn whole(input: Option<Value<'_>>) -> Input {
    match of(input) {
        Input::Piece(piece) => Input::Whole(piece),
        other => other,
    }
}

/// A piece of an input's JSON.
pub(super) fn piece(input: Option<Value<'_>>) -> Input {
    let text = input
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    match text {
        Some(text) => Input::Piece(text.decode().into_owned()),
        None => whole(input),
    }
}

/// An input of which nothing but its own text says whether it is whole.
pub(super) fn of(input: Option<Value<'_>>) -> Input {
    let Some(input) = input.filter(|input| !input.is_null()) else {
        return Input::None;
    };
    let Some(text) = input.as_str() else {
        return Input::Whole(input.raw().to_owned());
    };
    if text.is_empty() {
        return Input::None;
    }
    let text = text.decode();
    let mut scanner = Scanner::new();
    scanner.feed(text.as_bytes());
    match scanner.verdict() {
        Verdict::Whole => Input::Whole(text.into_owned()),
        Verdict::Beginning => Input::Piece(text.into_owned()),
        // The text is no JSON. An input is, so it is the JSON of the string.
        _ => Input::Whole(input.raw().to_owned()),
    }
}
