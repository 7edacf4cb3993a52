//! JSON objects whose values are parsed only when they are read.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object with unparsed values. They may hold anything that the grammar of JSON allows: huge
/// numbers, unpaired surrogates, any nesting depth.
#[derive(Debug, Default)]
pub(super) struct Object<'a>(Vec<(Cow<'a, [u8]>, &'a RawValue)>);

impl<'a> Object<'a> {
    pub(super) fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// All fields, in order. Names are UTF-8, except for unpaired surrogates.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&[u8], &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The last value of a name. A null value counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let value = self.get_or_null(name)?;
        (value.get() != "null").then_some(value)
    }

    /// The last value of a name, be it null.
    pub(super) fn get_or_null(&self, name: &str) -> Option<&'a RawValue> {
        let is_named = |field: &&(Cow<'_, [u8]>, _)| field.0.as_ref() == name.as_bytes();
        let (_, value) = self.0.iter().rev().find(is_named)?;
        Some(*value)
    }

    pub(super) fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?.get())
    }

    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text(self.get(name)?)
    }
}

/// A value as a string, borrowed if it has no escapes. `None` for other types, and for strings with
/// an unpaired surrogate.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    let Text(text) = serde_json::from_str(value.get()).ok()?;
    Some(text)
}

/// Like [`text`], but keeps strings with an unpaired surrogate.
pub(super) fn bytes(value: &RawValue) -> Option<Cow<'_, [u8]>> {
    let Bytes(bytes) = serde_json::from_str(value.get()).ok()?;
    Some(bytes)
}

/// The values of a list, or a single value as a list of one.
pub(super) fn one_or_several(value: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_else(|_| vec![value])
}

#[derive(Deserialize)]
struct Bytes<'a>(#[serde(borrow)] Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

/// Written by hand, since types derived by serde refuse duplicate names and accept a list in place
/// of an object.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some((Bytes(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_field_does_not_affect_the_others() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let json = format!(
            r#"{{"a":1e400,"b":{deep},"\ud800":1,"c":"\ud800x","d":null,"e":"","e":"\u00e9"}}"#
        );
        let object = Object::parse(&json).unwrap();
        assert_eq!(object.get("a").unwrap().get(), "1e400");
        assert!(object.get("b").is_some() && object.object("b").is_none());
        assert_eq!(object.text("c"), None);
        assert!(bytes(object.get("c").unwrap()).unwrap().ends_with(b"x"));
        assert!(object.get("d").is_none() && object.get("none").is_none());
        assert_eq!(
            object.text("e").as_deref(),
            Some("é"),
            "the last value wins"
        );
        assert_eq!(object.fields().count(), 7);
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let object = Object::parse(r#"{"plain":"é","escaped":"\n"}"#).unwrap();
        assert!(matches!(object.text("plain"), Some(Cow::Borrowed("é"))));
        let plain = bytes(object.get("plain").unwrap()).unwrap();
        assert!(matches!(plain, Cow::Borrowed(_)));
        assert_eq!(object.text("escaped").as_deref(), Some("\n"));
    }

    #[test]
    fn only_objects_are_parsed() {
        for json in [
            "",
            "null",
            "[]",
            "7",
            "\"x\"",
            "{",
            "{\"a\"}",
            "{} x",
            "{\"a\":\"\n\"}",
        ] {
            assert!(Object::parse(json).is_none(), "{json}");
        }
    }
}
