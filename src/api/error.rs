//! Turns errors into responses. This is the only place that chooses a status and what a caller is
//! told.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderValue, Method, header};
use serde::Serialize;

use super::body::Response;
use super::response::json;
use super::timing::with_timing;
use super::turn::Timing;
use crate::agent::AgentId;
use crate::agentcore::error::{Failure, InvocationError, Phase, Refusal, RefusalKind};
use crate::limits::LimitExceeded;
use crate::telemetry::invocation::Told;

mod code;

pub use code::ErrorCode;

/// An error as the caller sees it. It contains no text of AWS or of the agent, only what is written
/// here.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    agent: Option<String>,
    session: Option<String>,
    phase: Option<Phase>,
    /// An invocation was aborted in an unknown phase, so the agent may have run.
    may_have_run: bool,
    retry_after: Option<Duration>,
    /// Boxed: an error is moved often, and few have one.
    timing: Option<Box<Timing>>,
    /// The methods that the path supports, if the request's method is not one of them.
    allowed: &'static [Method],
}

impl ApiError {
    fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            agent: None,
            session: None,
            phase: None,
            may_have_run: false,
            retry_after: None,
            timing: None,
            allowed: &[],
        }
    }

    /// The request is invalid.
    pub(crate) fn validation(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    pub(super) fn payload_too_large(max_bytes: usize) -> Self {
        let message = format!("the request body is larger than {max_bytes} bytes");
        Self::new(ErrorCode::PayloadTooLarge, message)
    }

    pub(super) fn unknown_agent() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "there is no agent of this id; GET /api/agents lists them",
        )
    }

    pub(super) fn unknown_model() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "there is no agent of this id; GET /v1/models lists them as models",
        )
    }

    /// Callers may have no address of their own to the agent.
    pub(super) fn no_connections() -> Self {
        Self::new(
            ErrorCode::Authorization,
            "the agent is not open to connections of a caller's own",
        )
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing at this path")
    }

    pub(super) fn method_not_allowed(allowed: &'static [Method]) -> Self {
        Self {
            allowed,
            ..Self::new(
                ErrorCode::MethodNotAllowed,
                "this path has other methods; see the Allow header",
            )
        }
    }

    /// The names of methods, joined by a separator.
    pub(super) fn join_methods(methods: &[Method], separator: &str) -> String {
        let names: Vec<_> = methods.iter().map(Method::as_str).collect();
        names.join(separator)
    }

    /// The caller exceeds a limit. Carries the time to wait.
    pub(super) fn refused(refused: LimitExceeded) -> Self {
        Self {
            retry_after: Some(refused.retry_after()),
            ..Self::new(ErrorCode::RateLimit, refused.to_string())
        }
    }

    /// The event could not be read as a request.
    pub(crate) fn unreadable() -> Self {
        Self::validation("the event could not be read as an HTTP request")
    }

    pub(crate) fn panicked() -> Self {
        Self::new(ErrorCode::Internal, "something went wrong on our side")
    }

    /// The process is shutting down. The agent may have been asked already, so the error is not
    /// retryable.
    pub(crate) fn stopping() -> Self {
        Self {
            may_have_run: true,
            ..Self::new(
                ErrorCode::ServiceUnavailable,
                "the service is being stopped; whether the agent was asked is not known",
            )
        }
    }

    /// Adds the session that the caller sent.
    #[must_use]
    pub(super) fn in_session(mut self, session: Option<&str>) -> Self {
        self.session = session.map(str::to_owned);
        self
    }

    /// Adds how long what there was of an invocation took.
    #[must_use]
    pub(super) fn timed(mut self, timing: Timing) -> Self {
        self.timing = Some(Box::new(timing));
        self
    }

    /// Adds the agent that was found.
    #[must_use]
    pub(super) fn of_agent(mut self, agent: &AgentId) -> Self {
        self.agent = Some(agent.as_str().to_owned());
        self
    }

    /// The message for people.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The error code and the status, for the log.
    pub(super) fn told(&self) -> Told {
        Told {
            code: self.code.as_str(),
            status: self.code.status().as_u16(),
        }
    }

    /// The session that the caller sent.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The code that identifies the error.
    pub(super) fn code(&self) -> ErrorCode {
        self.code
    }

    /// Whether repeating the request cannot run the agent twice.
    pub(super) fn is_retryable(&self) -> bool {
        match self.code {
            ErrorCode::RateLimit => true,
            ErrorCode::ServiceUnavailable | ErrorCode::Timeout => {
                !self.may_have_run && self.phase.is_none_or(Phase::is_before_send)
            }
            _ => false,
        }
    }

    /// The body of the response, as JSON.
    pub(crate) fn to_body(&self) -> String {
        // A struct of strings and numbers always serializes.
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    /// The body of the response, before serialization.
    pub(super) fn body(&self) -> ErrorBody<'_> {
        ErrorBody {
            error: self.code.as_str(),
            message: &self.message,
            details: Details {
                agent_id: self.agent.as_deref(),
                session_id: self.session.as_deref(),
                retryable: self.is_retryable(),
                retry_after: self.retry_after_seconds(),
                phase: self.phase.map(Phase::as_str),
            },
        }
    }

    /// Converts the error into its response.
    pub(super) fn into_response(self) -> Response {
        self.response_of(&self.body())
    }

    /// The response to the error, with a body in the form of the request's own language.
    pub(super) fn response_of(&self, body: &impl Serialize) -> Response {
        let mut response = json(self.code.status(), body);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if !self.allowed.is_empty()
            && let Ok(allowed) = HeaderValue::from_str(&Self::join_methods(self.allowed, ", "))
        {
            headers.insert(header::ALLOW, allowed);
        }
        match &self.timing {
            Some(timing) => with_timing(response, **timing),
            None => response,
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        let delay = self.retry_after?;
        Some(
            delay
                .as_secs()
                .saturating_add(u64::from(delay.subsec_nanos() > 0)),
        )
    }
}

