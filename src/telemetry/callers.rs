//! What is said of callers' limits and of the sessions that they end. Neither says who they are.

use tracing::{error, info, warn};

use super::causes;
use crate::agent::AgentId;
use crate::agentcore::session::EndSessionError;
use crate::invocation::SessionId;
use crate::limits::Refused;

/// An invocation may not begin.
pub(crate) fn invocation_refused(request_id: &str, agent: &AgentId, refused: Refused) {
    info!(
        requestId = request_id,
        agentId = agent.as_str(),
        limit = refused.limit(),
        retryAfterMs = u64::try_from(refused.retry_after().as_millis()).unwrap_or(u64::MAX),
        "agent invocation refused"
    );
}

/// A session was ended, or was not there.
pub(crate) fn session_ended(request_id: &str, agent: &AgentId, session: &SessionId, ms: u64) {
    info!(
        requestId = request_id,
        agentId = agent.as_str(),
        sessionId = session.as_str(),
        durationMs = ms,
        "session ended"
    );
}

/// A session could not be ended.
pub(crate) fn end_session_failed(
    request_id: &str,
    agent: &AgentId,
    session: &SessionId,
    code: &'static str,
    status: u16,
    failure: &EndSessionError,
) {
    let causes = causes(failure);
    // A line's level must be known when it is compiled.
    macro_rules! line {
        ($level:ident) => {
            $level!(
                requestId = request_id,
                agentId = agent.as_str(),
                sessionId = session.as_str(),
                errorCode = code,
                status,
                causes,
                "ending the session failed"
            )
        };
    }
    match status {
        500 => line!(error),
        400 => line!(info),
        _ => line!(warn),
    }
}
