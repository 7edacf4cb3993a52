//! A mark or none for each byte of a text, at the price of a bit.

/// Which bytes are marked.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<u64>);

impl Marks {
    pub(super) fn set(&mut self, at: usize) {
        let word = at / 64;
        if word >= self.0.len() {
            // A few at once: a short text is marked often and grows word by word.
            self.0.resize((word + 1).next_multiple_of(16), 0);
        }
        self.0[word] |= 1 << (at % 64);
    }

    pub(super) fn is_set(&self, at: usize) -> bool {
        let word = self.0.get(at / 64);
        word.is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
