//! Handles one event: gateway event → API → response in the gateway's form.

use std::pin::pin;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Collected};

use super::mode::InvokeMode;
use super::worker::{FunctionResponse, Handler, Invocation};
use crate::api::{self, AnswerLimit, Api, ApiError, RequestContext, Response};
use crate::gateway::{self, Event, Gateway};

/// The API behind gateways.
#[derive(Clone)]
pub(super) struct Function {
    pub(super) api: Api,
    pub(super) mode: InvokeMode,
}

impl Handler for Function {
    async fn respond(&self, event: Bytes, invocation: &Invocation) -> FunctionResponse {
        let read = Event::read(&event);
        // The event may be megabytes; all that is needed of it has been read.
        drop(event);
        let Some(event) = read else {
            return self.refuse(ApiError::unreadable(), invocation);
        };
        let context = &invocation.context;
        let context = RequestContext {
            request_id: context.request_id.clone(),
            received: invocation.received,
            lambda_deadline: invocation.deadline,
            xray: context.xray.clone(),
            stage: event.stage,
            origin: event.origin,
            limit: match event.gateway {
                Gateway::LoadBalancer => AnswerLimit::LoadBalancer,
                Gateway::Rest | Gateway::Http => AnswerLimit::Lambda,
            },
            can_stream: self.mode == InvokeMode::ResponseStream,
            exposed_steps: None,
        };
        let response = pin!(self.api.answer(event.request, context)).await;
        match self.mode {
            InvokeMode::Buffered => whole(Some(event.gateway), response),
            InvokeMode::ResponseStream => FunctionResponse::Streamed(response),
        }
    }

    fn panicked(&self, invocation: &Invocation) -> FunctionResponse {
        self.refuse(ApiError::panicked(), invocation)
    }

    fn shutting_down(&self, invocation: &Invocation) -> FunctionResponse {
        self.refuse(ApiError::stopping(), invocation)
    }
}

impl Function {
    /// An error response for an event that could not be read, so the gateway it came from is
    /// unknown.
    fn refuse(&self, error: ApiError, invocation: &Invocation) -> FunctionResponse {
        let response = api::refusal(error, &invocation.context.request_id);
        match self.mode {
            InvokeMode::Buffered => whole(None, response),
            InvokeMode::ResponseStream => FunctionResponse::Streamed(response),
        }
    }
}

/// A complete response, in the gateway's form.
fn whole(gateway: Option<Gateway>, response: Response) -> FunctionResponse {
    let (parts, body) = response.into_parts();
    // With `can_stream` false the API returns complete bodies, so collecting one is never pending.
    let body = body.collect().now_or_never();
    let body = body.and_then(Result::ok).map(Collected::to_bytes);
    FunctionResponse::Whole(gateway::render(gateway, &parts, &body.unwrap_or_default()))
}
