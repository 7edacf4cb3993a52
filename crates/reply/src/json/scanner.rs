//! Tells, of JSON that arrives in pieces, whether it is whole, can still become whole, or is
//! nonsense. Each byte is looked at once, however small the pieces, which no parser that starts
//! anew with each piece can do.

use super::bytes::is_white_space;
use super::nesting::{Container, Nesting};

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing but white space.
    Empty,
    /// The beginning of a value.
    Beginning,
    /// A whole object, array or string, which nothing but white space can follow.
    Whole,
    /// A whole number, `true`, `false` or `null`: as text it could go on (`42` apples).
    WholeScalar,
    /// Not JSON, whatever follows.
    Nonsense,
}

/// A recogniser of one JSON value (RFC 8259).
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    state: State,
    /// The open objects and arrays, the innermost last.
    open: Nesting,
    /// Whether the outermost value is a number or a word.
    scalar: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value must come.
    Value,
    /// A value or the array's end must come.
    FirstElement,
    /// A key or the object's end must come.
    FirstKey,
    /// A key must come.
    Key,
    /// The colon after a key must come.
    Colon,
    /// A value has ended.
    AfterValue,
    /// Within a string; `true` where it is a key.
    Text(bool),
    /// After a backslash.
    Escape(bool),
    /// Within `\u0000`, with so many digits to come.
    Hex(bool, u8),
    Number(Number),
    /// Within a word, of which this must still come.
    Word(&'static [u8]),
    Nonsense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Value,
            open: Nesting::default(),
            scalar: false,
        }
    }

    /// Looks at more bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Nonsense {
            let taken = self.feed_value(rest);
            rest = &rest[taken..];
            if self.is_over() {
                let blank = rest
                    .iter()
                    .take_while(|byte| is_white_space(**byte))
                    .count();
                if blank < rest.len() {
                    self.state = State::Nonsense;
                }
                return;
            }
        }
    }

    /// Looks at bytes up to the end of the value, and returns how many belong to it. Only an
    /// object, an array or a string has an end of its own; all bytes belong to the others.
    pub(crate) fn feed_value(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.is_over() && self.state != State::Nonsense {
            if let State::Text(_) = self.state {
                // The quick way through a string's plain characters.
                let plain = bytes[at..]
                    .iter()
                    .position(|b| matches!(b, b'"' | b'\\' | ..0x20));
                at += plain.unwrap_or(bytes.len() - at);
                if at == bytes.len() {
                    break;
                }
            }
            self.state = self.after(bytes[at]);
            at += 1;
        }
        at
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self.state {
            State::Nonsense => Verdict::Nonsense,
            State::Value if self.open.is_empty() => Verdict::Empty,
            State::AfterValue if self.open.is_empty() && self.scalar => Verdict::WholeScalar,
            State::AfterValue if self.open.is_empty() => Verdict::Whole,
            State::Number(number) if self.open.is_empty() && number.can_end() => {
                Verdict::WholeScalar
            }
            _ => Verdict::Beginning,
        }
    }

    /// Whether a value has begun that is not whole, and these bytes can go on with it. They end no
    /// more than the innermost container.
    pub(crate) fn can_go_on_with(&self, bytes: &[u8]) -> bool {
        if self.verdict() != Verdict::Beginning {
            return false;
        }
        // What is around is not copied: it may be large, and is asked for again and again.
        let mut ahead = Self {
            open: self.open.innermost(),
            ..*self
        };
        ahead.feed(bytes);
        ahead.verdict() != Verdict::Nonsense
    }

    fn is_over(&self) -> bool {
        self.state == State::AfterValue && self.open.is_empty() && !self.scalar
    }

    fn after(&mut self, byte: u8) -> State {
        match self.state {
            State::Text(key) => match byte {
                b'"' if key => State::Colon,
                b'"' => State::AfterValue,
                b'\\' => State::Escape(key),
                ..0x20 => State::Nonsense,
                _ => State::Text(key),
            },
            State::Escape(key) => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::Text(key),
                b'u' => State::Hex(key, 4),
                _ => State::Nonsense,
            },
            State::Hex(key, left) => match (byte.is_ascii_hexdigit(), left) {
                (false, _) => State::Nonsense,
                (true, 1) => State::Text(key),
                (true, _) => State::Hex(key, left - 1),
            },
            State::Word([next, rest @ ..]) if byte == *next => {
                if rest.is_empty() {
                    State::AfterValue
                } else {
                    State::Word(rest)
                }
            }
            State::Word(_) | State::Nonsense => State::Nonsense,
            State::Number(number) => match number.after(byte) {
                Some(number) => State::Number(number),
                None if number.can_end() => {
                    self.state = State::AfterValue;
                    self.after(byte)
                }
                None => State::Nonsense,
            },
            state if is_white_space(byte) => state,
            State::FirstElement if byte == b']' => self.end(Container::Array),
            State::Value | State::FirstElement => self.begin_value(byte),
            State::FirstKey if byte == b'}' => self.end(Container::Object),
            State::FirstKey | State::Key if byte == b'"' => State::Text(true),
            State::Colon if byte == b':' => State::Value,
            State::AfterValue => match (byte, self.open.last()) {
                (b',', Some(Container::Array)) => State::Value,
                (b',', Some(Container::Object)) => State::Key,
                (b']', Some(Container::Array)) => self.end(Container::Array),
                (b'}', Some(Container::Object)) => self.end(Container::Object),
                _ => State::Nonsense,
            },
            State::FirstKey | State::Key | State::Colon => State::Nonsense,
        }
    }

    fn begin_value(&mut self, byte: u8) -> State {
        if self.open.is_empty() {
            self.scalar = !matches!(byte, b'{' | b'[' | b'"');
        }
        match byte {
            b'{' => self.begin(Container::Object, State::FirstKey),
            b'[' => self.begin(Container::Array, State::FirstElement),
            b'"' => State::Text(false),
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Integer),
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            _ => State::Nonsense,
        }
    }

    fn begin(&mut self, container: Container, next: State) -> State {
        self.open.push(container);
        next
    }

    fn end(&mut self, container: Container) -> State {
        let innermost = self.open.pop();
        debug_assert_eq!(
            innermost,
            Some(container),
            "an end is only looked for within its kind"
        );
        State::AfterValue
    }
}

