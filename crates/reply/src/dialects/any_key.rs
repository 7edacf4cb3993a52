//! A field that serialisers write under more than one key: `toolCallId`, or `tool_call_id`.

use crate::json::{Object, Str, Value};

/// The string of the first of these keys that has one.
pub(super) fn string<'a>(object: &Object<'a>, keys: &[&str]) -> Option<Str<'a>> {
    keys.iter().find_map(|key| object.string(key))
}

/// The value of the first of these keys that is there and not null.
pub(super) fn value<'a>(object: &Object<'a>, keys: &[&str]) -> Option<Value<'a>> {
    let mut values = keys.iter().filter_map(|key| object.get(key));
    values.find(|value| !value.is_null())
}

/// The object of the first of these keys that has one.
pub(super) fn object<'a>(object: &Object<'a>, keys: &[&str]) -> Option<Object<'a>> {
    keys.iter().find_map(|key| object.object(key))
}
