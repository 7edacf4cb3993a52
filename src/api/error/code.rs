//! Error codes and their HTTP statuses.

use http::StatusCode;

/// The code of an error response, which determines its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is invalid.
    Validation,
    /// AWS credentials are missing or not accepted.
    Authentication,
    /// The AWS credentials do not permit the operation.
    Authorization,
    /// There is no such agent, path or runtime.
    NotFound,
    /// The path does not support the method.
    MethodNotAllowed,
    /// The request body is too large.
    PayloadTooLarge,
    /// The caller exceeds one of our limits.
    RateLimit,
    /// The agent cannot be reached at the moment.
    ServiceUnavailable,
    /// A timeout elapsed.
    Timeout,
    /// Any other error.
    Internal,
}

impl ErrorCode {
    /// All codes.
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

    /// The code as it is written in responses.
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

    /// The HTTP status of responses with this code.
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