impl Number {
    fn can_end(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits
        )
    }

    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Minus, b'0') => Some(Self::Zero),
            (Self::Minus, b'1'..=b'9') | (Self::Integer, b'0'..=b'9') => Some(Self::Integer),
            (Self::Zero | Self::Integer, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::ExponentSign),
            (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => {
                Some(Self::ExponentDigits)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn verdict(pieces: &[&str]) -> Verdict {
        let mut scanner = Scanner::new();
        for piece in pieces {
            scanner.feed(piece.as_bytes());
        }
        scanner.verdict()
    }

    #[test]
    fn values_are_told_from_beginnings_and_nonsense() {
        for (text, expected) in [
            ("", Verdict::Empty),
            (" \r\n", Verdict::Empty),
            ("{", Verdict::Beginning),
            ("{\"a\":1e", Verdict::Beginning),
            ("[1,", Verdict::Beginning),
            ("\"a\\u00", Verdict::Beginning),
            ("-", Verdict::Beginning),
            ("tru", Verdict::Beginning),
            ("{} ", Verdict::Whole),
            (" [[],{\"a\":[null,true]}]", Verdict::Whole),
            ("\"a\\\"b\"", Verdict::Whole),
            ("42", Verdict::WholeScalar),
            ("-0.5e+3 ", Verdict::WholeScalar),
            ("null", Verdict::WholeScalar),
            ("[DO", Verdict::Nonsense),
            ("{}x", Verdict::Nonsense),
            ("42 a", Verdict::Nonsense),
            ("{a", Verdict::Nonsense),
            ("[1,]", Verdict::Nonsense),
            ("{,", Verdict::Nonsense),
            ("01", Verdict::Nonsense),
            ("\"\n", Verdict::Nonsense),
            ("]", Verdict::Nonsense),
            ("[}", Verdict::Nonsense),
        ] {
            assert_eq!(verdict(&[text]), expected, "{text:?}");
        }
    }

    #[test]
    fn values_nest_as_deep_as_they_like() {
        for depth in [1, 127, 128, 1 << 20] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(verdict(&[&text]), Verdict::Whole, "{depth}");
            assert_eq!(verdict(&[&text, "]"]), Verdict::Nonsense, "{depth}");
            assert_eq!(
                verdict(&[&text[..text.len() - 1]]),
                Verdict::Beginning,
                "{depth}"
            );
        }
    }

    #[test]
    fn a_value_ends_with_its_last_bracket() {
        let mut scanner = Scanner::new();
        assert_eq!(scanner.feed_value(b" {\"a\":\"}\"}{\"b\":1}"), 10);
        assert_eq!(scanner.verdict(), Verdict::Whole);
    }

    #[test]
    fn a_value_goes_on_with_other_text_only_inside_of_a_string() {
        let mut scanner = Scanner::new();
        scanner.feed(b"{\"a\":\"see ");
        assert!(scanner.can_go_on_with(b"data:"));
        scanner.feed(b"this\"");
        assert!(!scanner.can_go_on_with(b"data:"));
        assert!(scanner.can_go_on_with(b"}"));
    }

    proptest! {
        /// serde_json is the judge: `is_eof` tells a beginning from nonsense. Left out are a number
        /// cut off after its sign, which it takes for nonsense, and `\\u` before other than digits,
        /// which it takes for a beginning.
        #[test]
        fn the_scanner_agrees_with_serde_json(text in r#"[ \[\]{},:"\\a0-9.eE+truflsn-]{0,24}"#, cut in 0usize..25) {
            if text.contains("\\u") || text.ends_with(['-', '+', '.', 'e', 'E']) {
                return Ok(());
            }
            let cut = cut.min(text.len());
            let expected = match serde_json::from_str::<IgnoredAny>(&text) {
                Ok(IgnoredAny) => "whole",
                Err(error) if error.is_eof() => "beginning",
                Err(_) => "nonsense",
            };
            let got = match verdict(&[&text[..cut], &text[cut..]]) {
                Verdict::Whole | Verdict::WholeScalar => "whole",
                Verdict::Empty | Verdict::Beginning => "beginning",
                Verdict::Nonsense => "nonsense",
            };
            prop_assert_eq!(got, expected, "{}", text);
        }
    }
}
