//! What is known of a request beside what its caller wrote.

use std::time::Duration;

use tokio::time::Instant;

use super::dispatch::Shared;
use super::exposed_steps::ExposedSteps;
use super::limit::AnswerLimit;
use crate::agent::{Agent, RuntimeAuth};
use crate::caller::{BearerToken, Caller, Origin};
use crate::invocation::Visit;
use crate::session::SessionId;
use crate::telemetry::request::RequestIds;
use crate::trace::TraceHeaders;

/// Where a request comes from, and what its answer must keep to.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Identifies the request in answers and logs: Lambda's id for it.
    pub request_id: String,
    /// When the request came.
    pub received: Instant,
    /// When Lambda ends the process if there is no answer.
    pub lambda_deadline: Option<Instant>,
    /// Lambda's trace id.
    pub xray: Option<String>,
    /// The stage of the gateway's API, which may be the first segment of the path.
    pub stage: Option<String>,
    /// Who sent it, as far as the gateway tells.
    pub origin: Origin,
    /// How large an answer may be.
    pub limit: AnswerLimit,
    /// Whether a body can go out while it is made.
    pub can_stream: bool,
    /// What its caller may see of steps, where the settings do not say it.
    pub exposed_steps: Option<ExposedSteps>,
}

/// What a request leaves of Lambda's time, for the answer.
const LEFT_FOR_THE_ANSWER: Duration = Duration::from_secs(1);

impl RequestContext {
    /// The deadline, or the one that leaves a second of Lambda's time where that is earlier.
    pub(super) fn deadline(&self, deadline: Instant) -> Instant {
        let of_lambda = self.lambda_deadline.map(|deadline| {
            deadline
                .checked_sub(LEFT_FOR_THE_ANSWER)
                .unwrap_or(self.received)
        });
        of_lambda.map_or(deadline, |of_lambda| deadline.min(of_lambda))
    }
}

/// A request as its handler gets it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) context: RequestContext,
    /// Its bearer token, which is nobody's business but a runtime's that asks for it.
    pub(super) token: Option<BearerToken>,
    /// Its trace headers, already looked at.
    pub(super) trace: TraceHeaders,
    /// What lines of the log name it by.
    pub(super) ids: RequestIds,
}

impl Received {
    /// The caller's way into a session of an agent's.
    pub(super) fn visit(&self, shared: &Shared, agent: &Agent, session: SessionId) -> Visit {
        Visit {
            runtime_session: shared.runtime_session(&self.context, agent, &session),
            session,
            caller: self.context.origin.caller.as_ref().map(Caller::id),
            token: self.token_for(agent),
            trace: self.trace.clone(),
        }
    }

    /// The caller's token, where the agent's runtime asks for it.
    pub(super) fn token_for(&self, agent: &Agent) -> Option<BearerToken> {
        let runtime = agent.runtime.as_ref().ok()?;
        match runtime.auth {
            RuntimeAuth::SigV4 => None,
            RuntimeAuth::Caller => self.token.clone(),
        }
    }
}
