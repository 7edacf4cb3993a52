//! A piece of text that is too long to be told at once.

/// What is told at once, in bytes of UTF-8. A message of an agent may be a piece of 8 MiB, and each of
/// its characters six bytes as JSON: told at once, many such pieces take more memory than there is.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// What is left of a piece, and how much of it has been told.
#[derive(Debug)]
pub(super) struct LongPiece {
    text: String,
    told: usize,
}

impl LongPiece {
    /// Shortens a piece to what may be told at once, and gives it whole where that is less.
    pub(super) fn split_off(piece: &mut String) -> Option<Self> {
        if piece.len() <= MAX_PIECE_BYTES {
            return None;
        }
        let told = piece.floor_char_boundary(MAX_PIECE_BYTES);
        let first = piece[..told].to_owned();
        let text = std::mem::replace(piece, first);
        Some(Self { text, told })
    }

    /// The next part of what is left, if anything is.
    pub(super) fn next(left: &mut Option<Self>) -> Option<String> {
        let mut piece = left.take()?;
        let untold = &piece.text[piece.told..];
        let part = untold[..untold.floor_char_boundary(MAX_PIECE_BYTES)].to_owned();
        piece.told += part.len();
        if piece.told < piece.text.len() {
            *left = Some(piece);
        }
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(piece: &str) -> Vec<String> {
        let mut first = piece.to_owned();
        let mut left = LongPiece::split_off(&mut first);
        let mut parts = vec![first];
        while let Some(part) = LongPiece::next(&mut left) {
            parts.push(part);
        }
        parts
    }

    #[test]
    fn a_piece_is_parted_only_where_it_is_too_long() {
        for piece in [String::new(), "a".to_owned(), "a".repeat(MAX_PIECE_BYTES)] {
            assert_eq!(parts(&piece), [piece]);
        }
    }

    #[test]
    fn the_parts_are_the_piece_and_whole_characters() {
        for character in ["a", "é", "☃", "😀"] {
            for shift in 0..4 {
                let count = 3 * MAX_PIECE_BYTES / character.len() + shift;
                let piece = format!("{}{}", "x".repeat(shift), character.repeat(count));
                let parts = parts(&piece);
                assert_eq!(parts.concat(), piece);
                assert!(parts.iter().all(|part| part.len() <= MAX_PIECE_BYTES));
                assert!(parts.iter().all(|part| !part.is_empty()));
            }
        }
    }
}
