//! `POST /api/agents/invoke`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};

use super::error::ApiError;
use super::request::{InvokeRequest, MAX_BODY_BYTES};
use super::response::{Metadata, ReplyBody, fitting, json};
use super::{Context, RequestContext, Shared};
use crate::agent::Agent;
use crate::agentcore::error::InvocationError;
use crate::invocation::{Invocation, RuntimeSessionId, SessionId};
use crate::service::Shortfall;
use crate::telemetry;
use crate::trace::TraceHeaders;

pub(super) async fn invoke(
    State(shared): State<Arc<Shared>>,
    Extension(context): Context,
    request: Request<axum::body::Body>,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| ApiError::payload_too_large(MAX_BODY_BYTES))?;
    let request = InvokeRequest::parse(&body, shared.settings.max_prompt_bytes)?;
    let sent_session = request.session.clone();
    let refuse = |error: ApiError| error.in_session(sent_session.as_ref());

    let agent = shared.service.agents().find(&request.agent_id);
    let agent = agent.ok_or_else(|| refuse(ApiError::unknown_agent()))?;
    let invocation = invocation(request, &parts.headers, &context);
    let deadline = context.deadline(shared.service.deadline(context.received));
    let limit = shared
        .settings
        .max_response_bytes
        .min(context.limit.bytes());

    telemetry::invocation_started(&context.request_id, &agent.id, &invocation);
    let reply = shared
        .service
        .invoke_to_end(agent, &invocation, deadline, limit)
        .await;
    let reply = reply.map_err(|error| refuse(failed(&error, agent, &context)))?;
    if let Some(Shortfall::Interrupted(error)) = &reply.shortfall {
        failed(error, agent, &context);
    }

    let text = fitting(&reply.text, context.limit.bytes());
    let incomplete = reply.shortfall.is_some() || text.len() < reply.text.len();
    let duration = u64::try_from(context.received.elapsed().as_millis()).unwrap_or(u64::MAX);
    telemetry::invocation_complete(&context.request_id, duration, text.len(), incomplete);
    let body = ReplyBody {
        response: text,
        session_id: invocation.session.as_str(),
        metadata: Metadata {
            chunks: reply.chunks,
            duration,
        },
        incomplete,
    };
    Ok(json(StatusCode::OK, &body))
}

fn invocation(request: InvokeRequest, headers: &HeaderMap, context: &RequestContext) -> Invocation {
    let session = request.session.unwrap_or_else(SessionId::generate);
    Invocation {
        prompt: request.prompt,
        runtime_session: RuntimeSessionId::of(&session),
        session,
        trace: TraceHeaders::new(headers, context.xray.as_deref()),
    }
}

/// Logs a failure, and turns it into what the caller is told.
fn failed(error: &InvocationError, agent: &Agent, context: &RequestContext) -> ApiError {
    let told = ApiError::from(error).of_agent(&agent.id);
    telemetry::invocation_failed(&context.request_id, told.code(), error);
    told
}
