//! `POST /api/agents/{agentId}/sessions`: a session whose micro-VM is started before there is a prompt.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::request::parse_session;
use super::response::json;
use crate::session::SessionId;
use crate::telemetry::end_session as log;

/// How long the runtime's answer is waited for. A start that takes longer goes on there.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody<'a> {
    session_id: &'a str,
    ready: bool,
}

/// Opens a socket to a session and closes it. It counts as a request of its caller's, and not as an
/// invocation.
pub(super) async fn prewarm(
    shared: &Shared,
    received: &Received,
    agent: &str,
    body: &[u8],
) -> Result<Response, ApiError> {
    let context = &received.context;
    let sent = parse_session(body)?;
    let agent = shared.agent(agent)?;
    let of_this = |error: ApiError| {
        error
            .of_agent(&agent.id)
            .in_session(sent.as_ref().map(SessionId::as_str))
    };
    let admitted = shared.limits.admit(&context.origin);
    let _permit = admitted.map_err(|refused| of_this(ApiError::refused(refused)))?;

    let session = sent.clone().unwrap_or_else(SessionId::generate);
    let visit = received.visit(shared, agent, session.clone());
    let deadline = context.deadline(Instant::now() + PATIENCE);
    let warmed = shared.service.prewarm(agent, &visit, deadline);
    let ready = match timeout_at(deadline, warmed).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) if error.is_timeout() => false,
        Ok(Err(error)) => {
            let answer = of_this(ApiError::from(&error.failure));
            log::not_prewarmed(&agent.id, &session, answer.told(), &error);
            return Err(answer);
        }
        Err(_) => false,
    };
    let status = if ready {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    let session_id = session.as_str();
    Ok(json(status, &SessionBody { session_id, ready }))
}
