//! The API as an AWS Lambda function: gateway events in, gateway answers out.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use axum::body::BodyDataStream;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Collected};
use lambda_http::lambda_runtime::{
    Context, FunctionResponse, LambdaEvent, MetadataPrelude, Runtime, StreamResponse,
};
use lambda_http::request::{LambdaRequest, RequestContext as GatewayContext};
use lambda_http::{Adapter, RequestExt, Service, service_fn};
use serde_json::value::RawValue;
use tokio::time::Instant;
use tower::util::MapResultLayer;

use crate::api::{AnswerLimit, Api, RequestContext};
use crate::caller::Origin;
use crate::config::{Config, ConfigError, Environment, InvokeMode};
use crate::telemetry::Metrics;

mod event;

/// The environment variable that is there on Lambda alone: where the Runtime API is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// How many invocations Lambda Managed Instances run in one process at once.
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// Whether this process is a Lambda function.
pub fn is_here(env: &Environment) -> bool {
    env.get(RUNTIME_API).is_some()
}

/// The runtime that fits: one invocation at a time mostly waits, and a second thread would only
/// cost; several at once are shared among the processors.
///
/// # Errors
/// The operating system's, where it gives no threads or no way to wait.
pub fn runtime(env: &Environment) -> std::io::Result<tokio::runtime::Runtime> {
    let concurrency = env
        .get(MAX_CONCURRENCY)
        .and_then(|number| number.parse::<u32>().ok());
    let mut builder = match concurrency {
        Some(2..) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

/// What the function says where it is no function.
pub const NOT_ON_LAMBDA: &str = "this is an AWS Lambda function, and there is no Lambda here; run \
    `cargo local` for the same API on this machine (see README.md)";

const FUNCTION_VERSION: &str = "AWS_LAMBDA_FUNCTION_VERSION";

/// Variables that the runtime library stops without, and does not say so to Lambda.
const OF_LAMBDA: [&str; 3] = [
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    FUNCTION_VERSION,
];

/// Where the function's invocations are measured.
pub fn metrics(config: &Config, env: &Environment, now: fn() -> SystemTime) -> Metrics {
    Metrics {
        namespace: config.metrics_namespace.clone(),
        function_version: env.get(FUNCTION_VERSION).unwrap_or("$LATEST").to_owned(),
        now,
    }
}

/// Checks that what is there looks like Lambda.
///
/// # Errors
/// [`ConfigError`] names a variable that Lambda sets, and that is not there.
pub fn check_environment(env: &Environment) -> Result<(), ConfigError> {
    let missing = OF_LAMBDA.into_iter().find(|name| env.get(name).is_none());
    missing.map_or(Ok(()), |name| {
        Err(ConfigError {
            variable: name.to_owned(),
            problem: format!("it is not set, although {RUNTIME_API} is"),
            accepted: "what Lambda sets it to".to_owned(),
        })
    })
}

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

/// Serves invocations until Lambda ends the process: one at a time, or as many at once as Lambda
/// Managed Instances ask for. An answer that Lambda does not take, since its caller has gone, ends
/// that invocation alone; the library would end the process.
///
/// # Errors
/// Where the Runtime API cannot be talked to.
pub async fn run(
    api: Api,
    mode: InvokeMode,
    now: fn() -> SystemTime,
) -> Result<(), lambda_http::Error> {
    let handler = service_fn(move |invocation: LambdaEvent<Box<RawValue>>| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(answer(api, mode, invocation, now).await) }
    });
    // The library has logged the error.
    let whatever_became_of_it = |_: Result<(), lambda_http::Error>| Ok(());
    Runtime::new(handler)
        .layer(MapResultLayer::new(whatever_became_of_it))
        .run_concurrent()
        .await
}

/// Answers one event. Whatever arrives gets an HTTP answer.
async fn answer(
    api: Api,
    mode: InvokeMode,
    invocation: LambdaEvent<Box<RawValue>>,
    now: fn() -> SystemTime,
) -> FunctionResponse<Box<RawValue>, BodyDataStream> {
    let LambdaEvent { payload, context } = invocation;
    // Should a library find something to panic on, the event is one that cannot be read.
    let reading = || (Origin::of_event(payload.get()), event::read(payload.get()));
    let (origin, event) = std::panic::catch_unwind(reading).unwrap_or_default();
    let call = Call {
        api,
        received: Instant::now(),
        now: now(),
        can_stream: mode == InvokeMode::ResponseStream,
        origin,
        context,
    };
    drop(payload);
    match mode {
        InvokeMode::Buffered => FunctionResponse::BufferedResponse(call.whole(event).await),
        InvokeMode::ResponseStream => {
            FunctionResponse::StreamingResponse(call.streamed(event).await)
        }
    }
}

