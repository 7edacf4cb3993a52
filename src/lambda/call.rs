//! A gateway's event in, a gateway's answer out.

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Collected};

use super::mode::InvokeMode;
use super::worker::{Answer, Handler, Invocation};
use crate::api::{self, AnswerLimit, Api, ApiError, RequestContext, Response};
use crate::gateway::{self, Event, Gateway};

/// The API behind gateways.
#[derive(Clone)]
pub(super) struct Function {
    pub(super) api: Api,
    pub(super) mode: InvokeMode,
}

impl Handler for Function {
    async fn answer(&self, event: Bytes, invocation: &Invocation) -> Answer {
        let read = Event::read(&event);
        // It may be large.
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
        };
        let response = self.api.answer(event.request, context).await;
        match self.mode {
            InvokeMode::Buffered => whole(Some(event.gateway), response),
            InvokeMode::ResponseStream => Answer::Streamed(response),
        }
    }

    fn panicked(&self, invocation: &Invocation) -> Answer {
        self.refuse(ApiError::panicked(), invocation)
    }

    fn stopping(&self, invocation: &Invocation) -> Answer {
        self.refuse(ApiError::stopping(), invocation)
    }
}

impl Function {
    /// An error where there is no request, and so no gateway's form for it.
    fn refuse(&self, error: ApiError, invocation: &Invocation) -> Answer {
        let response = api::refusal(error, &invocation.context.request_id);
        match self.mode {
            InvokeMode::Buffered => whole(None, response),
            InvokeMode::ResponseStream => Answer::Streamed(response),
        }
    }
}

/// An answer that is there, in the gateway's form.
fn whole(gateway: Option<Gateway>, response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    // It does not wait for anything where it cannot be streamed.
    let body = body.collect().now_or_never();
    let body = body.and_then(Result::ok).map(Collected::to_bytes);
    Answer::Whole(gateway::render(gateway, &parts, &body.unwrap_or_default()))
}
