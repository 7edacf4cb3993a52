//! `POST /api/agents/{agentId}/connections`: a signed address of an agent's WebSocket, for a caller
//! that speaks to it directly, such as by voice.

use std::time::SystemTime;

use http::StatusCode;
use serde::Serialize;

use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::request::parse_session;
use super::response::json;
use crate::agent::{Agent, Connections, RuntimeAuth};
use crate::session::SessionId;
use crate::telemetry::{self, connection as log};

/// Whoever has the URL speaks to the agent past every limit of this API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionBody<'a> {
    url: &'a str,
    session_id: &'a str,
    /// RFC 3339.
    expires_at: String,
}

/// Hands out an address. It counts as a request of its caller's, and not as an invocation.
pub(super) async fn hand_out(
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
    if !may_hand_out(agent) {
        return Err(of_this(ApiError::no_connections()));
    }
    let admitted = shared.limits.admit(&context.origin);
    let _permit = admitted.map_err(|refused| of_this(ApiError::refused(refused)))?;

    let session = sent.clone().unwrap_or_else(SessionId::generate);
    let visit = received.visit(shared, agent, session.clone());
    let deadline = context.deadline(shared.service.deadline(context.received));
    let handed_out = shared.service.connection(agent, &visit, deadline).await;
    let connection = handed_out.map_err(|error| {
        let answer = of_this(ApiError::from(&error.failure));
        log::not_handed_out(&agent.id, &session, answer.told(), &error);
        answer
    })?;
    log::handed_out(&agent.id, &session, visit.caller.as_ref());
    let expires_at: SystemTime = connection.expires_at;
    let url = connection.url.to_url();
    Ok(json(
        StatusCode::CREATED,
        &ConnectionBody {
            url: &url,
            session_id: session.as_str(),
            expires_at: telemetry::timestamp(expires_at),
        },
    ))
}

/// Whether the operator lets callers have addresses of their own. Where the runtime asks for the
/// caller's token there is nothing of ours to sign.
fn may_hand_out(agent: &Agent) -> bool {
    let takes_tokens = matches!(&agent.runtime, Ok(runtime) if runtime.auth == RuntimeAuth::Caller);
    agent.connections == Connections::Presigned && !takes_tokens
}
