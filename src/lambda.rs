//! The API as an AWS Lambda function: gateway events in, gateway answers out.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use http_body_util::BodyExt;
use lambda_http::lambda_runtime::{Context, LambdaEvent, Runtime};
use lambda_http::request::RequestContext as GatewayContext;
use lambda_http::{Adapter, RequestExt, Service, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::api::{AnswerLimit, Api, RequestContext};
use crate::config::ConfigError;
use event::Answer;

mod event;

/// The environment variable that is there on Lambda alone: where the Runtime API is.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// What the function says where it is no function.
pub const NOT_ON_LAMBDA: &str = "this is an AWS Lambda function, and there is no Lambda here; run \
    `cargo local` for the same API on this machine (see README.md)";

/// Tells Lambda why the function cannot start. `lambda_runtime` does not do it.
///
/// A Runtime API that cannot be reached is no reason to wait: the process ends either way.
pub async fn report_init_error(error: &ConfigError) {
    let body = serde_json::json!({
        "errorMessage": error.to_string(),
        "errorType": "ConfigurationError",
        "stackTrace": [],
    });
    let request = lambda_runtime_api_client::build_request()
        .method(http::Method::POST)
        .uri("/2018-06-01/runtime/init/error")
        .header(
            "lambda-runtime-function-error-type",
            "Runtime.ConfigurationError",
        )
        .body(body.to_string().into());
    let client = lambda_runtime_api_client::Client::builder().build();
    if let (Ok(client), Ok(request)) = (client, request) {
        let _ = tokio::time::timeout(Duration::from_secs(1), client.call(request)).await;
    }
}

/// Serves invocations until Lambda ends the process.
///
/// # Errors
/// Where the Runtime API cannot be talked to.
pub async fn run(api: Api, now: fn() -> SystemTime) -> Result<(), lambda_http::Error> {
    let handler = service_fn(move |invocation: LambdaEvent<Box<RawValue>>| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(answer(api, invocation, now).await) }
    });
    Runtime::new(handler).run().await
}

/// Answers one event. Whatever arrives gets an HTTP answer.
async fn answer(
    api: Api,
    invocation: LambdaEvent<Box<RawValue>>,
    now: fn() -> SystemTime,
) -> Answer<impl Serialize> {
    let received = Instant::now();
    let LambdaEvent { payload, context } = invocation;
    let request_id = context.request_id.clone();
    let deadline = deadline(&context, received, now());
    let handler = service_fn(move |request: lambda_http::Request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(call(&api, request, received, deadline).await) }
    });
    let Some(request) = event::read(payload.get()) else {
        return Answer::unreadable(&request_id);
    };
    drop(payload);
    // Should the library find something else to panic on, the caller gets an answer all the same.
    let answered = AssertUnwindSafe(async {
        Adapter::from(handler)
            .call(LambdaEvent::new(request, context))
            .await
    });
    match answered.catch_unwind().await {
        Ok(Ok(response)) => Answer::Http(response),
        Ok(Err(never)) => match never {},
        Err(_) => Answer::panicked(&request_id),
    }
}

async fn call(
    api: &Api,
    request: lambda_http::Request,
    received: Instant,
    deadline: Instant,
) -> http::Response<lambda_http::Body> {
    let context = request_context(&request, received, deadline);
    let (mut parts, body) = request.into_parts();
    parts.uri = event::address(&parts);
    let request = http::Request::from_parts(parts, into_axum(body));
    let (parts, body) = api.answer(request, context).await.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    http::Response::from_parts(parts, into_lambda(&body))
}

fn request_context(
    request: &lambda_http::Request,
    received: Instant,
    lambda_deadline: Instant,
) -> RequestContext {
    let context = request.lambda_context_ref();
    let gateway = request.request_context_ref();
    let stage = match gateway {
        Some(GatewayContext::ApiGatewayV1(context)) => context.stage.clone(),
        Some(GatewayContext::ApiGatewayV2(context)) => context.stage.clone(),
        _ => None,
    };
    let limit = match gateway {
        Some(GatewayContext::Alb(_)) => AnswerLimit::LoadBalancer,
        _ => AnswerLimit::Lambda,
    };
    RequestContext {
        request_id: context
            .map(|context| context.request_id.clone())
            .unwrap_or_default(),
        received,
        lambda_deadline: Some(lambda_deadline),
        xray: context.and_then(|context| context.xray_trace_id.clone()),
        stage: stage.filter(|stage| stage != "$default"),
        limit,
    }
}

/// Lambda's deadline, milliseconds since 1970, on the clock that timers go by.
fn deadline(context: &Context, received: Instant, now: SystemTime) -> Instant {
    let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(context.deadline);
    received + deadline.duration_since(now).unwrap_or_default()
}

fn into_axum(body: lambda_http::Body) -> axum::body::Body {
    match body {
        lambda_http::Body::Text(text) => text.into(),
        lambda_http::Body::Binary(bytes) => bytes.into(),
        _ => axum::body::Body::empty(),
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
