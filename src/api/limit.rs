//! The size limit of a response. Lambda gets the body as a JSON string inside of JSON, so its
//! characters are escaped, which takes more bytes.

/// Reserved for everything but the body: status, headers, ids.
const OVERHEAD_BYTES: usize = 16_000;

/// Who limits the size of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLimit {
    /// Lambda itself: 6 MB.
    Lambda,
    /// An Application Load Balancer: 1 MB.
    LoadBalancer,
}

impl AnswerLimit {
    /// The limit in bytes, headers included.
    pub fn bytes(self) -> usize {
        match self {
            Self::Lambda => 6_000_000,
            Self::LoadBalancer => 1_000_000,
        }
    }
}

/// Tracks how much of the limit is left while a body is written.
pub(super) struct Budget {
    limit: usize,
    /// The length of the body that has been measured, and how many bytes it takes when escaped.
    measured: usize,
    taken: usize,
    escapes_line_separators: bool,
}

impl Budget {
    /// Of a body in a format that escapes U+0085, U+2028 and U+2029, or does not.
    pub(super) fn new(limit: AnswerLimit, escapes_line_separators: bool) -> Self {
        Self {
            escapes_line_separators,
            limit: limit.bytes() - OVERHEAD_BYTES,
            measured: 0,
            taken: 0,
        }
    }

    /// Returns as much of a chunk as fits behind the body. `frame` is the number of escaped bytes
    /// that the format adds to a chunk.
    pub(super) fn fitting<'t>(&mut self, piece: &'t str, frame: usize, body: &[u8]) -> &'t str {
        // Most of the time it fits even in the worst case, and nothing needs to be measured. The
        // body is already JSON, so escaping it doubles its size at most; a character of the new
        // text takes seven bytes at most.
        let at_most = 2 * (body.len() - self.measured) + frame + 7 * piece.len();
        if self.taken + at_most <= self.limit {
            return piece;
        }
        let left = self.left(body).saturating_sub(frame);
        self.cut(piece, left)
    }

    /// Whether texts that are not cut fit behind the body. `frame` is the number of escaped bytes that
    /// the format adds to them at the most.
    pub(super) fn holds(&mut self, texts: &[&str], frame: usize, body: &[u8]) -> bool {
        let mut left = self.left(body).saturating_sub(frame);
        texts.iter().all(|text| {
            let bytes: usize = text.chars().map(|c| self.bytes_of(c)).sum();
            let fits = bytes <= left;
            left = left.saturating_sub(bytes);
            fits
        })
    }

    /// As much of a text as fits behind the body in the event that says it; `None` where the event does
    /// not fit without it. `frame` is the number of escaped bytes around the event at the most.
    pub(super) fn fitting_event<'t>(
        &mut self,
        event: &str,
        text: &'t str,
        frame: usize,
        body: &[u8],
    ) -> Option<&'t str> {
        let is_separator = |c: &char| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
        // Escaped, each takes seven bytes in place of two or three.
        let separators = event.chars().filter(is_separator).count();
        let event = bytes_escaped_once(event.as_bytes()) + 5 * separators;
        let around = event.saturating_sub(text.chars().map(|c| self.bytes_of(c)).sum());
        let left = self.left(body).checked_sub(frame + around)?;
        Some(self.cut(text, left))
    }

    /// How many bytes are left behind the body.
    fn left(&mut self, body: &[u8]) -> usize {
        self.taken += bytes_escaped_once(&body[self.measured..]);
        self.measured = body.len();
        self.limit.saturating_sub(self.taken)
    }

    /// As much of a text as fits into this many bytes, cut at a character boundary.
    ///
    /// The text is escaped twice: as a string in the body's JSON, and with the body in Lambda's JSON.
    /// A quotation mark takes four bytes.
    fn cut<'t>(&self, text: &'t str, bytes: usize) -> &'t str {
        let mut room = bytes;
        for (at, c) in text.char_indices() {
            let bytes = self.bytes_of(c);
            if bytes > room {
                return &text[..at];
            }
            room -= bytes;
        }
        text
    }

    fn bytes_of(&self, c: char) -> usize {
        match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' if self.escapes_line_separators => 7,
            c => bytes_escaped_twice(c),
        }
    }
}

/// The size of a text when it is escaped as part of a JSON string.
fn bytes_escaped_once(text: &[u8]) -> usize {
    let bytes = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | b'\x08' | b'\x0c' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.iter().map(bytes).sum()
}

