//! How large an answer may be as Lambda gets it: the body is a JSON string within JSON.

/// What an answer holds beside its body: status, headers, ids.
const OVERHEAD_BYTES: usize = 16_000;

/// The limit of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLimit {
    /// Lambda's own, 6 MB.
    Lambda,
    /// That of an Application Load Balancer, 1 MB.
    LoadBalancer,
}

impl AnswerLimit {
    /// The limit in bytes, headers and all.
    pub fn bytes(self) -> usize {
        match self {
            Self::Lambda => 6_000_000,
            Self::LoadBalancer => 1_000_000,
        }
    }
}

/// What is left of an answer's limit while its body is written.
pub(super) struct Room {
    limit: usize,
    /// So much of the body has been measured, and takes so much.
    measured: usize,
    taken: usize,
}

impl Room {
    pub(super) fn new(limit: AnswerLimit) -> Self {
        Self {
            limit: limit.bytes() - OVERHEAD_BYTES,
            measured: 0,
            taken: 0,
        }
    }

    /// As much of a piece as fits behind the body, in a frame of so many bytes.
    pub(super) fn fitting<'t>(&mut self, piece: &'t str, frame: usize, body: &[u8]) -> &'t str {
        // Nearly always there is room whatever is in it, and nothing need be measured: what is written
        // is JSON, in which a byte takes two at the most, and no character of a text more than seven.
        let at_most = 2 * (body.len() - self.measured) + frame + 7 * piece.len();
        if self.taken + at_most <= self.limit {
            return piece;
        }
        self.taken += bytes_escaped_once(&body[self.measured..]);
        self.measured = body.len();
        let left = self.limit.saturating_sub(self.taken + frame);
        fitting(piece, left)
    }
}

/// As much of a text as fits into so many bytes, cut at a character's boundary.
///
/// The text is a JSON string in the body, which is a JSON string in what Lambda gets: a quotation
/// mark takes four bytes there.
fn fitting(text: &str, bytes: usize) -> &str {
    let mut room = bytes;
    for (at, c) in text.char_indices() {
        let bytes = bytes_escaped_twice(c);
        if bytes > room {
            return &text[..at];
        }
        room -= bytes;
    }
    text
}

/// What a text takes as part of a JSON string.
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
    fn what_fits_is_not_cut() {
        assert_eq!(fitting("abc", 3), "abc");
        assert_eq!(fitting("abc", 2), "ab");
        assert_eq!(fitting("aé", 2), "a");
        assert_eq!(fitting("\"\"", 7), "\"");
        assert_eq!(fitting("abc", 0), "");
    }

    proptest! {
        /// serde_json is the judge. Quotation marks around each of the two strings are apart.
        #[test]
        fn a_texts_size_is_what_it_takes(text in any::<String>()) {
            let bytes: usize = text.chars().map(bytes_escaped_twice).sum();
            prop_assert_eq!(bytes + 6, escaped_twice(&text).len());
            let once = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(bytes_escaped_once(text.as_bytes()) + 2, once.len());
        }

        /// The quick way, by which nothing is measured, lets in what measuring would.
        #[test]
        fn what_is_written_never_takes_more_than_the_limit(
            pieces in prop::collection::vec("[a\"\n\u{1}é]{1,40}", 1..40),
            limit in 0_usize..2_000,
        ) {
            let mut room = Room { limit, measured: 0, taken: 0 };
            let mut body = Vec::new();
            for piece in &pieces {
                let kept = room.fitting(piece, 0, &body);
                let once = serde_json::to_string(kept).unwrap();
                body.extend_from_slice(&once.as_bytes()[1..once.len() - 1]);
                prop_assert!(bytes_escaped_once(&body) <= limit);
                if kept.len() < piece.len() {
                    let next = piece[kept.len()..].chars().next().unwrap();
                    let taken = bytes_escaped_once(&body) + bytes_escaped_twice(next);
                    prop_assert!(taken > limit, "it would have fitted");
                    break;
                }
            }
        }
    }
}
