//! Whether an agent's runtime is there, by the control plane's `GetAgentRuntimeEndpoint`. It never
//! opens a session.

use std::error::Error;
use std::time::{Duration, SystemTime};

use http::Request;
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::client::AgentCoreClient;
use super::credentials;
use super::error::{Refusal, refusal};
use super::sign::{SERVICE, Signer, encode};
use super::wire::rest::{self, Answer};
use crate::agent::Runtime;

/// The endpoint of a runtime that every runtime has.
const DEFAULT_QUALIFIER: &str = "DEFAULT";

/// How long the control plane may take: what asks for a status waits for no agent.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known of an agent's runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeStatus {
    /// It takes invocations.
    Available,
    /// It does not: it is being made or unmade, has failed, or is not there.
    Unavailable,
    /// It could not be asked, or its answer is not known.
    Unknown,
}

/// What the control plane says of a runtime's endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It is in this state, such as `READY`.
    State(String),
    /// There is no such runtime, or no such endpoint of it.
    Missing,
    /// The control plane did not say.
    Refused(Refusal),
}

/// Why a status is unknown.
pub(super) type StatusError = Box<dyn Error + Send + Sync>;

impl RuntimeStatus {
    fn of(state: EndpointState) -> Result<Self, StatusError> {
        match state {
            EndpointState::State(state) => Ok(match state.as_str() {
                "READY" | "UPDATING" | "UPDATE_FAILED" => Self::Available,
                _ => Self::Unavailable,
            }),
            EndpointState::Missing => Ok(Self::Unavailable),
            EndpointState::Refused(refusal) => {
                let named = refusal.error_type.as_deref().unwrap_or("of no type");
                Err(format!("the control plane answered with {refusal} ({named})").into())
            }
        }
    }
}

impl AgentCoreClient {
    /// Asks the control plane for the state of a runtime's endpoint.
    ///
    /// # Errors
    /// Where there is no answer that says it, with the reason. The status is unknown then.
    pub async fn status(
        &self,
        runtime: &Runtime,
        deadline: Instant,
    ) -> Result<RuntimeStatus, Box<dyn Error + Send + Sync>> {
        RuntimeStatus::of(self.endpoint_state(runtime, deadline).await?)
    }

    /// The same in the control plane's own words.
    ///
    /// # Errors
    /// Where there is no answer, with the reason.
    pub async fn endpoint_state(
        &self,
        runtime: &Runtime,
        deadline: Instant,
    ) -> Result<EndpointState, Box<dyn Error + Send + Sync>> {
        let until = deadline.min(Instant::now() + STATUS_TIMEOUT);
        let answer = timeout_at(until, self.ask_control_plane(runtime)).await??;
        read(&answer, self.clock.now())
    }

    async fn ask_control_plane(&self, runtime: &Runtime) -> Result<Answer, StatusError> {
        let credentials = self.credentials.get().await;
        let credentials = credentials.map_err(|error| credentials::describe(&error))?;
        let endpoint = &self.settings.control_endpoint(&runtime.arn);
        let target = format!(
            "{}/runtimes/{}/runtime-endpoints/{}/",
            endpoint.path_prefix(),
            encode(runtime.arn.runtime_id()),
            encode(runtime.qualifier.as_deref().unwrap_or(DEFAULT_QUALIFIER)),
        );
        let mut request = Request::get(target).body(Full::default())?;
        let signer = Signer {
            service: SERVICE,
            credentials: &credentials,
            region: runtime.arn.region(),
            time: self.clock.now(),
        };
        signer.headers(endpoint, &mut request, &[])?;
        Ok(rest::send(&self.connector, endpoint, request).await?)
    }
}

fn read(answer: &Answer, now: SystemTime) -> Result<EndpointState, StatusError> {
    #[derive(Deserialize)]
    struct Body {
        status: String,
    }
    match answer.status {
        200 => {
            let Body { status } = serde_json::from_slice(&answer.body)
                .map_err(|_| "the control plane's answer has no status")?;
            Ok(EndpointState::State(status))
        }
        404 => Ok(EndpointState::Missing),
        status => {
            let refusal = refusal::read(status, &answer.headers, &answer.body, now);
            Ok(EndpointState::Refused(refusal))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn status(code: u16, body: &str) -> Option<RuntimeStatus> {
        let answer = Answer {
            status: code,
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        };
        let state = read(&answer, SystemTime::UNIX_EPOCH).ok()?;
        RuntimeStatus::of(state).ok()
    }

    #[test]
    fn states_of_the_service_are_ours() {
        use RuntimeStatus::{Available, Unavailable};
        for (state, expected) in [
            ("READY", Available),
            ("UPDATING", Available),
            ("UPDATE_FAILED", Available),
            ("CREATING", Unavailable),
            ("CREATE_FAILED", Unavailable),
            ("DELETING", Unavailable),
            ("DELETE_FAILED", Unavailable),
            ("SOMETHING_NEW", Unavailable),
        ] {
            let body = format!("{{\"status\":\"{state}\",\"liveVersion\":\"1\"}}");
            assert_eq!(status(200, &body), Some(expected), "{state}");
        }
        assert_eq!(status(404, "{}"), Some(Unavailable));
    }

    #[test]
    fn what_does_not_say_it_leaves_it_unknown() {
        for (code, body) in [
            (200, ""),
            (200, "{}"),
            (200, "[]"),
            (403, "{}"),
            (500, ""),
            (302, ""),
        ] {
            assert_eq!(status(code, body), None, "{code} {body}");
        }
    }
}
