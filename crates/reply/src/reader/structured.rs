//! Structured output: a reply that is one JSON object or array, in which no dialect finds text.

use crate::json::{Kind, Value};

/// Whether the reply so far is one value that no dialect recognises, and its JSON.
#[derive(Debug, Default)]
pub(super) enum Structured {
    #[default]
    NothingCame,
    One(String),
    No,
}

impl Structured {
    /// A value came that no dialect recognises, and this is its text as it came.
    pub(super) fn unread_came(&mut self, value: Value<'_>, text: &str) {
        let is_container = matches!(value.kind(), Kind::Object | Kind::Array);
        *self = match self {
            Self::NothingCame if is_container => Self::One(text.to_owned()),
            _ => Self::No,
        };
    }

    /// Something else came.
    pub(super) fn something_came(&mut self) {
        *self = Self::No;
    }

    /// Whether the reply would be a value, if it were over.
    pub(super) fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// The value, once the reply is over.
    pub(super) fn take(&mut self) -> Option<String> {
        match std::mem::replace(self, Self::No) {
            Self::One(text) => Some(text),
            Self::NothingCame | Self::No => None,
        }
    }
}
