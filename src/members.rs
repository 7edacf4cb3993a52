//! JSON objects whose members stay as they came, in their order: what is not ours to read goes on
//! unchanged.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// The members of an object. A name may be there twice.
#[derive(Debug)]
pub(crate) struct Members<'a>(Vec<(String, Value<'a>)>);

/// The value of a member: as it came, or another in its place.
#[derive(Debug)]
enum Value<'a> {
    AsItCame(&'a RawValue),
    Text(&'a str),
    Object(Members<'a>),
}

impl<'a> Members<'a> {
    /// `None` where the text is no object.
    pub(crate) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The members that are as they came: their names, and their values as JSON.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().filter_map(|(name, value)| match value {
            Value::AsItCame(json) => Some((name.as_str(), json.get())),
            Value::Text(_) | Value::Object(_) => None,
        })
    }

    /// The text of the first member of one of these names, if it is one.
    pub(crate) fn text(&self, names: &[&str]) -> Option<String> {
        let (_, json) = self.iter().find(|(name, _)| names.contains(name))?;
        serde_json::from_str(json).ok()
    }

    /// Puts a text in the place of each member of these names, and behind the others where none has
    /// the first of them.
    pub(crate) fn set(&mut self, names: &[&str], text: &'a str) {
        let mut is_set = false;
        for (name, value) in &mut self.0 {
            if names.contains(&name.as_str()) {
                *value = Value::Text(text);
                is_set |= name == names[0];
            }
        }
        if !is_set {
            self.0.push((names[0].to_owned(), Value::Text(text)));
        }
    }

    /// Changes the members of each object of this name.
    pub(crate) fn change_inside(&mut self, wanted: &str, change: impl Fn(&mut Self)) {
        for (name, value) in &mut self.0 {
            if name == wanted
                && let Value::AsItCame(json) = value
                && let Some(mut inside) = Self::of(json.get())
            {
                change(&mut inside);
                *value = Value::Object(inside);
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            members.push((name, Value::AsItCame(value)));
        }
        Ok(Members(members))
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match value {
                Value::AsItCame(json) => map.serialize_entry(name, json)?,
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Object(members) => map.serialize_entry(name, members)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays_as_it_came() {
        let json = r#"{"a":1.50,"a":[ 1 ],"t_x":"old","in":{"b":"é","tX":null},"z":"\u00e9"}"#;
        let mut members = Members::of(json).unwrap();
        assert_eq!(members.text(&["x", "z"]).as_deref(), Some("é"));
        assert_eq!(members.text(&["a"]), None);
        members.set(&["tX", "t_x"], "new");
        members.change_inside("in", |inside| inside.set(&["tX", "t_x"], "new"));
        members.change_inside("a", |inside| inside.set(&["tX"], "new"));
        assert_eq!(
            serde_json::to_string(&members).unwrap(),
            r#"{"a":1.50,"a":[ 1 ],"t_x":"new","in":{"b":"é","tX":"new"},"z":"\u00e9","tX":"new"}"#
        );
        assert!(Members::of("[1]").is_none());
    }
}
