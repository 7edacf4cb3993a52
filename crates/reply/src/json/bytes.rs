//! The bytes of JSON.

pub(super) fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How many bytes of a string come before a quote, a backslash or a control character. Eight bytes
/// at a time, since strings are most of what agents send.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    /// Has a high bit where a byte is zero, and perhaps in bytes above the first such one.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGH
    }
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, chunk) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')))
            | control;
        if found != 0 {
            return number * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let before = bytes.len() - rest.len();
    let plain = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
    before + plain.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_characters_are_counted_up_to_the_first_that_is_none() {
        for length in 0..40 {
            for stop in ["\"", "\\", "\n", "\0", "\u{1f}"] {
                let text = "é".repeat(length) + stop + "aaaaaaaaaaaa\"";
                assert_eq!(plain_length(text.as_bytes()), length * 2, "{text:?}");
            }
            let text = "\u{7f} ~".repeat(length);
            assert_eq!(plain_length(text.as_bytes()), text.len());
        }
    }
}
