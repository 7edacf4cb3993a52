//! Log lines about addresses of agents that callers are given. An address is a credential: no line
//! holds it.

use tracing::{info, warn};

use super::events;
use super::invocation::Told;
use super::log::causes;
use crate::agent::AgentId;
use crate::agentcore::error::InvocationError;
use crate::caller::CallerId;
use crate::session::SessionId;

/// Logs that a caller was given an address.
pub(crate) fn handed_out(agent: &AgentId, session: &SessionId, caller: Option<&CallerId>) {
    info!(
        message = events::HANDED_OUT,
        agentId = agent.as_str(),
        sessionId = session.as_str(),
        callerId = caller.map(CallerId::as_str)
    );
}

/// Logs that there was none to give.
pub(crate) fn not_handed_out(
    agent: &AgentId,
    session: &SessionId,
    told: Told,
    failure: &InvocationError,
) {
    let causes = causes(failure);
    warn!(
        message = events::NOT_HANDED_OUT,
        agentId = agent.as_str(),
        sessionId = session.as_str(),
        errorCode = told.code,
        status = told.status,
        causes
    );
}
