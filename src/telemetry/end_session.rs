//! What is said of sessions that callers end. It does not say who they are.

use tracing::{error, info, warn};

use super::events;
use super::invocation::Told;
use super::log::{causes, is_ours};
use crate::agent::AgentId;
use crate::agentcore::end_session::EndSessionError;
use crate::agentcore::error::InvocationError;
use crate::session::SessionId;

/// A session was ended, or was not there.
pub(crate) fn ended(agent: &AgentId, session: &SessionId, duration_ms: u64) {
    info!(
        message = events::SESSION_ENDED,
        agentId = agent.as_str(),
        sessionId = session.as_str(),
        durationMs = duration_ms
    );
}

/// A session could not be ended.
pub(crate) fn not_ended(
    agent: &AgentId,
    session: &SessionId,
    told: Told,
    failure: &EndSessionError,
) {
    let causes = causes(failure);
    // A line's level must be known when it is compiled.
    macro_rules! line {
        ($level:ident) => {
            $level!(
                message = events::SESSION_NOT_ENDED,
                agentId = agent.as_str(),
                sessionId = session.as_str(),
                errorCode = told.code,
                status = told.status,
                causes
            )
        };
    }
    if is_ours(&failure.failure) {
        line!(error);
    } else {
        line!(warn);
    }
}

/// A session's micro-VM could not be started before there is a prompt.
pub(crate) fn not_prewarmed(
    agent: &AgentId,
    session: &SessionId,
    told: Told,
    failure: &InvocationError,
) {
    let causes = causes(failure);
    warn!(
        message = events::NOT_PREWARMED,
        agentId = agent.as_str(),
        sessionId = session.as_str(),
        errorCode = told.code,
        status = told.status,
        causes
    );
}
