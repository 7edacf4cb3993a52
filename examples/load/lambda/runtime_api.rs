//! The Runtime API of one environment.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;

use super::environments::{Environments, Outcome};

const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:bridge";

struct Api {
    environments: Arc<Environments>,
    /// Told when the function asks for work for the first time.
    ready: Mutex<Option<oneshot::Sender<()>>>,
}

/// Serves until the listener fails.
pub(super) async fn serve(
    listener: TcpListener,
    environments: Arc<Environments>,
    ready: oneshot::Sender<()>,
) {
    let api = Api {
        environments,
        ready: Mutex::new(Some(ready)),
    };
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(api));
    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
        use axum::serve::ListenerExt;
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        // It never returns of its own.
        let _ = axum::serve(listener, router).await;
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let first = api
        .ready
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(ready) = first {
        let _ = ready.send(());
    }
    let Ok(invocation) = api.environments.asks().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = now() + api.environments.function.timeout.as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            FUNCTION_ARN.to_owned(),
        ),
    ];
    (headers, invocation.event).into_response()
}

async fn response(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let Some(caller) = api.environments.caller(&id) else {
        return StatusCode::BAD_REQUEST;
    };
    if headers.contains_key("lambda-runtime-function-response-mode") {
        let (left, taken) = oneshot::channel();
        if caller.send(Outcome::Stream(body, left)).is_ok() {
            // An error says that the sender was dropped, which is all that is waited for.
            let _ = taken.await;
        }
        return StatusCode::ACCEPTED;
    }
    let body = axum::body::to_bytes(body, usize::MAX).await;
    let outcome = body.map_or(Outcome::Failed, Outcome::Whole);
    // The caller may have gone.
    let _ = caller.send(outcome);
    StatusCode::ACCEPTED
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    complain("a function error", &body);
    if let Some(caller) = api.environments.caller(&id) {
        let _ = caller.send(Outcome::Failed);
    }
    StatusCode::ACCEPTED
}

async fn init_error(body: Bytes) -> StatusCode {
    complain("the function does not start", &body);
    StatusCode::ACCEPTED
}

fn complain(what: &str, body: &[u8]) {
    eprintln!("{what}: {}", String::from_utf8_lossy(body));
}

#[expect(clippy::disallowed_methods, reason = "the one clock of the stand-in")]
fn now() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis())
}
