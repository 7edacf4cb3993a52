//! The end of a session, by the data plane's
//! [`StopRuntimeSession`](https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StopRuntimeSession.html).

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::{HeaderName, Request, header};
use http_body_util::Full;
use tokio::time::Instant;
use uuid::Uuid;

use super::client::AgentCoreClient;
use super::credentials;
use super::error::{CredentialsFault, Failure, Timeout, refusal};
use super::sign::{Signer, SigningError, encode};
use super::until::Until;
use super::wire::endpoint::Endpoint;
use super::wire::rest::{self, Answer, RequestError};
use crate::agent::{Runtime, RuntimeArnError};
use crate::session::RuntimeSessionId;

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

impl From<RequestError> for EndSessionError {
    fn from(error: RequestError) -> Self {
        let failure = match &error {
            RequestError::Unreachable(_) => Failure::Unreachable,
            RequestError::Unanswered(_) => Failure::Lost,
            RequestError::Violation(_) => Failure::Violation,
        };
        Self::because(failure, error)
    }
}

impl From<SigningError> for EndSessionError {
    fn from(error: SigningError) -> Self {
        Self::because(Failure::Unsignable, error)
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
        runtime: &Runtime,
        session: &RuntimeSessionId,
        deadline: Instant,
    ) -> Result<(), EndSessionError> {
        let (now, time) = (Instant::now(), self.settings.timeouts.connect);
        Until::sooner(deadline, now, time, Timeout::Connect)
            .wait(self.stop_runtime_session(runtime, session))
            .await
            .unwrap_or_else(|timeout| Err(EndSessionError::new(timeout.into())))
    }

    async fn stop_runtime_session(
        &self,
        runtime: &Runtime,
        session: &RuntimeSessionId,
    ) -> Result<(), EndSessionError> {
        let credentials = self.credentials.get().await.map_err(|cause| {
            EndSessionError::because(Failure::NoCredentials, credentials::describe(&cause))
        })?;
        let endpoint = &self.settings.data_endpoint(&runtime.arn);
        let now = (self.now)();
        let signer = Signer {
            credentials: &credentials,
            region: runtime.arn.region(),
            time: now,
        };
        let request = request(runtime, session, endpoint, &signer)?;
        let answer = rest::send(&self.connector, endpoint, request).await?;
        if (200..300).contains(&answer.status) || is_unknown(&answer) {
            return Ok(());
        }
        let refusal = refusal::read(answer.status, &answer.headers, &answer.body, now);
        if refusal.fault == Some(CredentialsFault::Expired) {
            // Nothing is asked again, but whoever asks next has others.
            self.credentials.forget(&credentials);
        }
        Err(EndSessionError::new(Failure::Refused(refusal)))
    }
}

/// The request as the SDKs send it: they always make up a token.
fn request(
    runtime: &Runtime,
    session: &RuntimeSessionId,
    endpoint: &Endpoint,
    signer: &Signer<'_>,
) -> Result<Request<Full<Bytes>>, EndSessionError> {
    let mut target = format!(
        "{}/runtimes/{}/stopruntimesession",
        endpoint.path_prefix(),
        encode(runtime.arn.as_str())
    );
    if let Some(qualifier) = &runtime.qualifier {
        target = format!("{target}?qualifier={}", encode(qualifier));
    }
    let body = serde_json::json!({ "clientToken": Uuid::new_v4().to_string() });
    let body = Bytes::from(body.to_string());
    let mut request = Request::post(target)
        .header(SESSION_ID, session.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.clone()))
        .map_err(|cause| EndSessionError::because(Failure::Unsignable, cause))?;
    signer.headers(endpoint, &mut request, &body)?;
    Ok(request)
}

fn is_unknown(answer: &Answer) -> bool {
    let (headers, body) = (&answer.headers, &answer.body);
    answer.status == 404
        && (refusal::names(headers, body, UNKNOWN) || !refusal::has_type(headers, body))
}
