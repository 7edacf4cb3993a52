//! The key pairs that the emulator accepts.

use std::fmt;

/// An access key that the emulator accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id, for instance `AKIAIOSFODNN7EXAMPLE`.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: String,
    /// The session token, which temporary credentials require and permanent ones must not have.
    pub session_token: Option<String>,
}

impl Credentials {
    /// The example keys of the AWS documentation, which an emulator accepts by default.
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
