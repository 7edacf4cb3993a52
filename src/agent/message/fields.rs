//! What of a request goes into a message as it came.

use std::fmt;

/// Fields of a request as they came: the members of a JSON object. `Debug` does not show them: they
/// are as private as a prompt.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RequestFields(String);

impl RequestFields {
    /// Takes members that are known to be JSON.
    pub(in crate::agent) fn of_members(members: String) -> Self {
        Self(members)
    }

    /// The members with commas between them, without braces around.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for RequestFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestFields({} bytes)", self.0.len())
    }
}
