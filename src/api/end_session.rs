//! `DELETE /api/agents/{agentId}/sessions/{sessionId}`.

use http::StatusCode;

use super::body::{Body, Response};
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::route::decoded;
use crate::session::{SessionId, SessionIdError};
use crate::telemetry::end_session as log;
use crate::telemetry::invocation::to_ms;

/// Ends a session. This is exempt from the rate limits: it is cheap, and refusing it would keep a
/// session running that costs money.
pub(super) async fn end(
    shared: &Shared,
    received: &Received,
    agent: &str,
    session: &str,
) -> Result<Response, ApiError> {
    let context = &received.context;
    // An id that does not decode to UTF-8 cannot be an agent's.
    let agent = decoded(agent).ok_or_else(ApiError::unknown_agent)?;
    let session = decoded(session).ok_or(SessionIdError);
    let session = session.and_then(|session| SessionId::parse(&session));
    let session = session.map_err(|error| ApiError::validation(error.to_string()))?;
    let agent = shared.service.find(&agent);
    let agent =
        agent.ok_or_else(|| ApiError::unknown_agent().in_session(Some(session.as_str())))?;

    let runtime_session = shared.runtime_session(context, agent, &session);
    let deadline = context.deadline(shared.service.deadline(context.received));
    let ended = shared
        .service
        .end_session(agent, &runtime_session, received.token_for(agent), deadline)
        .await;
    if let Err(error) = ended {
        let answer = ApiError::from(&error.failure)
            .of_agent(&agent.id)
            .in_session(Some(session.as_str()));
        log::not_ended(&agent.id, &session, answer.told(), &error);
        return Err(answer);
    }
    log::ended(&agent.id, &session, to_ms(context.received.elapsed()));
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
