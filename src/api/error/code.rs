//! The codes of errors, each with its status.

use http::StatusCode;

/// An error's code in an answer, which fixes its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is not as it has to be.
    Validation,
    /// There are no credentials, or none that are accepted.
    Authentication,
    /// The credentials may not do this.
    Authorization,
    /// No such agent, path or runtime.
    NotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// The body is too large.
    PayloadTooLarge,
    /// A limit of ours.
    RateLimit,
    /// The agent cannot be reached now.
    ServiceUnavailable,
    /// A time ran out.
    Timeout,
    /// Anything else.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::Validation,
        Self::Authentication,
        Self::Authorization,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::RateLimit,
        Self::ServiceUnavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// The code as an answer has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "ValidationError",
            Self::Authentication => "AuthenticationError",
            Self::Authorization => "AuthorizationError",
            Self::NotFound => "NotFoundError",
            Self::MethodNotAllowed => "MethodNotAllowedError",
            Self::PayloadTooLarge => "PayloadTooLargeError",
            Self::RateLimit => "RateLimitError",
            Self::ServiceUnavailable => "ServiceUnavailableError",
            Self::Timeout => "TimeoutError",
            Self::Internal => "InternalError",
        }
    }

    /// The status of an answer with this code.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Validation => StatusCode::BAD_REQUEST,
            Self::Authentication => StatusCode::UNAUTHORIZED,
            Self::Authorization => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
