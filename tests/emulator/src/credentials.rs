//! The key pairs that the emulator accepts.

use std::fmt;

/// An access key, as the emulator knows it to check signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half, for instance `AKIAIOSFODNN7EXAMPLE`.
    pub access_key_id: String,
    /// The half that signs.
    pub secret_access_key: String,
    /// The token that must come with temporary credentials, and must not come without them.
    pub session_token: Option<String>,
}

impl Credentials {
    /// The key pair of the AWS documentation's examples, which an emulator accepts by default.
    #[must_use]
    pub fn example() -> Self {
        Self {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_secret() {
        let credentials = Credentials {
            session_token: Some("TOKEN".into()),
            ..Credentials::example()
        };
        let debug = format!("{credentials:?}");
        assert!(debug.contains("AKIAIOSFODNN7EXAMPLE"));
        assert!(!debug.contains("EXAMPLEKEY") && !debug.contains("TOKEN"));
    }
}
