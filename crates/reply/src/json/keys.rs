//! Sets of keys, in a word of memory: what most dialects ask of an object is a key that it has not.

/// A set of keys that says "perhaps" or "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys(u64);

impl Keys {
    pub(super) const NONE: Self = Self(0);
    /// Every key, and none.
    pub(crate) const ANY: Self = Self(u64::MAX);

    pub(crate) const fn of(keys: &[&str]) -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < keys.len() {
            set = set.with(keys[at].as_bytes());
            at += 1;
        }
        set
    }

    pub(super) const fn with(self, key: &[u8]) -> Self {
        Self(self.0 | Self::bit(key))
    }

    /// Whether the key may be in the set; where this is false, it is not.
    #[inline]
    pub(super) fn may_hold(self, key: &str) -> bool {
        // A key that the text writes with escapes has another bit and is not found. No encoder
        // escapes the letters of which the keys here are made.
        self.0 & Self::bit(key.as_bytes()) != 0
    }

    /// Whether the sets may have a key in common; where this is false, they have none.
    pub(super) fn may_meet(self, other: Self) -> bool {
        other == Self::ANY || self.0 & other.0 != 0
    }

    #[inline]
    const fn bit(key: &[u8]) -> u64 {
        if key.is_empty() {
            return 1;
        }
        let first = key[0] as usize;
        let last = key[key.len() - 1] as usize;
        let middle = key[key.len() / 2] as usize;
        1 << ((first * 5 + last * 11 + middle * 3 + key.len()) % 64)
    }
}
