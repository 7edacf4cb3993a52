//! What the tests of the dialects share.

use super::{Dialect, Memory, Reading};
use crate::json::Document;
use crate::said::{Answer, Input, Item, Said, ToolStep};
use crate::step::Output;

/// What values say that come one after the other, a line for each thing: `text Hello`,
/// `reasoning hm`, `call id name whole {}`, `result id output`, `turn end`, `error`, `end`; and
/// `unread` for a value that no dialect recognises.
pub(crate) fn said(values: &[&str]) -> Vec<String> {
    let (mut memory, mut lines) = (Memory::default(), Vec::new());
    for value in values {
        let (mut said, mut document) = (Said::default(), Document::default());
        assert!(document.read(value), "no JSON: {value}");
        let value = document.value(value);
        if !Reading::new(&mut said, &mut memory, "").value(value) {
            lines.push("unread".to_owned());
        }
        lines.extend(self::lines(&said));
    }
    lines
}

/// A line for each thing that was said.
pub(crate) fn lines(said: &Said) -> Vec<String> {
    let mut start = 0;
    let items = (0..).map_while(|number| Some(line(&said.item(number, &mut start)?)));
    items.collect()
}

/// Asserts that a dialect recognises none of these values, and says nothing of them.
pub(crate) fn leaves(dialect: &Dialect, values: &[&str]) {
    for text in values {
        let (has_read, has_said) = asked(dialect, text);
        assert!(!has_read && !has_said, "{}: {text}", dialect.name);
    }
}

/// Asserts that a dialect recognises each of these values itself. Another may say the same of it,
/// but what is reported of a reply is whose format it had.
pub(crate) fn reads(dialect: &Dialect, values: &[&str]) {
    for text in values {
        assert!(asked(dialect, text).0, "{}: {text}", dialect.name);
    }
}

/// Whether a dialect recognises a value, and whether it says anything of it.
fn asked(dialect: &Dialect, text: &str) -> (bool, bool) {
    let (mut said, mut document) = (Said::default(), Document::default());
    assert!(document.read(text), "no JSON: {text}");
    let object = document.value(text).as_object().expect("an object");
    let mut memory = Memory::default();
    let mut reading = Reading::new(&mut said, &mut memory, "");
    let has_read = object.may_have(dialect.keys) && (dialect.read)(&object, &mut reading);
    (has_read, said.item(0, &mut 0).is_some())
}

fn line(item: &Item<'_>) -> String {
    let words = |of: &Option<String>| of.clone().unwrap_or_else(|| "-".to_owned());
    match item {
        Item::Text(text, _) => format!("text {text}"),
        Item::Reasoning(text, _) => format!("reasoning {text}"),
        Item::Tool(ToolStep::Call(call), _) => {
            let input = match &call.input {
                Input::None | Input::Announced => "begun".to_owned(),
                Input::Piece(piece) => format!("piece {piece}"),
                Input::Whole(whole) => format!("whole {whole}"),
                Input::Ended => "ended".to_owned(),
            };
            format!("call {} {} {input}", words(&call.id), words(&call.name))
        }
        Item::Tool(ToolStep::Result(answer), _) => {
            let Answer {
                id, output, failed, ..
            } = answer;
            let failed = if *failed { " failed" } else { "" };
            let (Output::Text(output) | Output::Json(output)) = output;
            format!("result {} {output}{failed}", words(id))
        }
        Item::TurnEnd(_) => "turn end".to_owned(),
        Item::Error => "error".to_owned(),
        Item::End => "end".to_owned(),
    }
}
