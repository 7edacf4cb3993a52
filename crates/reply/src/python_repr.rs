//! Strings that Python's serialisers make of objects that they cannot write: their `repr`.

use crate::json::Str;

/// Tells the `repr` of an object from text.
#[derive(Debug, Default)]
pub(crate) struct Reprs {
    /// An object came. Among objects, a `repr` is one that could not be serialised.
    object_came: bool,
}

impl Reprs {
    /// Takes note of a value that came: whether it is or holds an object.
    pub(crate) fn came(&mut self, is_object: bool) {
        self.object_came |= is_object;
    }

    /// Whether a string is the `repr` of a dictionary or an object, and no text.
    pub(crate) fn is_repr(&mut self, text: Str<'_>) -> bool {
        let text = text.decode();
        let text = text.trim();
        let has_form = (text.starts_with("{'") && text.ends_with('}')) || is_object(text);
        let is_repr = (has_form && (self.object_came || text.contains(" object at 0x")))
            || is_model(text, if self.object_came { 2 } else { 3 });
        // It was an object, so a `repr` that follows is one too.
        self.object_came |= is_repr;
        is_repr
    }
}

/// Whether a text is `Name(field=…)`, with dots in the name where it is a module's.
pub(crate) fn is_object(text: &str) -> bool {
    let Some((name, rest)) = text.split_once('(').filter(|_| text.ends_with(')')) else {
        return false;
    };
    let is_word = |word: &str| {
        let mut characters = word.chars();
        let first = characters.next();
        first.is_some_and(|first| first.is_alphabetic() || first == '_')
            && characters.all(|next| next.is_alphanumeric() || next == '_')
    };
    let field = rest.split_once('=').map(|(field, _)| field);
    name.split('.').all(is_word) && field.is_some_and(is_word)
}

/// Whether a text is the fields of a Pydantic model, as its `str` gives them: `field='a'
/// other=None`, so many at least. What a person writes has no `None`, `{}` or `Name(…)` among its
/// values.
fn is_model(text: &str, fewest: usize) -> bool {
    let (mut rest, mut fields, mut has_literal) = (text, 0, false);
    while let Some((field, after)) = rest.split_once('=') {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if field.is_empty() || !field.chars().all(is_name) {
            return false;
        }
        let value = &after[..literal_length(after)];
        let is_literal = matches!(value, "None" | "True" | "False" | "{}" | "[]")
            || (value.ends_with(')') && value.starts_with(char::is_alphabetic));
        has_literal |= is_literal;
        fields += 1;
        rest = &after[value.len()..];
        match rest.strip_prefix(' ') {
            Some(next) => rest = next,
            None => break,
        }
    }
    rest.is_empty() && fields >= fewest && has_literal
}

/// How long the Python literal at the beginning of a text is: up to the first space outside of
/// strings and brackets.
fn literal_length(text: &str) -> usize {
    let (mut quote, mut depth, mut is_escaped) = (None, 0_usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(open), _) => quote = (open != byte).then_some(open),
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b' ') if depth == 0 => return at,
            (None, _) => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repr_is_told_from_text() {
        let mut after = Reprs { object_came: true };
        for (text, first, later) in [
            ("{'data': <a.B object at 0x7f>}", true, true),
            ("{'data': 'Hi'}", false, true),
            ("RunContent(content='x', n=1)", false, true),
            ("a.b.Event(x=1)", false, true),
            ("Event(agent=<a.B object at 0x7f>)", true, true),
            (
                "id='a' source='user' usage=None content='it\\'s'",
                true,
                true,
            ),
            ("messages=[Text(id='a', x=1)] stop_reason=None", false, true),
            ("a=1 b=2 c=3", false, false),
            ("x='a' y='b' z='c'", false, false),
            ("print(x)", false, false),
            ("Call f(x=1) then.", false, false),
            ("content='it\\'s a' id='b' usage=None", true, true),
            ("='a' b=None c=1", false, false),
            ("a=x b=y c=z", false, false),
            ("_Event(_x=1)", false, true),
            ("9Event(x=1)", false, false),
            ("Hi", false, false),
        ] {
            assert_eq!(Reprs::default().is_repr(Str::plain(text)), first, "{text}");
            assert_eq!(after.is_repr(Str::plain(text)), later, "{text}");
        }
    }

    #[test]
    fn an_object_that_came_is_remembered() {
        let mut reprs = Reprs::default();
        let text = Str::plain("{'data': 'Hi'}");
        for (is_object, is_repr) in [(false, false), (true, true), (false, true)] {
            reprs.came(is_object);
            assert_eq!(reprs.is_repr(text), is_repr);
        }
    }
}
