//! `GET /api/agents`, `GET /api/agents/{agentId}`, `…/status` and `GET /health`.

use http::StatusCode;

use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::response::{AgentBody, AgentsBody, HealthBody, StatusBody, json};

pub(super) fn list(shared: &Shared) -> Response {
    let agents = shared.service.agents().iter();
    let agents = agents.map(AgentBody::from).collect();
    json(StatusCode::OK, &AgentsBody { agents })
}

pub(super) fn show(shared: &Shared, agent: &str) -> Result<Response, ApiError> {
    let agent = shared.agent(agent)?;
    Ok(json(StatusCode::OK, &AgentBody::from(agent)))
}

pub(super) async fn show_status(
    shared: &Shared,
    received: &Received,
    agent: &str,
) -> Result<Response, ApiError> {
    let agent = shared.agent(agent)?;
    let context = &received.context;
    let deadline = context.deadline(shared.service.deadline(context.received));
    let status = shared.service.status(agent, deadline).await;
    let body = StatusBody::new(&agent.id, status, shared.now);
    Ok(json(StatusCode::OK, &body))
}

pub(super) fn health() -> Response {
    let body = HealthBody {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("AGENTCORE_BRIDGE_COMMIT"),
    };
    json(StatusCode::OK, &body)
}
