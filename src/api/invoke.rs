//! `POST /api/agents/invoke` and `POST /api/agents/invoke/stream`.

use super::ask::{Question, SentSession, ask, fields_of};
use super::body::Response;
use super::context::Received;
use super::dispatch::Shared;
use super::error::ApiError;
use super::format::FormatName;
use super::request::InvokeRequest;
use crate::invocation::Content;

/// Handles an invocation. The response is in the requested format.
pub(super) async fn invoke(
    shared: &Shared,
    received: &Received,
    body: &[u8],
    format: FormatName,
) -> Result<Response, ApiError> {
    ask(shared, received, question(shared, body, format)).await
}

/// Validates the request, and finds its agent.
fn question<'a>(
    shared: &'a Shared,
    body: &[u8],
    format: FormatName,
) -> Result<Question<'a>, ApiError> {
    let request = InvokeRequest::parse(body, shared.settings.max_prompt_bytes)?;
    let session = request.session.map(SentSession::from);
    let in_session =
        |error: ApiError| error.in_session(session.as_ref().map(|session| session.name.as_str()));
    let agent = shared.service.find(&request.agent_id);
    let agent = agent.ok_or_else(|| in_session(ApiError::unknown_agent()))?;
    let fields = fields_of(request.json, &agent.fields);
    let fields = fields.map_err(|error| in_session(error.of_agent(&agent.id)))?;
    let content = Content::Prompt {
        prompt: request.prompt,
        fields,
    };
    Ok(Question {
        agent,
        content,
        session,
        format,
    })
}
