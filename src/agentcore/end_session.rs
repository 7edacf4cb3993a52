//! The end of a session, by the data plane's
//! [`StopRuntimeSession`](https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StopRuntimeSession.html).

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tokio::time::Instant;
use uuid::Uuid;

use super::client::AgentCoreClient;
use super::credentials;
use super::error::{CredentialsFault, Failure, Timeout, refusal};
use super::sign::{SERVICE, SESSION_ID, Signer, SigningError, encode};
use super::until::Until;
use super::wire::endpoint::Endpoint;
use super::wire::rest::{self, Answer, RequestError};
use crate::agent::{Runtime, RuntimeArnError, RuntimeAuth};
use crate::caller::BearerToken;
use crate::session::RuntimeSessionId;

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
    /// It is asked for by the caller's own token where the runtime takes nothing else.
    ///
    /// # Errors
    /// [`EndSessionError`] where the session may go on.
    pub async fn end_session(
        &self,
        runtime: &Runtime,
        session: &RuntimeSessionId,
        token: Option<BearerToken>,
        deadline: Instant,
    ) -> Result<(), EndSessionError> {
        let (now, time) = (Instant::now(), self.settings.timeouts.connect);
        Until::sooner(deadline, now, time, Timeout::Connect)
            .wait(self.stop_runtime_session(runtime, session, token))
            .await
            .unwrap_or_else(|timeout| Err(EndSessionError::new(timeout.into())))
    }

    async fn stop_runtime_session(
        &self,
        runtime: &Runtime,
        session: &RuntimeSessionId,
        token: Option<BearerToken>,
    ) -> Result<(), EndSessionError> {
        let endpoint = &self.settings.data_endpoint(&runtime.arn);
        let (mut request, body) = request(runtime, session, endpoint)?;
        let mut ours = None;
        match runtime.auth {
            RuntimeAuth::SigV4 => {
                let credentials = self.credentials.get().await.map_err(|cause| {
                    EndSessionError::because(Failure::NoCredentials, credentials::describe(&cause))
                })?;
                let signer = Signer {
                    service: SERVICE,
                    credentials: &credentials,
                    region: runtime.arn.region(),
                    time: self.clock.now(),
                };
                signer.headers(endpoint, &mut request, &body)?;
                ours = Some(credentials);
            }
            RuntimeAuth::Caller => {
                let token = token.ok_or_else(|| EndSessionError::new(Failure::NoToken))?;
                pass_on(&token, endpoint, &mut request)?;
            }
        }
        let answer = rest::send(&self.connector, endpoint, request).await?;
        if (200..300).contains(&answer.status) || is_unknown(&answer) {
            if let Some(pool) = &self.pool {
                pool.forget(runtime, session);
            }
            return Ok(());
        }
        let refusal = refusal::read(
            answer.status,
            &answer.headers,
            &answer.body,
            self.clock.now(),
        );
        let refusal = refusal.by(runtime.auth);
        // Nothing is asked again, but whoever asks next has other credentials, or the right time.
        if refusal.fault == Some(CredentialsFault::Expired)
            && let Some(credentials) = &ours
        {
            self.credentials.forget(credentials);
        }
        if let Some(time) = refusal.right_time() {
            self.clock.correct(time);
        }
        Err(EndSessionError::new(Failure::Refused(refusal.into())))
    }
}

fn pass_on(
    token: &BearerToken,
    endpoint: &Endpoint,
    request: &mut Request<Full<Bytes>>,
) -> Result<(), EndSessionError> {
    let host = HeaderValue::from_str(endpoint.authority())
        .map_err(|cause| EndSessionError::because(Failure::Unsignable, cause))?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::AUTHORIZATION, token.authorization());
    Ok(())
}

/// The request as the SDKs send it, but for the leave to make it, and its body: they always make up
/// a token.
fn request(
    runtime: &Runtime,
    session: &RuntimeSessionId,
    endpoint: &Endpoint,
) -> Result<(Request<Full<Bytes>>, Bytes), EndSessionError> {
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
    let request = Request::post(target)
        .header(SESSION_ID, session.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.clone()))
        .map_err(|cause| EndSessionError::because(Failure::Unsignable, cause))?;
    Ok((request, body))
}

fn is_unknown(answer: &Answer) -> bool {
    let (headers, body) = (&answer.headers, &answer.body);
    answer.status == 404
        && (refusal::names(headers, body, UNKNOWN) || !refusal::has_type(headers, body))
}
