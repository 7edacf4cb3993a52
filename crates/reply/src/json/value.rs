//! What is in a document: values, objects and arrays.

use super::keys::Keys;
use super::node::Node;
use super::scanner::Scanner;
use super::string::Str;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// The kind of a value that begins with this byte.
    fn of(first: u8) -> Self {
        match first {
            b'{' => Self::Object,
            b'[' => Self::Array,
            b'"' => Self::String,
            b't' => Self::True,
            b'f' => Self::False,
            b'n' => Self::Null,
            _ => Self::Number,
        }
    }
}

/// A value of a document. It is a place, and costs nothing to copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
}

impl<'a> Value<'a> {
    pub(super) fn new(text: &'a str, nodes: &'a [Node]) -> Self {
        Self { text, nodes, at: 0 }
    }

    fn node(self) -> Node {
        self.nodes[self.at]
    }

    pub(crate) fn kind(self) -> Kind {
        Kind::of(self.text.as_bytes()[self.node().start()])
    }

    pub(crate) fn as_object(self) -> Option<Object<'a>> {
        (self.kind() == Kind::Object).then(|| Object::new(self))
    }

    /// The key and the value of an object of one member, where that is a string.
    pub(crate) fn as_only_string(self) -> Option<(Str<'a>, Str<'a>)> {
        let is_small = self.kind() == Kind::Object && self.node().link() == self.at + 3;
        let (key, value) = is_small.then(|| (self.at(self.at + 1), self.at(self.at + 2)))?;
        Some((key.str_here(), value.as_str()?))
    }

    pub(crate) fn as_array(self) -> Option<Array<'a>> {
        (self.kind() == Kind::Array).then(|| Array {
            next: self.at + 1,
            end: self.node().link(),
            value: self,
        })
    }

    pub(crate) fn as_str(self) -> Option<Str<'a>> {
        (self.kind() == Kind::String).then(|| self.str_here())
    }

    /// The number, where it is a whole one that is not negative.
    pub(crate) fn as_u64(self) -> Option<u64> {
        (self.kind() == Kind::Number)
            .then(|| self.raw().parse().ok())
            .flatten()
    }

    pub(crate) fn is_true(self) -> bool {
        self.kind() == Kind::True
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether it is null, false, zero, or a string, array or object with nothing in it.
    pub(crate) fn is_nothing(self) -> bool {
        match self.kind() {
            Kind::Null | Kind::False => true,
            Kind::True => false,
            Kind::Number => self.raw().parse() == Ok(0.0),
            Kind::String => self.str_here().is_empty(),
            Kind::Array | Kind::Object => self.node().link() == self.at + 1,
        }
    }

    /// Whether it is an object, or an array with one somewhere inside.
    pub(crate) fn is_or_holds_object(self) -> bool {
        self.kind() == Kind::Object || self.node().holds_object()
    }

    /// The value as it stands in the text. It looks at each byte of it once more.
    pub(crate) fn raw(self) -> &'a str {
        let node = self.node();
        let start = node.start();
        let end = match self.kind() {
            Kind::Object | Kind::Array => {
                start + Scanner::new().feed_value(&self.text.as_bytes()[start..])
            }
            Kind::String => node.link() + 1,
            _ => node.link(),
        };
        &self.text[start..end]
    }

    /// The number of the node after this value and all that is inside.
    fn after(self) -> usize {
        match self.kind() {
            Kind::Object | Kind::Array => self.node().link(),
            _ => self.at + 1,
        }
    }

    fn str_here(self) -> Str<'a> {
        let node = self.node();
        Str::new(
            &self.text[node.start() + 1..node.link()],
            node.has_escapes(),
        )
    }

    fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }
}

/// An object, with a cheap way to say that a key is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    value: Value<'a>,
    /// A bit for each key, several keys to a bit.
    keys: Keys,
    /// The number of the node of what `type` is, for which every dialect asks; 0 where it is not
    /// there.
    kind: usize,
}

