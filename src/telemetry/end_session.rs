//! Log lines about sessions that callers end. They do not identify the caller.

use tracing::{error, info, warn};

use super::events;
use super::invocation::Told;
use super::log::{causes, is_ours};
use crate::agent::AgentId;
use crate::agentcore::end_session::EndSessionError;
use crate::agentcore::error::InvocationError;
use crate::session::SessionId;

/// Logs that a session was ended, or did not exist.
pub(crate) fn ended(agent: &AgentId, session: &SessionId, duration_ms: u64) {
    info!(
        message = events::SESSION_ENDED,
        agentId = agent.as_str(),
        sessionId = session.as_str(),
        durationMs = duration_ms
    );
}

/// Logs that a session could not be ended.
pub(crate) fn not_ended(
    agent: &AgentId,
    session: &SessionId,
    told: Told,
    failure: &EndSessionError,
) {
    let causes = causes(failure);
    // `tracing` needs the level at compile time, hence a macro.
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