impl From<&InvocationError> for ApiError {
    fn from(error: &InvocationError) -> Self {
        Self {
            phase: Some(error.phase),
            ..Self::from(&error.failure)
        }
    }
}

/// A failure outside of an invocation has no phase.
impl From<&Failure> for ApiError {
    fn from(failure: &Failure) -> Self {
        let (code, message) = match failure {
            Failure::MalformedArn => (
                ErrorCode::Validation,
                "the agent is not configured correctly",
            ),
            Failure::NoCredentials => {
                (ErrorCode::Authentication, "no AWS credentials could be had")
            }
            Failure::NoToken => (
                ErrorCode::Authentication,
                "the agent wants a bearer token of the caller in the Authorization header",
            ),
            Failure::Timeout(_) => (ErrorCode::Timeout, "the agent did not answer in time"),
            Failure::Refused(refusal) => refused(refusal),
            Failure::Unreachable => (
                ErrorCode::ServiceUnavailable,
                "the agent's service could not be reached",
            ),
            Failure::Lost => (
                ErrorCode::ServiceUnavailable,
                "the connection to the agent was lost",
            ),
            Failure::AgentError => (ErrorCode::Internal, "the agent reported an error"),
            Failure::Violation => (
                ErrorCode::Internal,
                "the agent's answer could not be understood",
            ),
            Failure::Unsignable => (ErrorCode::Internal, "something went wrong on our side"),
        };
        let retry_after = match failure {
            Failure::Refused(refusal) if code == ErrorCode::ServiceUnavailable => {
                refusal.retry_after
            }
            _ => None,
        };
        Self {
            retry_after,
            ..Self::new(code, message)
        }
    }
}

fn refused(refusal: &Refusal) -> (ErrorCode, &'static str) {
    match refusal.kind() {
        RefusalKind::Malformed => (
            ErrorCode::Validation,
            "the agent's service did not accept the request",
        ),
        RefusalKind::Credentials if refusal.of_token => (
            ErrorCode::Authentication,
            "the agent's service did not accept the bearer token",
        ),
        RefusalKind::Credentials => (
            ErrorCode::Authentication,
            "the AWS credentials are invalid or have expired",
        ),
        RefusalKind::Denied => (ErrorCode::Authorization, "access to the agent is denied"),
        RefusalKind::NotFound => (ErrorCode::NotFound, "the agent's runtime does not exist"),
        RefusalKind::Unavailable => (
            ErrorCode::ServiceUnavailable,
            "the agent is not available at the moment",
        ),
        RefusalKind::Unexpected => (
            ErrorCode::Internal,
            "the agent's service gave an answer that makes no sense",
        ),
    }
}

#[derive(Serialize)]
pub(super) struct ErrorBody<'a> {
    error: &'static str,
    message: &'a str,
    details: Details<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16) -> Refusal {
        Refusal {
            status,
            ..Refusal::default()
        }
    }

    #[test]
    fn the_status_of_a_refused_handshake_maps_to_ours() {
        for (status, expected) in [
            (200, 500),
            (302, 500),
            (400, 400),
            (401, 401),
            (402, 503),
            (403, 403),
            (404, 404),
            (405, 500),
            (409, 503),
            (418, 500),
            (424, 503),
            (429, 503),
            (500, 503),
            (503, 503),
            (599, 503),
        ] {
            let (code, _) = refused(&refusal(status));
            assert_eq!(code.status().as_u16(), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_is_rounded_up_and_set_for_a_503_only() {
        let after = |status, milliseconds| {
            let retry_after = Some(Duration::from_millis(milliseconds));
            let refusal = Refusal {
                retry_after,
                ..refusal(status)
            };
            let failure = Failure::Refused(refusal.into());
            let error = InvocationError::new(Phase::Handshake, failure);
            ApiError::from(&error).retry_after_seconds()
        };
        assert_eq!(after(429, 1_001), Some(2));
        assert_eq!(after(503, 3_000), Some(3));
        assert_eq!(after(503, 0), Some(0));
        assert_eq!(after(403, 3_000), None);
    }

    #[test]
    fn only_errors_before_the_prompt_was_sent_are_retryable() {
        for (failure, phase, expected) in [
            (Failure::Unreachable, Phase::Connect, true),
            (Failure::Lost, Phase::Handshake, true),
            (Failure::Lost, Phase::Send, false),
            (Failure::Lost, Phase::FirstChunk, false),
            (
                Failure::Refused(refusal(503).into()),
                Phase::Handshake,
                true,
            ),
            (
                Failure::Refused(refusal(403).into()),
                Phase::Handshake,
                false,
            ),
            (Failure::NoCredentials, Phase::Credentials, false),
        ] {
            let error = InvocationError::new(phase, failure);
            assert_eq!(ApiError::from(&error).is_retryable(), expected, "{error:?}");
        }
    }
}
