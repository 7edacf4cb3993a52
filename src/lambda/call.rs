//! A gateway's event in, a gateway's answer out.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use http_body_util::{BodyExt, Collected};
use lambda_http::request::{LambdaRequest, RequestContext as GatewayContext};
use lambda_http::{Adapter, Context, LambdaEvent, RequestExt, Service, service_fn};
use serde_json::value::RawValue;

use super::event;
use super::mode::InvokeMode;
use super::worker::{Answer, Handler, Invocation};
use crate::api::{AnswerLimit, Api, ApiError, RequestContext};
use crate::caller::Origin;

/// The API behind gateways.
#[derive(Clone)]
pub(super) struct Gateway {
    pub(super) api: Api,
    pub(super) mode: InvokeMode,
}

impl Handler for Gateway {
    async fn answer(&self, invocation: Invocation) -> Answer {
        // Should a library find something to panic on, the event is one that cannot be read.
        let reading = || {
            let event = std::str::from_utf8(&invocation.event).ok()?;
            Some((Origin::of_event(event), event::read(event)))
        };
        let read = std::panic::catch_unwind(AssertUnwindSafe(reading));
        let (origin, event) = read.ok().flatten().unwrap_or_default();
        let call = Call {
            api: &self.api,
            can_stream: self.mode == InvokeMode::ResponseStream,
            origin,
            invocation: Invocation {
                // It may be large, and has been read.
                event: Bytes::new(),
                ..invocation
            },
        };
        match self.mode {
            InvokeMode::Buffered => whole(call.whole(event).await),
            InvokeMode::ResponseStream => Answer::Streamed(call.streamed(event).await),
        }
    }

    fn panicked(&self, context: &Context) -> Answer {
        self.error(&ApiError::panicked(), context)
    }

    fn stopping(&self, context: &Context) -> Answer {
        self.error(&ApiError::stopping(), context)
    }
}

impl Gateway {
    fn error(&self, error: &ApiError, context: &Context) -> Answer {
        match self.mode {
            InvokeMode::Buffered => whole(event::error(error, &context.request_id)),
            InvokeMode::ResponseStream => {
                Answer::Streamed(event::error_response(error, &context.request_id))
            }
        }
    }
}

fn whole(answer: Box<RawValue>) -> Answer {
    Answer::Whole(String::from(Box::<str>::from(answer)).into())
}

/// One invocation of the function.
struct Call<'a> {
    api: &'a Api,
    can_stream: bool,
    origin: Origin,
    invocation: Invocation,
}

impl Call<'_> {
    /// The answer in the form of the gateway that asked.
    async fn whole(&self, event: Option<LambdaRequest>) -> Box<RawValue> {
        let context = &self.invocation.context;
        let request_id = &context.request_id;
        let Some(event) = event else {
            return event::error(&event::unreadable(), request_id);
        };
        let invocation = LambdaEvent::new(event, context.clone());
        // lambda_http alone knows the forms, and takes a service that gives the answer.
        let handler = service_fn(async |request: lambda_http::Request| {
            let (parts, body) = self.http(request).await.into_parts();
            let body = body
                .collect()
                .await
                .map(Collected::to_bytes)
                .unwrap_or_default();
            Ok::<_, Infallible>(Response::from_parts(parts, into_lambda(&body)))
        });
        // Should the library find something else to panic on, there is an answer all the same.
        let answered = AssertUnwindSafe(async { Adapter::from(handler).call(invocation).await });
        match answered.catch_unwind().await {
            Ok(Ok(response)) => event::render(&response, request_id),
            Ok(Err(never)) => match never {},
            Err(_) => event::error(&ApiError::panicked(), request_id),
        }
    }

    /// The answer as every gateway takes a streamed one.
    async fn streamed(&self, event: Option<LambdaRequest>) -> Response<Body> {
        match event {
            Some(event) => self.http(event.into()).await,
            None => {
                event::error_response(&event::unreadable(), &self.invocation.context.request_id)
            }
        }
    }

    async fn http(&self, request: lambda_http::Request) -> Response<Body> {
        let context = self.request_context(request.request_context_ref());
        let (mut parts, body) = request.into_parts();
        parts.uri = event::address(&parts);
        self.api
            .answer(http::Request::from_parts(parts, into_axum(body)), context)
            .await
    }

    fn request_context(&self, gateway: Option<&GatewayContext>) -> RequestContext {
        let stage = match gateway {
            Some(GatewayContext::ApiGatewayV1(context)) => context.stage.clone(),
            Some(GatewayContext::ApiGatewayV2(context)) => context.stage.clone(),
            _ => None,
        };
        let limit = match gateway {
            Some(GatewayContext::Alb(_)) => AnswerLimit::LoadBalancer,
            _ => AnswerLimit::Lambda,
        };
        let context = &self.invocation.context;
        RequestContext {
            request_id: context.request_id.clone(),
            received: self.invocation.received,
            lambda_deadline: self.invocation.deadline,
            xray: context.xray_trace_id.clone(),
            stage: stage.filter(|stage| stage != "$default"),
            origin: self.origin.clone(),
            limit,
            can_stream: self.can_stream,
        }
    }
}

fn into_axum(body: lambda_http::Body) -> Body {
    match body {
        lambda_http::Body::Text(text) => text.into(),
        lambda_http::Body::Binary(bytes) => bytes.into(),
        _ => Body::empty(),
    }
}

/// All our bodies are text.
fn into_lambda(body: &[u8]) -> lambda_http::Body {
    match std::str::from_utf8(body) {
        Ok("") => lambda_http::Body::Empty,
        Ok(text) => text.into(),
        Err(_) => body.into(),
    }
}