fn bytes_escaped_twice(c: char) -> usize {
    match c {
        '"' | '\\' => 4,
        '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 3,
        '\0'..='\u{1f}' => 7,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped_twice(text: &str) -> String {
        let once = serde_json::to_string(text).unwrap();
        serde_json::to_string(&once).unwrap()
    }

    #[test]
    fn a_text_is_cut_only_where_it_exceeds_the_limit() {
        let budget = Budget::new(AnswerLimit::Lambda, false);
        for (text, bytes, expected) in [
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("aé", 2, "a"),
            ("\"\"", 7, "\""),
            ("abc", 0, ""),
            ("\u{2028}", 3, "\u{2028}"),
        ] {
            assert_eq!(budget.cut(text, bytes), expected, "{text:?}");
        }
        let escaping = Budget::new(AnswerLimit::Lambda, true);
        assert_eq!(escaping.cut("a\u{2028}", 7), "a");
        assert_eq!(escaping.cut("a\u{2028}", 8), "a\u{2028}");
    }

    fn budget(limit: usize) -> Budget {
        Budget {
            limit,
            measured: 0,
            taken: 0,
            escapes_line_separators: false,
        }
    }

    #[test]
    fn a_frame_and_the_body_before_it_take_of_what_is_left() {
        // Escaped, the body takes three bytes, the frame three, and seven letters as many.
        let piece = "abcdefgh";
        assert_eq!(budget(13).fitting(piece, 3, b"a\""), "abcdefg");
        assert_eq!(budget(14).fitting(piece, 3, b"a\""), piece);
        assert_eq!(budget(2).fitting(piece, 3, b""), "");
    }

    #[test]
    fn what_fits_in_the_worst_case_is_not_measured() {
        let mut budget = budget(100);
        let body = [b'x'; 60];
        assert!(budget.holds(&[], 0, &body[..40]));
        assert_eq!(budget.measured, 40);
        assert_eq!(budget.fitting("ab", 6, &body), "ab");
        assert_eq!(budget.measured, 40, "40 + 2 * 20 + 6 + 7 * 2 are 100");
        assert_eq!(budget.fitting("ab", 7, &body), "ab");
        assert_eq!(budget.measured, 60);
    }

    #[test]
    fn texts_that_are_not_cut_fit_together_or_not_at_all() {
        // Three bytes of the body, one of the frame, two and four of the texts.
        let holds = |limit, frame| budget(limit).holds(&["ab", "\""], frame, b"a\"");
        assert!(holds(10, 1));
        assert!(!holds(9, 1));
        assert!(!holds(10, 2));
        assert!(!budget(3).holds(&["a"], 5, b""));
        assert!(budget(3).holds(&[], 5, b""));
    }

    #[test]
    fn an_event_fits_with_its_text_or_with_less_of_it() {
        // Fourteen characters, four of them quotation marks: 16 bytes around the text, and three of a frame.
        let event = r#"{"delta":"ab"}"#;
        for (limit, kept) in [
            (21, Some("ab")),
            (20, Some("a")),
            (19, Some("")),
            (18, None),
        ] {
            assert_eq!(
                budget(limit).fitting_event(event, "ab", 3, b""),
                kept,
                "{limit}"
            );
        }
        // Each separator may take seven bytes in place of its three; eight are counted.
        for (limit, kept) in [(16, Some("")), (15, None)] {
            let event = "\u{2028}\u{2029}";
            assert_eq!(
                budget(limit).fitting_event(event, "", 0, b""),
                kept,
                "{limit}"
            );
        }
        let mut behind = budget(24);
        assert_eq!(behind.fitting_event(event, "ab", 3, b"abc"), Some("ab"));
        assert_eq!(behind.fitting_event(event, "ab", 3, b"abcd"), Some("a"));
    }

    /// Against `serde_json`, as below, and each of the characters that are escaped in a way of their own.
    #[test]
    fn the_size_of_each_character_is_that_of_serde_json() {
        for c in ('\0'..='\u{ff}').chain(['\u{2028}', '\u{2029}', '\u{fffd}', '😀']) {
            let text = c.to_string();
            let once = serde_json::to_string(&text).unwrap();
            assert_eq!(bytes_escaped_once(text.as_bytes()) + 2, once.len(), "{c:?}");
            assert_eq!(
                bytes_escaped_twice(c) + 6,
                escaped_twice(&text).len(),
                "{c:?}"
            );
        }
    }

    proptest! {
        /// Checked against serde_json. The quotation marks around both strings are not counted.
        #[test]
        fn computed_sizes_equal_those_of_serde_json(text in any::<String>()) {
            let bytes: usize = text.chars().map(bytes_escaped_twice).sum();
            prop_assert_eq!(bytes + 6, escaped_twice(&text).len());
            let once = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(bytes_escaped_once(text.as_bytes()) + 2, once.len());
        }

        /// The shortcut without measuring must not admit more than measuring would.
        #[test]
        fn a_body_never_exceeds_the_limit(
            pieces in prop::collection::vec("[a\"\n\u{1}é]{1,40}", 1..40),
            limit in 0_usize..2_000,
        ) {
            let mut budget = budget(limit);
            let mut body = Vec::new();
            for piece in &pieces {
                let kept = budget.fitting(piece, 0, &body);
                let once = serde_json::to_string(kept).unwrap();
                body.extend_from_slice(&once.as_bytes()[1..once.len() - 1]);
                prop_assert!(bytes_escaped_once(&body) <= limit);
                if kept.len() < piece.len() {
                    let next = piece[kept.len()..].chars().next().unwrap();
                    let taken = bytes_escaped_once(&body) + bytes_escaped_twice(next);
                    prop_assert!(taken > limit, "the next character would have fitted");
                    break;
                }
            }
        }
    }
}
