//! `POST /api/agents/invoke` and `POST /api/agents/invoke/stream`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use tokio::time::Instant;

use super::accept::wants_events;
use super::error::ApiError;
use super::request::{InvokeRequest, MAX_BODY_BYTES};
use super::response::{Metadata, OVERHEAD_BYTES, ReplyBody, fitting, json};
use super::stream::{Format, Streamed};
use super::timing::timed;
use super::{Context, RequestContext, Shared};
use crate::agent::Agent;
use crate::agentcore::error::InvocationError;
use crate::agentcore::observer::Observer;
use crate::invocation::{Invocation, SessionId};
use crate::limits::Permit;
use crate::telemetry;
use crate::telemetry::invocation::{Identity, InvocationLog, Timing, Told, to_ms};
use crate::trace::TraceHeaders;

/// The reply as JSON, or as a stream where the caller asks for one.
pub(super) async fn invoke(
    State(shared): State<Arc<Shared>>,
    Extension(context): Context,
    request: Request<Body>,
) -> Response {
    let format = Format::named_in(request.uri().query())
        .or_else(|| wants_events(request.headers()).then_some(Format::Events));
    answer(&shared, context, request, format).await
}

/// The reply as a stream, whatever the caller says it accepts.
pub(super) async fn invoke_stream(
    State(shared): State<Arc<Shared>>,
    Extension(context): Context,
    request: Request<Body>,
) -> Response {
    let format = Format::named_in(request.uri().query()).unwrap_or(Format::Events);
    answer(&shared, context, request, Some(format)).await
}

/// Answers in the format that was asked for, or as JSON.
async fn answer(
    shared: &Shared,
    context: Arc<RequestContext>,
    request: Request<Body>,
    format: Option<Format>,
) -> Response {
    match Turn::begin(shared, Arc::clone(&context), request).await {
        Ok(turn) => match format {
            Some(format) => turn.stream(format).await,
            None => turn.reply().await,
        },
        Err(error) => {
            let Told { code, status } = error.told();
            telemetry::invocation_refused(code, status, error.message());
            let timing = Timing {
                total: Some(to_ms(context.received.elapsed())),
                ..Timing::default()
            };
            timed(error.into_response(), timing)
        }
    }
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
    log: Arc<InvocationLog>,
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
            ApiError::refused(refused)
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
        let identity = Identity {
            request: context.ids(&parts.headers),
            received: context.received,
            agent: agent.id.clone(),
            session: invocation.session.clone(),
            continues: sent_session.is_some(),
        };
        let metrics = shared.settings.metrics.clone();
        let prompt_bytes = invocation.prompt.as_str().len();
        let log = Arc::new(InvocationLog::start(identity, metrics, prompt_bytes));
        Ok(Self {
            shared,
            context,
            agent,
            invocation,
            sent_session,
            permit,
            log,
        })
    }

    async fn reply(self) -> Response {
        let replied = self
            .shared
            .service
            .invoke_to_end(
                self.agent,
                &self.invocation,
                self.deadline(),
                self.max_reply_bytes(),
                self.observer(),
            )
            .await;
        let reply = match replied {
            Ok(reply) => reply,
            Err(error) => return self.failed(&error),
        };
        let text = fitting(&reply.text, self.context.limit.bytes() - OVERHEAD_BYTES);
        let incomplete = reply.shortfall.is_some() || text.len() < reply.text.len();
        let duration = self.log.complete(text.len(), incomplete);
        let body = ReplyBody {
            response: text,
            session_id: self.invocation.session.as_str(),
            metadata: Metadata {
                chunks: reply.chunks,
                duration,
            },
            incomplete,
        };
        timed(json(StatusCode::OK, &body), self.log.timing())
    }

    async fn stream(self, format: Format) -> Response {
        let invoked = self.shared.service.invoke(
            self.agent,
            &self.invocation,
            self.deadline(),
            agentcore_reply::DEFAULT_MEMORY_BYTES,
            self.observer(),
        );
        let reply = match invoked.await {
            Ok(reply) => reply,
            Err(error) => return self.failed(&error),
        };
        let max_reply_bytes = self.max_reply_bytes();
        let log = Arc::clone(&self.log);
        let can_stream = self.context.can_stream;
        let streamed = Streamed {
            reply,
            format,
            agent: self.agent.id.clone(),
            session: self.invocation.session,
            sent_session: self.sent_session.is_some(),
            _permit: self.permit,
            limit: self.context.limit,
            log: self.log,
            chunks: 0,
            bytes: 0,
        };
        let response = if can_stream {
            streamed.respond()
        } else {
            streamed.respond_whole(max_reply_bytes).await
        };
        timed(response, log.timing())
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.log) as _
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

    /// Logs a failure, and tells the caller.
    fn failed(&self, error: &InvocationError) -> Response {
        let answer = ApiError::from(error)
            .of_agent(&self.agent.id)
            .in_session(self.sent_session.as_ref());
        self.log.failed(answer.told(), error);
        timed(answer.into_response(), self.log.timing())
    }
}