impl<'a> Object<'a> {
    fn new(value: Value<'a>) -> Self {
        let mut object = Self {
            value,
            keys: Keys::NONE,
            kind: 0,
        };
        for (key, member) in object.members() {
            object.keys = object.keys.with(key);
            if key == b"type" {
                object.kind = member.at;
            }
        }
        object
    }

    /// The value of a key; the last one where the key is there twice, as all JSON readers have it.
    // Inlined, so that of a key that is known no bit is computed where it is asked for.
    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        if !self.keys.may_hold(key) {
            return None;
        }
        if key == "type" {
            return (self.kind > 0).then(|| self.value.at(self.kind));
        }
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<Value<'a>> {
        let mut found = None;
        for (name, value) in self.members() {
            if name == key.as_bytes() {
                found = Some(value);
            }
        }
        found
    }

    /// The keys, as their bytes stand in the text, and the values.
    fn members(&self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + use<'a> {
        let value = self.value;
        let bytes = value.text.as_bytes();
        let end = value.node().link();
        let mut next = value.at + 1;
        std::iter::from_fn(move || {
            let key = (next < end).then(|| value.nodes[next])?;
            let member = value.at(next + 1);
            next = member.after();
            Some((&bytes[key.start() + 1..key.link()], member))
        })
    }

    #[inline]
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    #[inline]
    pub(crate) fn string(&self, key: &str) -> Option<Str<'a>> {
        self.get(key)?.as_str()
    }

    #[inline]
    pub(crate) fn object(&self, key: &str) -> Option<Object<'a>> {
        self.get(key)?.as_object()
    }

    #[inline]
    pub(crate) fn array(&self, key: &str) -> Option<Array<'a>> {
        self.get(key)?.as_array()
    }

    #[inline]
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.as_u64()
    }

    /// Whether the value of the key is the string.
    #[inline]
    pub(crate) fn is(&self, key: &str, text: &str) -> bool {
        self.string(key).is_some_and(|value| value.is(text))
    }

    /// Whether the value of the key is `true`.
    #[inline]
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(Value::is_true)
    }

    /// Whether one of the keys may be there; where this is false, none is.
    pub(crate) fn may_have(&self, keys: Keys) -> bool {
        self.keys.may_meet(keys)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Str<'a>, Value<'a>)> + use<'a> {
        let value = self.value;
        let end = value.node().link();
        let mut next = value.at + 1;
        std::iter::from_fn(move || {
            let key = (next < end).then(|| value.at(next).str_here())?;
            let member = value.at(next + 1);
            next = member.after();
            Some((key, member))
        })
    }

    pub(crate) fn value(&self) -> Value<'a> {
        self.value
    }
}

/// The values of an array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<'a> {
    value: Value<'a>,
    next: usize,
    end: usize,
}

#[expect(
    clippy::copy_iterator,
    reason = "it is a place in a document, and is gone through from there more than once"
)]
impl<'a> Iterator for Array<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let element = (self.next < self.end).then(|| self.value.at(self.next))?;
        self.next = element.after();
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    #[test]
    fn keys_and_elements_are_found_in_any_layout() {
        let text = r#" {"a":[1,{"b":"x\ny"},[]],"c":{},"a":"last","d":null,"e":-0.0,"f":7} "#;
        let mut document = Document::default();
        assert!(document.read(text));
        let value = document.value(text);
        let object = value.as_object().expect("an object");
        assert!(object.is("a", "last"));
        assert!(object.get("b").is_none());
        assert!(object.get("c").expect("there").is_nothing());
        assert!(object.get("e").expect("there").is_nothing());
        assert_eq!(object.number("f"), Some(7));
        assert_eq!(value.raw(), text.trim());
        let (key, first) = object.iter().next().expect("a member");
        assert!(key.is("a"));
        let elements: Vec<_> = first
            .as_array()
            .expect("an array")
            .map(Value::raw)
            .collect();
        assert_eq!(elements, ["1", r#"{"b":"x\ny"}"#, "[]"]);
        assert_eq!(object.iter().count(), 6);
    }
}
