//! `POST /api/agents/invoke` and `POST /api/agents/invoke/stream`.

use tokio::time::Instant;

use super::answer::{streamed, whole};
use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::format::FormatName;
use super::reply_cache::{Key, Lookup};
use super::request::{InvokeRequest, MAX_BODY_BYTES};
use super::timing::with_timing;
use super::turn::{Timing, Turn};
use crate::agent::Agent;
use crate::invocation::Invocation;
use crate::session::SessionId;
use crate::telemetry;
use crate::telemetry::invocation::{InvocationIdentity, Told};

/// Handles an invocation. The response is in the requested format.
pub(super) async fn answer(
    shared: &Shared,
    received: &Received,
    body: &[u8],
    format: FormatName,
) -> Response {
    match begin(shared, received, body) {
        Ok((turn, agent, invocation)) => {
            reply(shared, received, turn, agent, invocation, format).await
        }
        Err(error) => {
            let Told { code, status } = error.told();
            telemetry::invocation_refused(code, status, error.message());
            let timing = Timing {
                total: Some(received.context.received.elapsed()),
                ..Timing::default()
            };
            with_timing(error.into_response(), timing)
        }
    }
}

/// Validates the request, finds its agent, checks the caller's limits, and begins the turn.
fn begin<'a>(
    shared: &'a Shared,
    received: &Received,
    body: &[u8],
) -> Result<(Turn, &'a Agent, Invocation), ApiError> {
    let context = &received.context;
    if body.len() > MAX_BODY_BYTES {
        return Err(ApiError::payload_too_large(MAX_BODY_BYTES));
    }
    let request = InvokeRequest::parse(body, shared.settings.max_prompt_bytes)?;
    let agent = shared.service.find(&request.agent_id);
    let agent =
        agent.ok_or_else(|| ApiError::unknown_agent().in_session(request.session.as_ref()))?;
    let fields = request.fields(&agent.fields).map_err(|error| {
        error
            .of_agent(&agent.id)
            .in_session(request.session.as_ref())
    })?;
    let sent_session = request.session;
    let permit = shared.limits.admit(&context.origin).map_err(|refused| {
        ApiError::refused(refused)
            .of_agent(&agent.id)
            .in_session(sent_session.as_ref())
    })?;
    let continues = sent_session.is_some();
    let session = sent_session.unwrap_or_else(SessionId::generate);
    let invocation = Invocation {
        prompt: request.prompt,
        fields,
        visit: received.visit(shared, agent, session.clone()),
    };
    let identity = InvocationIdentity {
        request: received.ids.clone(),
        agent: agent.id.clone(),
        session,
        caller: invocation.visit.caller.clone(),
        continues,
    };
    let prompt_bytes = invocation.prompt.as_str().len();
    let metrics = shared.metrics.clone();
    let turn = Turn::begin(identity, context.received, prompt_bytes, metrics, permit);
    Ok((turn, agent, invocation))
}

async fn reply(
    shared: &Shared,
    received: &Received,
    mut turn: Turn,
    agent: &Agent,
    invocation: Invocation,
    format: FormatName,
) -> Response {
    let context = &received.context;
    let is_streamed = context.can_stream && format.is_streamed();
    // A response that is not streamed cannot hold more of the reply than this.
    let max_reply_bytes = shared
        .settings
        .max_response_bytes
        .min(context.limit.bytes());
    let memory_bytes = if is_streamed {
        agentcore_reply::DEFAULT_MEMORY_BYTES
    } else {
        max_reply_bytes
    };
    let deadline: Instant = context.deadline(shared.service.deadline(context.received));
    let known = match &shared.replies {
        // Only first prompts are cached: in a running conversation the reply depends on what was
        // said before.
        Some(replies) if !turn.continues() => {
            let caller = context.origin.caller.as_ref();
            let key = Key::new(&agent.id, caller, &invocation);
            replies.look_up(key, deadline).await
        }
        _ => Lookup::Miss,
    };
    match known {
        Lookup::Hit(text) => turn.recall(text),
        Lookup::Lead(lead) => turn.share(lead),
        Lookup::Miss => {}
    }
    if !turn.has_reply() {
        let opened = turn.open(&shared.service, agent, &invocation, deadline, memory_bytes);
        if let Err(error) = opened.await {
            return with_timing(error.into_response(), turn.timing());
        }
    }
    // The prompt, which may be large, is not needed while the reply arrives.
    drop(invocation);
    let writer = format.writer(turn.session());
    if is_streamed {
        streamed(turn, writer)
    } else {
        whole(turn, writer, max_reply_bytes, context.limit).await
    }
}
