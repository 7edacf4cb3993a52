//! `DELETE /api/agents/{agentId}/sessions/{sessionId}`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::error::ApiError;
use super::{Context, Shared};
use crate::session::{SessionId, SessionIdError};
use crate::telemetry::invocation::to_ms;
use crate::telemetry::session as log;

/// Ends a session. It is not limited as invocations are: it is cheap, and to refuse it would keep
/// what costs.
pub(super) async fn end(
    State(shared): State<Arc<Shared>>,
    Extension(received): Context,
    names: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let context = &received.context;
    let Path((agent, session)) = names.map_err(|rejection| malformed(&rejection))?;
    let session = SessionId::parse(&session).map_err(not_a_session)?;
    let agent = shared.service.find(&agent);
    let agent = agent.ok_or_else(|| ApiError::unknown_agent().in_session(Some(&session)))?;

    let runtime_session = shared.runtime_session(context, agent, &session);
    let deadline = context.deadline(shared.service.deadline(context.received));
    let ended = shared
        .service
        .end_session(agent, &runtime_session, deadline)
        .await;
    if let Err(error) = ended {
        let told = ApiError::from(&error.failure)
            .of_agent(&agent.id)
            .in_session(Some(&session));
        log::not_ended(&agent.id, &session, told.told(), &error);
        return Err(told);
    }
    log::ended(&agent.id, &session, to_ms(context.received.elapsed()));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A segment that is not UTF-8 once it is decoded: no session id, and no agent's either.
fn malformed(rejection: &PathRejection) -> ApiError {
    match rejection {
        PathRejection::FailedToDeserializePathParams(error) if matches!(error.kind(), ErrorKind::InvalidUtf8InPathParam { key } if key == "session_id") => {
            not_a_session(SessionIdError)
        }
        _ => ApiError::unknown_agent(),
    }
}

fn not_a_session(error: SessionIdError) -> ApiError {
    ApiError::validation(error.to_string())
}
