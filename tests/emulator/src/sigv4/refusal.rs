//! Why a signature is refused.

use std::{error::Error, fmt};

/// The service's reasons for refusing a signature, each an HTTP 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no signature at all.
    MissingAuthenticationToken,
    /// The named parameter is missing, repeated or malformed.
    IncompleteSignature(&'static str),
    /// The signature does not match the request, or is not valid at this time.
    InvalidSignature(&'static str),
    /// The access key or its session token is unknown to the service.
    UnrecognizedClient,
    /// The credentials have expired.
    ExpiredToken,
}

impl Refusal {
    /// The service's error type, as in the header `x-amzn-ErrorType`.
    #[must_use]
    pub fn error_type(self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature(_) => "IncompleteSignatureException",
            Self::InvalidSignature(_) => "InvalidSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingAuthenticationToken => f.write_str("Missing Authentication Token"),
            Self::IncompleteSignature(parameter) => {
                write!(f, "The parameter {parameter} is missing or malformed.")
            }
            Self::InvalidSignature(reason) => write!(f, "The signature is refused: {reason}."),
            Self::UnrecognizedClient => {
                f.write_str("The security token included in the request is invalid.")
            }
            Self::ExpiredToken => {
                f.write_str("The security token included in the request is expired")
            }
        }
    }
}

impl Error for Refusal {}
