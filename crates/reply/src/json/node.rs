//! What a document keeps of a value: eight bytes.

/// One value, or one key, of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Where it begins in the text. The two highest bits say whether it is a string with escapes,
    /// and whether it is an array that holds an object somewhere inside.
    start: u32,
    /// Of an object or array, the number of the node that comes after all that is inside. Of a
    /// string, where its closing quote is in the text. Of all else, where it ends in the text.
    link: u32,
}

const ESCAPED: u32 = 1 << 31;
const HOLDS_OBJECT: u32 = 1 << 30;

/// Texts are shorter than this: two of an offset's 32 bits have another meaning.
pub(super) const MAX_TEXT_BYTES: usize = HOLDS_OBJECT as usize;

impl Node {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "both are below `MAX_TEXT_BYTES`, for which `Document` looks"
    )]
    pub(super) fn new(start: usize, link: usize, has_escapes: bool) -> Self {
        Self {
            start: start as u32 | if has_escapes { ESCAPED } else { 0 },
            link: link as u32,
        }
    }

    pub(super) fn start(self) -> usize {
        (self.start & !(ESCAPED | HOLDS_OBJECT)) as usize
    }

    pub(super) fn has_escapes(self) -> bool {
        self.start & ESCAPED != 0
    }

    pub(super) fn holds_object(self) -> bool {
        self.start & HOLDS_OBJECT != 0
    }

    pub(super) fn set_holds_object(&mut self) {
        self.start |= HOLDS_OBJECT;
    }

    pub(super) fn link(self) -> usize {
        self.link as usize
    }

    pub(super) fn set_link(&mut self, link: u32) {
        self.link = link;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_eight_bytes() {
        assert_eq!(size_of::<Node>(), 8);
    }
}
