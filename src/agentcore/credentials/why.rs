//! Why there are no credentials, in our words: a provider's own may quote what it was given.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;

/// What a link of the chain that is ours says of its failure.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Why(pub(super) &'static str);

impl From<Why> for CredentialsError {
    fn from(why: Why) -> Self {
        Self::provider_error(why)
    }
}

/// Why there are no credentials.
pub fn describe(error: &CredentialsError) -> &'static str {
    let ours = error.source().and_then(|source| source.downcast_ref());
    match (error, ours) {
        (_, Some(Why(why))) => why,
        (CredentialsError::CredentialsNotLoaded(_), _) => "no link of the chain has any",
        (CredentialsError::ProviderTimedOut(_), _) => "the provider did not answer in time",
        (CredentialsError::InvalidConfiguration(_), _) => {
            "the provider is not configured correctly"
        }
        (CredentialsError::ProviderError(_), _) => "the provider failed",
        _ => "the provider failed in an unforeseen way",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_own_words_are_not_told() {
        for error in [
            CredentialsError::not_loaded("MARKER"),
            CredentialsError::invalid_configuration("MARKER"),
            CredentialsError::provider_error("MARKER"),
            CredentialsError::unhandled("MARKER"),
        ] {
            assert!(!describe(&error).contains("MARKER"));
        }
        assert_eq!(describe(&Why("our words").into()), "our words");
    }
}
