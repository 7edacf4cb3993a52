//! `POST /api/agents/invoke` and `POST /api/agents/invoke/stream`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};
use tokio::time::Instant;

use super::accept::wants_events;
use super::error::ApiError;
use super::request::{InvokeRequest, MAX_BODY_BYTES};
use super::response::{Metadata, OVERHEAD_BYTES, ReplyBody, fitting, json};
use super::stream::{Format, Streamed};
use super::{Context, RequestContext, Shared};
use crate::agent::Agent;
use crate::agentcore::error::InvocationError;
use crate::invocation::{Invocation, SessionId};
use crate::limits::Permit;
use crate::service::Shortfall;
use crate::telemetry;
use crate::trace::TraceHeaders;

/// The reply as JSON, or as a stream where the caller asks for one.
pub(super) async fn invoke(
    State(shared): State<Arc<Shared>>,
    Extension(context): Context,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let format = Format::named_in(request.uri().query())
        .or_else(|| wants_events(request.headers()).then_some(Format::Events));
    let turn = Turn::begin(&shared, context, request).await?;
    match format {
        Some(format) => turn.stream(format).await,
        None => turn.reply().await,
    }
}

/// The reply as a stream, whatever the caller says it accepts.
pub(super) async fn invoke_stream(
    State(shared): State<Arc<Shared>>,
    Extension(context): Context,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let format = Format::named_in(request.uri().query()).unwrap_or(Format::Events);
    Turn::begin(&shared, context, request)
        .await?
        .stream(format)
        .await
}

/// A valid request to an agent that is there.
struct Turn<'a> {
    shared: &'a Shared,
    context: Arc<RequestContext>,
    agent: &'a Agent,
    invocation: Invocation,
    /// The session as the caller sent it, to be told in an error.
    sent_session: Option<SessionId>,
    /// Its place among those at the same time, until the reply has ended.
    permit: Permit,
}

impl<'a> Turn<'a> {
    async fn begin(
        shared: &'a Shared,
        context: Arc<RequestContext>,
        request: Request<Body>,
    ) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|_| ApiError::payload_too_large(MAX_BODY_BYTES))?;
        let request = InvokeRequest::parse(&body, shared.settings.max_prompt_bytes)?;
        let sent_session = request.session.clone();

        let agent = shared.service.agents().find(&request.agent_id);
        let agent =
            agent.ok_or_else(|| ApiError::unknown_agent().in_session(sent_session.as_ref()))?;
        let permit = shared.limits.admit(&context.origin).map_err(|refused| {
            telemetry::invocation_refused(&context.request_id, &agent.id, refused);
            ApiError::too_much(refused.retry_after())
                .of_agent(&agent.id)
                .in_session(sent_session.as_ref())
        })?;
        let session = request.session.unwrap_or_else(SessionId::generate);
        let invocation = Invocation {
            prompt: request.prompt,
            runtime_session: shared.runtime_session(&context, agent, &session),
            session,
            trace: TraceHeaders::new(&parts.headers, context.xray.as_deref()),
        };
        telemetry::invocation_started(&context.request_id, &agent.id, &invocation);
        Ok(Self {
            shared,
            context,
            agent,
            invocation,
            sent_session,
            permit,
        })
    }

    async fn reply(self) -> Result<Response, ApiError> {
        let reply = self
            .shared
            .service
            .invoke_to_end(
                self.agent,
                &self.invocation,
                self.deadline(),
                self.max_reply_bytes(),
            )
            .await
            .map_err(|error| self.failed(&error))?;
        if let Some(Shortfall::Interrupted(error)) = &reply.shortfall {
            self.failed(error);
        }

        let text = fitting(&reply.text, self.context.limit.bytes() - OVERHEAD_BYTES);
        let incomplete = reply.shortfall.is_some() || text.len() < reply.text.len();
        let duration = self.context.elapsed_ms();
        let request_id = &self.context.request_id;
        telemetry::invocation_complete(request_id, duration, text.len(), incomplete);
        let body = ReplyBody {
            response: text,
            session_id: self.invocation.session.as_str(),
            metadata: Metadata {
                chunks: reply.chunks,
                duration,
            },
            incomplete,
        };
        Ok(json(StatusCode::OK, &body))
    }

    async fn stream(self, format: Format) -> Result<Response, ApiError> {
        let invoked = self
            .shared
            .service
            .invoke(self.agent, &self.invocation, self.deadline());
        let reply = invoked.await.map_err(|error| self.failed(&error))?;
        let max_reply_bytes = self.max_reply_bytes();
        let can_stream = self.context.can_stream;
        let streamed = Streamed {
            reply,
            format,
            agent: self.agent.id.clone(),
            session: self.invocation.session,
            sent_session: self.sent_session.is_some(),
            context: self.context,
            _permit: self.permit,
            chunks: 0,
            bytes: 0,
        };
        Ok(if can_stream {
            streamed.respond()
        } else {
            streamed.respond_whole(max_reply_bytes).await
        })
    }

    fn deadline(&self) -> Instant {
        self.context
            .deadline(self.shared.service.deadline(self.context.received))
    }

    /// How much of a reply is worth keeping where the answer is whole.
    fn max_reply_bytes(&self) -> usize {
        self.shared
            .settings
            .max_response_bytes
            .min(self.context.limit.bytes())
    }

    /// Logs a failure, and turns it into what the caller is told.
    fn failed(&self, error: &InvocationError) -> ApiError {
        let told = ApiError::from(error)
            .of_agent(&self.agent.id)
            .in_session(self.sent_session.as_ref());
        let code = told.code();
        let status = code.status().as_u16();
        telemetry::invocation_failed(&self.context.request_id, code.as_str(), status, error);
        told
    }
}
