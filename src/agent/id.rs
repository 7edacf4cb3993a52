//! What an agent is called.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// An agent's id as the API shows it: `ONBOARDING_AGENT_ARN` configures `onboarding`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(Arc<str>);

impl AgentId {
    /// Derives the id from the variable part of `<NAME>_AGENT_ARN`: lower case, `_` as `-`.
    ///
    /// Returns `None` for a name that is empty or not of `[A-Za-z0-9_]`: such a variable cannot
    /// be meant for this program.
    pub fn from_variable_name(name: &str) -> Option<Self> {
        let of_the_alphabet = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (!name.is_empty() && of_the_alphabet)
            .then(|| Self(name.to_ascii_lowercase().replace('_', "-").into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for people, for an agent that was given none: `mwc-east` becomes `Mwc East`.
    pub(super) fn display_name(&self) -> String {
        let words = self.0.split('-').filter(|word| !word.is_empty());
        let capitalised = words.map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        });
        capitalised.collect::<Vec<_>>().join(" ")
    }
}

/// Ids are found by their text.
impl Borrow<str> for AgentId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_variable_names() {
        let id = |name| AgentId::from_variable_name(name).map(|id| id.as_str().to_owned());
        assert_eq!(id("ONBOARDING"), Some("onboarding".to_owned()));
        assert_eq!(id("MWC_EU"), Some("mwc-eu".to_owned()));
        let shown = AgentId::from_variable_name("MWC_EU").map(|id| id.to_string());
        assert_eq!(shown.as_deref(), Some("mwc-eu"));
        assert_eq!(id(""), None);
        assert_eq!(id("É"), None);
    }
}
