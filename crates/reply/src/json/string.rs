//! A string of a JSON text, as it stands there.

use std::borrow::Cow;

use super::bytes::plain_length;

/// What is between the quotes, with its escapes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Str<'a> {
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> Str<'a> {
    pub(super) fn new(raw: &'a str, has_escapes: bool) -> Self {
        Self { raw, has_escapes }
    }

    /// A text that has no escapes since it does not come from JSON.
    pub(crate) fn plain(text: &'a str) -> Self {
        Self::new(text, false)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Whether nothing but white space is in it.
    pub(crate) fn is_blank(self) -> bool {
        self.decode().trim().is_empty()
    }

    pub(crate) fn is(self, text: &str) -> bool {
        if self.has_escapes {
            self.decode() == text
        } else {
            self.raw == text
        }
    }

    pub(crate) fn is_any(self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(text))
    }

    pub(crate) fn starts_with(self, text: &str) -> bool {
        if self.has_escapes {
            self.decode().starts_with(text)
        } else {
            self.raw.starts_with(text)
        }
    }

    pub(crate) fn ends_with(self, text: &str) -> bool {
        if self.has_escapes {
            self.decode().ends_with(text)
        } else {
            self.raw.ends_with(text)
        }
    }

    /// The string that is meant.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.has_escapes {
            let mut text = String::with_capacity(self.raw.len());
            self.push_to(&mut text);
            Cow::Owned(text)
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Appends the string that is meant. Half of a surrogate pair, which is no character, becomes
    /// U+FFFD.
    pub(crate) fn push_to(self, text: &mut String) {
        if !self.has_escapes {
            return text.push_str(self.raw);
        }
        let mut rest = self.raw;
        loop {
            // Control characters do not occur, so this stops at a backslash or at the end.
            let plain = plain_length(rest.as_bytes());
            text.push_str(&rest[..plain]);
            rest = &rest[plain..];
            let Some(character) = unescape(&mut rest) else {
                return;
            };
            text.push(character);
        }
    }
}

/// Takes an escape from the beginning of a text; `None` where there is nothing to take.
fn unescape(text: &mut &str) -> Option<char> {
    let escape = *text.as_bytes().get(1)?;
    let (character, length) = match escape {
        b'u' => {
            let unit = code_unit(text)?;
            match char::from_u32(unit) {
                Some(character) => (character, 6),
                None => {
                    pair(unit, &text[6..]).map_or((char::REPLACEMENT_CHARACTER, 6), |c| (c, 12))
                }
            }
        }
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        other => (char::from(other), 2),
    };
    *text = &text[length..];
    Some(character)
}

/// The number of a `\u0000` at the beginning of a text.
fn code_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

fn pair(high: u32, rest: &str) -> Option<char> {
    let low = code_unit(rest)?;
    let is_pair = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    let scalar = is_pair.then(|| 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    scalar.and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::json::Document;

    fn decoded(json: &str) -> String {
        let mut document = Document::default();
        assert!(document.read(json), "{json}");
        let value = document.value(json);
        value.as_str().expect("a string").decode().into_owned()
    }

    #[test]
    fn half_of_a_surrogate_pair_becomes_a_replacement_character() {
        assert_eq!(decoded(r#""a\ud83dz\udc4b""#), "a\u{fffd}z\u{fffd}");
        assert_eq!(decoded(r#""\ud83d\u0041""#), "\u{fffd}A");
        assert_eq!(decoded(r#""\ud83d\udc4b""#), "👋");
    }

    proptest! {
        #[test]
        fn a_string_is_what_serde_json_reads(text in r#"([a-zé👋"\\/\n\t\u{1}]|\\u|\\){0,24}"#) {
            let json = serde_json::to_string(&text).expect("a string");
            prop_assert_eq!(decoded(&json), text);
        }
    }
}
