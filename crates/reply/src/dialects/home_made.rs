//! Forms of no framework's: what people write by hand.

use super::{Dialect, Reading};
use crate::json::{Keys, Object};

pub(super) const DIALECT: Dialect = Dialect {
    name: "home-made",
    keys: Keys::ANY,
    read,
};

fn read(_object: &Object<'_>, _reading: &mut Reading<'_>) -> bool {
    false
}

pub(crate) fn is_terminal_name(name: &str) -> bool {
    matches!(name, "done" | "end" | "complete")
}

pub(crate) fn named_text(reading: &mut Reading<'_>, text: crate::json::Str<'_>) {
    reading.text("text", text);
    if is_terminal_name(reading.event()) {
        reading.end();
    }
}

pub(crate) fn name_alone(reading: &mut Reading<'_>) {
    if is_terminal_name(reading.event()) {
        reading.end();
    }
}
