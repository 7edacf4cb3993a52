//! A signed request of a service of AWS other than AgentCore, which all of them take as a `POST` of JSON.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use tokio::time::sleep;

use super::credentials::{self, CredentialsCache};
use super::error::{Refusal, refusal};
use super::sign::{Signer, SigningError};
use super::wire::Connector;
use super::wire::endpoint::Endpoint;
use super::wire::rest::{self, Answer, RequestError};

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedPost<'a> {
    /// The service, as signatures name it.
    pub(super) service: &'static str,
    pub(super) region: &'a str,
    pub(super) endpoint: &'a Endpoint,
    /// Path and query, behind the endpoint's prefix.
    pub(super) path: &'a str,
    /// The operation, where it is in a header and not in the path.
    pub(super) operation: Option<&'static str>,
    pub(super) body: &'a Bytes,
}

/// Why there was no answer, or another than success.
#[derive(Debug)]
pub(super) enum PostError {
    NoCredentials(Arc<CredentialsError>),
    Unsignable(SigningError),
    Unanswered(RequestError),
    Refused(Box<Refusal>),
}

impl SignedPost<'_> {
    /// Asks once. `time` is what the request is signed by.
    ///
    /// # Errors
    /// [`PostError`] where the answer is not a 200.
    pub(super) async fn send(
        self,
        credentials: &CredentialsCache,
        connector: &Connector,
        time: SystemTime,
    ) -> Result<Answer, PostError> {
        let credentials = credentials.get().await;
        let credentials = credentials.map_err(PostError::NoCredentials)?;
        let signer = Signer {
            service: self.service,
            credentials: &credentials,
            region: self.region,
            time,
        };
        let request = self.request(&signer).map_err(PostError::Unsignable)?;
        let answer = rest::send(connector, self.endpoint, request).await;
        let answer = answer.map_err(PostError::Unanswered)?;
        if answer.status == 200 {
            return Ok(answer);
        }
        let refusal = refusal::read(answer.status, &answer.headers, &answer.body, time);
        Err(PostError::Refused(refusal.into()))
    }

    fn request(self, signer: &Signer<'_>) -> Result<Request<Full<Bytes>>, SigningError> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        let target = format!("{}{}", self.endpoint.path_prefix(), self.path);
        let unsignable = |error: http::uri::InvalidUri| SigningError::new(error);
        *request.uri_mut() = target.parse().map_err(unsignable)?;
        let headers = request.headers_mut();
        let kind = match self.operation {
            Some(operation) => {
                headers.insert("x-amz-target", HeaderValue::from_static(operation));
                "application/x-amz-json-1.1"
            }
            None => "application/json",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        signer.headers(self.endpoint, &mut request, self.body)?;
        Ok(request)
    }
}

/// How often a request is made at the most, and how long is waited before the next time.
#[derive(Debug)]
pub(super) struct Patience {
    attempts_left: u32,
    delay: Duration,
}

impl Patience {
    pub(super) fn new(attempts: u32, first_delay: Duration) -> Self {
        Self {
            attempts_left: attempts - 1,
            delay: first_delay,
        }
    }

    /// Waits before another attempt, longer each time; false where there is none.
    pub(super) async fn wait(&mut self) -> bool {
        if self.attempts_left == 0 {
            return false;
        }
        self.attempts_left -= 1;
        sleep(self.delay.mul_f64(f64::midpoint(1.0, rand::random()))).await;
        self.delay *= 2;
        true
    }
}

impl PostError {
    /// Whether the same request may succeed in a moment. Lambda says 409 of a version that is not ready.
    pub(super) fn may_pass(&self) -> bool {
        const THROTTLED: [&str; 3] = ["Throttl", "TooManyRequests", "RequestLimitExceeded"];
        match self {
            Self::Unanswered(error) => !matches!(error, RequestError::Violation(_)),
            Self::Refused(refusal) => {
                let named = refusal.error_type.as_deref().unwrap_or_default();
                matches!(refusal.status, 409 | 429 | 500..=599)
                    || THROTTLED.iter().any(|name| named.starts_with(name))
            }
            Self::NoCredentials(_) | Self::Unsignable(_) => false,
        }
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials(error) => {
                let why = credentials::describe(error);
                write!(f, "no AWS credentials could be had: {why}")
            }
            Self::Unsignable(error) => error.fmt(f),
            Self::Unanswered(error) => error.fmt(f),
            Self::Refused(refusal) => {
                write!(f, "the service answered with {refusal}")?;
                match &refusal.error_type {
                    Some(name) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for PostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unsignable(error) => error.source(),
            Self::Unanswered(error) => error.source(),
            Self::NoCredentials(_) | Self::Refused(_) => None,
        }
    }
}
