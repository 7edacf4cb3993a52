//! A gateway's event in, a gateway's answer out.

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Collected};

use super::worker::{Answer, Handler, Invocation};
use crate::api::{self, AnswerLimit, Api, ApiError, RequestContext};
use crate::config::InvokeMode;
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
            return self.refuse(&ApiError::unreadable(), invocation);
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
            InvokeMode::Buffered => whole(event.gateway, response).await,
            InvokeMode::ResponseStream => Answer::Streamed(response),
        }
    }

    fn panicked(&self, invocation: &Invocation) -> Answer {
        self.refuse(&ApiError::panicked(), invocation)
    }

    fn stopping(&self, invocation: &Invocation) -> Answer {
        self.refuse(&ApiError::stopping(), invocation)
    }
}

impl Function {
    /// An error where there is no request, and so no gateway's form for it.
    fn refuse(&self, error: &ApiError, invocation: &Invocation) -> Answer {
        let response = api::refusal(error, &invocation.context.request_id);
        match self.mode {
            InvokeMode::Buffered => {
                let (parts, body) = response.into_parts();
                Answer::Whole(gateway::render(None, &parts, body.as_bytes()))
            }
            InvokeMode::ResponseStream => Answer::Streamed(response.map(Body::from)),
        }
    }
}

async fn whole(gateway: Gateway, response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await;
    let body = body.map(Collected::to_bytes).unwrap_or_default();
    Answer::Whole(gateway::render(Some(gateway), &parts, &body))
}