/// One invocation of the function.
struct Call {
    api: Api,
    received: Instant,
    now: SystemTime,
    can_stream: bool,
    origin: Origin,
    context: Context,
}

impl Call {
    /// The answer in the form of the gateway that asked.
    async fn whole(self, event: Option<LambdaRequest>) -> Box<RawValue> {
        let Self { context, .. } = &self;
        let request_id = context.request_id.clone();
        let Some(event) = event else {
            return event::unreadable(&request_id);
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
            Ok::<_, Infallible>(http::Response::from_parts(parts, into_lambda(&body)))
        });
        // Should the library find something else to panic on, there is an answer all the same.
        let answered = AssertUnwindSafe(async { Adapter::from(handler).call(invocation).await });
        match answered.catch_unwind().await {
            Ok(Ok(response)) => event::render(&response, &request_id),
            Ok(Err(never)) => match never {},
            Err(_) => event::panicked(&request_id),
        }
    }

    /// The answer as every gateway takes a streamed one.
    async fn streamed(self, event: Option<LambdaRequest>) -> StreamResponse<BodyDataStream> {
        let request_id = self.context.request_id.clone();
        let answered = AssertUnwindSafe(async {
            match event {
                Some(event) => self.http(event.into()).await,
                None => event::unreadable_response(&request_id),
            }
        });
        let response = answered.catch_unwind().await;
        let response = response.unwrap_or_else(|_| event::panicked_response(&request_id));
        let (parts, body) = response.into_parts();
        let metadata_prelude = MetadataPrelude {
            status_code: parts.status,
            headers: parts.headers,
            cookies: vec![],
        };
        StreamResponse {
            metadata_prelude,
            stream: body.into_data_stream(),
        }
    }

    async fn http(&self, request: lambda_http::Request) -> http::Response<axum::body::Body> {
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
        RequestContext {
            request_id: self.context.request_id.clone(),
            received: self.received,
            lambda_deadline: deadline(&self.context, self.received, self.now),
            xray: self.context.xray_trace_id.clone(),
            stage: stage.filter(|stage| stage != "$default"),
            origin: self.origin.clone(),
            limit,
            can_stream: self.can_stream,
        }
    }
}

/// The longest that Lambda lets a function run, in milliseconds.
const LONGEST_TIMEOUT_MS: u64 = 900_000;

/// Lambda's deadline, milliseconds since 1970, on the clock that timers go by.
///
/// `cargo lambda watch` gives the time that is left instead, which as a date would be in 1970.
fn deadline(context: &Context, received: Instant, now: SystemTime) -> Option<Instant> {
    let given = Duration::from_millis(context.deadline);
    match context.deadline {
        // None was given.
        0 => return None,
        1..=LONGEST_TIMEOUT_MS => return Some(received + given),
        _ => {}
    }
    let left = (SystemTime::UNIX_EPOCH + given)
        .duration_since(now)
        .unwrap_or_default();
    // A date further away than that is none of Lambda's.
    Some(received + left.min(Duration::from_millis(LONGEST_TIMEOUT_MS)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_a_date_or_a_time_that_is_left() {
        let received = Instant::now();
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(480_000);
        let now_ms = 480_000 * 3_600_000;
        for (given, left) in [
            (now_ms + 30_000, Some(30_000)),
            (now_ms - 1, Some(0)),
            (600_000, Some(600_000)),
            (0, None),
            (u64::MAX, Some(900_000)),
            (now_ms * 2, Some(900_000)),
        ] {
            let mut context = Context::default();
            context.deadline = given;
            let deadline = deadline(&context, received, now);
            let expected = left.map(Duration::from_millis);
            assert_eq!(
                deadline.map(|deadline| deadline - received),
                expected,
                "{given}"
            );
        }
    }
}
