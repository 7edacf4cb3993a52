//! JSON responses.

use std::time::SystemTime;

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::body::{Response, whole};
use crate::agent::{Agent, AgentId};
use crate::agentcore::status::RuntimeStatus;
use crate::service::AgentStatus;
use crate::telemetry;

pub(super) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Creates a response with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Structs of strings and numbers always serialize.
    let body = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, APPLICATION_JSON);
    response
}

#[derive(Serialize)]
pub(super) struct HealthBody {
    pub(super) status: &'static str,
    pub(super) version: &'static str,
    /// What it was built from, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct AgentsBody<'a> {
    pub(super) agents: Vec<AgentBody<'a>>,
}

/// An agent as callers see it: without its ARN and account.
#[derive(Serialize)]
pub(super) struct AgentBody<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
}

impl<'a> From<&'a Agent> for AgentBody<'a> {
    fn from(agent: &'a Agent) -> Self {
        let runtime = agent.runtime.as_ref().ok();
        Self {
            id: agent.id.as_str(),
            name: &agent.display_name,
            description: agent.description.as_deref(),
            configured: agent.runtime.is_ok(),
            region: runtime.map(|runtime| runtime.arn.region()),
        }
    }
}

/// The status of an agent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusBody<'a> {
    agent_id: &'a str,
    status: &'static str,
    /// RFC 3339.
    checked_at: String,
}

impl<'a> StatusBody<'a> {
    pub(super) fn new(agent: &'a AgentId, status: AgentStatus, now: fn() -> SystemTime) -> Self {
        let (status, at) = match status {
            AgentStatus::NotConfigured => ("not_configured", now()),
            AgentStatus::Checked(checked) => {
                let status = match checked.status {
                    RuntimeStatus::Available => "available",
                    RuntimeStatus::Unavailable => "unavailable",
                    RuntimeStatus::Unknown => "unknown",
                };
                (status, checked.at)
            }
        };
        Self {
            agent_id: agent.as_str(),
            status,
            checked_at: telemetry::timestamp(at),
        }
    }
}
