//! The objects and arrays that are open, at the price of a bit each: a message may be nothing but
//! opening brackets.

/// Which containers are open, the innermost last.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    /// A bit for each, set where it is an object. The innermost one has the lowest free bit.
    words: Vec<u64>,
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    Array,
}

impl Nesting {
    pub(super) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    pub(super) fn push(&mut self, container: Container) {
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if word == self.words.len() {
            self.words.push(0);
        }
        match container {
            Container::Object => self.words[word] |= bit,
            Container::Array => self.words[word] &= !bit,
        }
        self.depth += 1;
    }

    pub(super) fn last(&self) -> Option<Container> {
        let last = self.depth.checked_sub(1)?;
        let is_object = self.words[last / 64] & (1 << (last % 64)) != 0;
        Some(if is_object {
            Container::Object
        } else {
            Container::Array
        })
    }

    pub(super) fn pop(&mut self) -> Option<Container> {
        let last = self.last();
        self.depth = self.depth.saturating_sub(1);
        last
    }

    /// The innermost container alone, whatever is around it.
    pub(super) fn innermost(&self) -> Self {
        let mut alone = Self::default();
        if let Some(last) = self.last() {
            alone.push(last);
        }
        alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_popped_in_turn() {
        let kind = |place: usize| {
            if place.is_multiple_of(3) {
                Container::Object
            } else {
                Container::Array
            }
        };
        let mut nesting = Nesting::default();
        // Twice: a place that was left holds what is pushed there next.
        for turn in 0..2 {
            (0..200).for_each(|place| nesting.push(kind(place + turn)));
            let back = (0..200).rev().map(|place| Some(kind(place + turn)));
            assert!(back.eq((0..200).map(|_| nesting.pop())));
            assert!(nesting.is_empty() && nesting.pop().is_none());
        }
    }
}
