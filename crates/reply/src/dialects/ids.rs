//! Ids of messages and calls.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::json::Str;

/// An index for a call with an id, in a format that has no indices. It says that the call may
/// stream beside others; which one a piece belongs to is said by its id, so all may have the same
/// index.
pub(super) fn index_by(id: Option<Str<'_>>) -> Option<u64> {
    id.map(|_| 0)
}

fn number_of(id: Str<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.decode().hash(&mut hasher);
    hasher.finish()
}

/// The last few ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(VecDeque<u64>);

impl Ids {
    pub(super) const MAX: usize = 64;

    pub(super) fn insert(&mut self, id: Str<'_>) {
        self.remove(id);
        if self.0.len() == Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back(number_of(id));
    }

    pub(super) fn remove(&mut self, id: Str<'_>) {
        if !self.0.is_empty() {
            let id = number_of(id);
            self.0.retain(|known| *known != id);
        }
    }

    pub(super) fn has(&self, id: Str<'_>) -> bool {
        !self.0.is_empty() && self.0.contains(&number_of(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_id_is_forgotten_first() {
        let names: Vec<_> = (0..=Ids::MAX).map(|number| number.to_string()).collect();
        let mut ids = Ids::default();
        for name in &names {
            ids.insert(Str::plain(name));
        }
        assert!(!ids.has(Str::plain("0")));
        // What comes again is the newest.
        ids.insert(Str::plain("1"));
        ids.insert(Str::plain("0"));
        assert!(ids.has(Str::plain("1")));
        assert!(!ids.has(Str::plain("2")));
        ids.remove(Str::plain("1"));
        assert!(!ids.has(Str::plain("1")));
    }

    #[test]
    fn what_has_an_id_has_an_index() {
        assert_eq!(index_by(None), None);
        assert!(index_by(Some(Str::plain("c"))).is_some());
    }
}
