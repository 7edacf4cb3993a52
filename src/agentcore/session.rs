//! The end of a session, by the data plane's
//! [`StopRuntimeSession`](https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StopRuntimeSession.html).

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::credentials;
use super::endpoint::Endpoint;
use super::error::{CredentialsFault, Failure, Timeout};
use super::presign::{SERVICE, encode};
use super::refusal;
use super::rest::{Answer, Call, CallError};
use super::socket::Refused;
use super::{AgentCoreClient, Runtime};
use crate::agent::RuntimeArnError;
use crate::invocation::RuntimeSessionId;

const SESSION_ID: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-agentcore-runtime-session-id");

/// What the service answers, with status 404, where there is no such session.
const UNKNOWN: &str = "ResourceNotFoundException";

/// A session could not be ended, and may go on. What it says is for the log.
#[derive(Debug)]
pub struct EndSessionError {
    /// What went wrong.
    pub failure: Failure,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl EndSessionError {
    fn new(failure: Failure) -> Self {
        Self {
            failure,
            source: None,
        }
    }

    fn because(failure: Failure, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            failure,
            source: Some(source.into()),
        }
    }

    /// The session would be one of an agent whose configured ARN is none.
    pub(crate) fn malformed_arn(error: RuntimeArnError) -> Self {
        Self::because(Failure::MalformedArn, error)
    }
}

impl fmt::Display for EndSessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl Error for EndSessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<CallError> for EndSessionError {
    fn from(error: CallError) -> Self {
        let failure = match &error {
            CallError::Unsignable(_) => Failure::Unsignable,
            CallError::Unreachable(_) => Failure::Unreachable,
            CallError::Unanswered(_) => Failure::Lost,
            CallError::Violation(_) => Failure::Violation,
        };
        Self::because(failure, error)
    }
}

impl AgentCoreClient {
    /// Ends a session: its micro-VM goes, and with it what the agent remembers there. It is asked for
    /// once, in the time of one attempt to connect to an agent.
    ///
    /// A session that the service does not know is ended. It says so in the same words of a runtime
    /// and of an endpoint that it does not know, and these have no sessions either; so every 404 of
    /// that type, or of none, is success. A 404 of another type is not its word on a session.
    ///
    /// # Errors
    /// [`EndSessionError`] where the session may go on.
    pub async fn end_session(
        &self,
        runtime: Runtime<'_>,
        session: &RuntimeSessionId,
        deadline: Instant,
    ) -> Result<(), EndSessionError> {
        let until = deadline.min(Instant::now() + self.timeouts.connect);
        let timeout = if until == deadline {
            Timeout::Invocation
        } else {
            Timeout::Connect
        };
        timeout_at(until, self.stop_runtime_session(runtime, session))
            .await
            .unwrap_or_else(|_| Err(EndSessionError::new(Failure::Timeout(timeout))))
    }

    async fn stop_runtime_session(
        &self,
        runtime: Runtime<'_>,
        session: &RuntimeSessionId,
    ) -> Result<(), EndSessionError> {
        let credentials = self.credentials.get().await.map_err(|cause| {
            EndSessionError::because(Failure::NoCredentials, credentials::describe(&cause))
        })?;
        let public = Endpoint::public(SERVICE, runtime.arn);
        let call = call(runtime, session, self.endpoint.as_ref().unwrap_or(&public))?;
        let now = (self.now)();
        let answer = call.send(&self.connector, &credentials, now).await?;
        if (200..300).contains(&answer.status) || is_unknown(&answer) {
            return Ok(());
        }
        let refused = Refused {
            status: answer.status,
            headers: answer.headers,
            body: answer.body.to_vec(),
        };
        let refusal = refusal::read(&refused, now);
        if refusal.fault == Some(CredentialsFault::Expired) {
            // Nothing is asked again, but whoever asks next has others.
            self.credentials.forget(&credentials);
        }
        Err(EndSessionError::new(Failure::Refused(refusal)))
    }
}

/// The request as the SDKs send it: they always make up a token.
fn call<'a>(
    runtime: Runtime<'a>,
    session: &RuntimeSessionId,
    endpoint: &'a Endpoint,
) -> Result<Call<'a>, EndSessionError> {
    let mut target = format!(
        "/runtimes/{}/stopruntimesession",
        encode(runtime.arn.as_str())
    );
    if let Some(qualifier) = runtime.qualifier {
        target = format!("{target}?qualifier={}", encode(qualifier));
    }
    let session = HeaderValue::from_str(session.as_str())
        .map_err(|cause| EndSessionError::because(Failure::Unsignable, cause))?;
    let mut headers = HeaderMap::new();
    headers.insert(SESSION_ID, session);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let body = serde_json::json!({ "clientToken": Uuid::new_v4().to_string() });
    Ok(Call {
        method: Method::POST,
        endpoint,
        region: runtime.arn.region(),
        target,
        headers,
        body: Bytes::from(body.to_string()),
    })
}

fn is_unknown(answer: &Answer) -> bool {
    let (headers, body) = (&answer.headers, &answer.body);
    answer.status == 404
        && (refusal::names(headers, body, UNKNOWN) || !refusal::has_type(headers, body))
}
