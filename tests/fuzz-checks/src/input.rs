//! What callers and gateways send.

use std::sync::LazyLock;
use std::time::SystemTime;

use agentcore_bridge::api::{AnswerLimit, Api, RequestContext};
use agentcore_bridge::bridge;
use agentcore_bridge::caller::{Caller, Origin};
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use agentcore_bridge::gateway::{Event, render};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// An API with an agent that is never asked, since its ARN is none: all that is read of a request is
/// read before.
static API: LazyLock<(Runtime, Api)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    let variables = [
        ("TEST_AGENT_ARN", "none"),
        ("TEST_AGENT_CONNECTIONS", "presigned"),
        ("TEST_AGENT_FIELDS", "model,tone"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let env: Environment = variables.map(own).into_iter().collect();
    let config = Config::from_env(&env).expect("a configuration");
    let api = bridge::api(&config, &env, None, now);
    let api = runtime.block_on(api).expect("an API");
    (runtime, api)
});

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH
}

fn context(origin: Origin) -> RequestContext {
    RequestContext {
        request_id: "request-1".to_owned(),
        received: Instant::now(),
        lambda_deadline: None,
        xray: None,
        stage: Some("prod".to_owned()),
        origin,
        limit: AnswerLimit::Lambda,
        can_stream: false,
        exposed_steps: None,
    }
}

/// An answer, whatever is asked; an error is told in our form. Returns parts and body.
fn answer(request: Request<Bytes>, origin: Origin) -> (http::response::Parts, Bytes) {
    let (runtime, api) = &*API;
    let (parts, body) = runtime.block_on(async {
        let (parts, body) = api.answer(request, context(origin)).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts, body)
    });
    let status = parts.status.as_u16();
    // 500 would be ours, and 503 and 504 an agent's, who is never asked.
    assert!(matches!(status, 200 | 204 | 400..=431), "{status}");
    assert_eq!(parts.headers["cache-control"], "no-store");
    if status >= 400 && !body.is_empty() {
        let error: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(error["error"].is_string() || error["error"]["message"].is_string());
    }
    (parts, body)
}

/// Any bytes as the body of any route. The first byte says which.
pub fn request(bytes: &[u8]) {
    let Some((route, body)) = bytes.split_first() else {
        return;
    };
    let routes = [
        "/api/agents/invoke",
        "/api/agents/invoke/stream",
        "/api/agents/test/sessions",
        "/api/agents/test/connections",
        "/api/agents/test/ag-ui",
        "/v1/chat/completions",
    ];
    let path = routes[usize::from(*route) % routes.len()];
    let request = Request::post(path).header("accept", "application/json");
    let request = request
        .body(Bytes::copy_from_slice(body))
        .expect("a request");
    let caller = Caller::jwt("https://issuer.example.com/".to_owned(), "user".to_owned());
    let origin = Origin {
        caller: Some(caller),
        address: None,
    };
    answer(request, origin);
}

/// Any bytes as the event of a gateway: where it is one, its answer is in the gateway's form.
pub fn event(bytes: &[u8]) {
    let Some(event) = Event::read(bytes) else {
        return;
    };
    let gateway = event.gateway;
    let (parts, body) = answer(event.request, event.origin);
    let rendered: Value =
        serde_json::from_slice(&render(Some(gateway), &parts, &body)).expect("JSON");
    assert_eq!(rendered["statusCode"], parts.status.as_u16());
    assert!(rendered["body"].is_string());
}
