//! Strings that a serialiser made of what it did not know: the `repr` of a Python object.

use crate::json::Str;

/// Tells such strings from text.
#[derive(Debug, Default)]
pub(crate) struct Reprs {
    /// An object came: in a stream of objects a `repr` is an event that could not be serialised.
    object_came: bool,
}

impl Reprs {
    /// A value came that is or holds an object, or none.
    pub(crate) fn came(&mut self, is_object: bool) {
        self.object_came |= is_object;
    }

    /// Whether a string is the `repr` of a dictionary or an object, and no text.
    pub(crate) fn is_repr(&mut self, text: Str<'_>) -> bool {
        let text = text.decode();
        let text = text.trim();
        let has_form = (text.starts_with("{'") && text.ends_with('}')) || is_object(text);
        let is_repr = has_form && (self.object_came || text.contains(" object at 0x"));
        // It was an event, and so is the next one.
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
            ("print(x)", false, false),
            ("Call f(x=1) then.", false, false),
            ("Hi", false, false),
        ] {
            assert_eq!(Reprs::default().is_repr(Str::plain(text)), first, "{text}");
            assert_eq!(after.is_repr(Str::plain(text)), later, "{text}");
        }
    }
}
