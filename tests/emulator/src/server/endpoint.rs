//! `GetAgentRuntimeEndpoint` of the control plane: describes an agent's endpoint.

use std::io;

use serde_json::json;
use tokio::net::TcpStream;

use super::{
    admission::{self, unknown_endpoint, unknown_runtime},
    request::{self, Request},
    respond,
    response::Response,
};
use crate::{Ended, observation::Entry, state::State};

/// The creation time of every endpoint.
const CREATED_AT: &str = "2025-07-16T12:00:00Z";

pub(super) async fn serve(
    stream: &mut TcpStream,
    request: &Request,
    runtime_id: &str,
    name: &str,
    state: &State,
    entry: &Entry,
) -> io::Result<Ended> {
    let body = request::read_body(stream, request).await?;
    let response =
        describe(request, &body, runtime_id, name, state).unwrap_or_else(|refusal| refusal);
    respond(stream, &response, entry).await
}

/// A control plane belongs to a region. On loopback only the signature shows which one, and
/// runtimes of other regions do not exist there.
fn describe(
    request: &Request,
    body: &[u8],
    runtime_id: &str,
    name: &str,
    state: &State,
) -> Result<Response, Response> {
    let regions = state.regions();
    let regions = regions.iter().map(String::as_str);
    let region = admission::authorize(request, body, regions, state)?;
    let (arn, agent) = state
        .runtime(region, runtime_id)
        .ok_or_else(unknown_runtime)?;
    if !agent.has_endpoint(name) {
        return Err(unknown_endpoint());
    }
    Ok(Response::json(&json!({
        "status": agent.endpoint_status,
        "agentRuntimeArn": arn,
        "agentRuntimeEndpointArn": format!("{arn}/runtime-endpoint/{name}"),
        "name": name,
        // The service's form: a name, a hyphen, and ten letters or digits.
        "id": format!("{name}-0123456789"),
        "liveVersion": "1",
        "createdAt": CREATED_AT,
        "lastUpdatedAt": CREATED_AT,
    })))
}
