//! Why a request is not let in.

use std::{error::Error, fmt};

/// The service's reasons to refuse a signature, each of which is an HTTP 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no signature at all.
    MissingAuthenticationToken,
    /// The named parameter is missing, there twice, or not of its form.
    IncompleteSignature(&'static str),
    /// The signature is not that of the request, or not valid at this time.
    InvalidSignature(&'static str),
    /// The access key, or the session token with it, is none that the service knows.
    UnrecognizedClient,
    /// The credentials themselves have expired.
    ExpiredToken,
}

impl Refusal {
    /// The service's name for it, as in the header `x-amzn-ErrorType`.
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
