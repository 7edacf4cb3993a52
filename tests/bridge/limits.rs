//! Limits on each caller.

use std::time::Duration;

use agentcore_bridge::api::RequestContext;
use agentcore_bridge::caller::{Caller, Origin};
use agentcore_emulator::{Agent, Ended, Step};
use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{ARN, Answer, Bridge, answered, at, context, event, function};

fn piece() -> Step {
    Step::text("data: {\"chunk\":\"a\"}\n\n")
}

/// A reply that begins, and ends only when the client closes it.
fn endless() -> Agent {
    Agent::scripted(vec![piece(), Step::AwaitClose])
}

fn from(caller: Option<Caller>, address: &str) -> RequestContext {
    let address = address.parse().ok();
    RequestContext {
        origin: Origin { caller, address },
        ..context()
    }
}

fn address(address: &str) -> RequestContext {
    from(None, address)
}

fn key(id: &str, address: &str) -> RequestContext {
    from(Some(Caller::api_key(id.to_owned())), address)
}

fn post(path: &str, body: &Value) -> Request<Bytes> {
    Request::post(path).body(body.to_string().into()).unwrap()
}

fn invocation() -> Request<Bytes> {
    post("/api/agents/invoke", &said())
}

fn said() -> Value {
    json!({ "agentId": "Test-agent", "prompt": "x", "sessionId": "mine" })
}

fn refused(answer: &Answer, longest: u64) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["error"], "RateLimitError");
    let seconds = told["details"]["retryAfter"].as_u64().unwrap();
    assert!((1..=longest).contains(&seconds), "{answer:?}");
    assert_eq!(answer.header("retry-after"), seconds.to_string());
    let details = json!({
        "agentId": "test",
        "sessionId": "mine",
        "retryable": true,
        "retryAfter": seconds,
    });
    assert_eq!(told["details"], details);
}

#[tokio::test]
async fn invocations_beyond_the_rate_limit_get_a_429() {
    let bridge = Bridge::configured(Agent::echo(), &[("RATE_LIMIT_PER_MINUTE", "3")]).await;
    let here = || address("192.0.2.1");
    for path in [
        "/api/agents/invoke",
        "/api/agents/invoke/stream",
        "/api/agents/invoke",
    ] {
        let answer = bridge.send_from(post(path, &said()), here()).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for path in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
        let answer = bridge.send_from(post(path, &said()), here()).await;
        refused(&answer, 20);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(bridge.emulator.connections().len(), 3);
    let elsewhere = bridge.send_from(invocation(), address("192.0.2.2")).await;
    assert_eq!(elsewhere.status, 200);
    let nowhere = bridge.send(invocation()).await;
    assert_eq!(nowhere.status, 200);
}

#[tokio::test]
async fn only_invocations_count_against_the_rate_limit() {
    let variables = [
        ("RATE_LIMIT_PER_MINUTE", "1"),
        ("MAX_PROMPT_BYTES", "10"),
        ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x"),
    ];
    let bridge = Bridge::configured(Agent::echo(), &variables).await;
    let here = || address("192.0.2.1");
    let mistakes = [
        (json!([]), 400),
        (json!({ "agentId": "test" }), 400),
        (
            json!({ "agentId": "test", "prompt": "x", "sessionId": "-" }),
            400,
        ),
        (
            json!({ "agentId": "test", "prompt": "longer than ten" }),
            400,
        ),
        (json!({ "agentId": "nobody", "prompt": "x" }), 404),
    ];
    for round in 0..2 {
        for (body, status) in &mistakes {
            let answer = bridge
                .send_from(post("/api/agents/invoke", body), here())
                .await;
            assert_eq!(answer.status.as_u16(), *status, "{body}");
        }
        for (method, path, status) in [
            ("GET", "/health", 200),
            ("GET", "/api/agents", 200),
            ("OPTIONS", "/api/agents/invoke", 204),
            ("GET", "/api/agents/invoke", 405),
            ("DELETE", "/api/agents/test/sessions/mine", 204),
        ] {
            let request = Request::builder().method(method).uri(path);
            let answer = bridge
                .send_from(request.body(Bytes::new()).unwrap(), here())
                .await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        }
        let answer = bridge.send_from(invocation(), here()).await;
        match round {
            0 => assert_eq!(answer.status, 200),
            _ => refused(&answer, 60),
        }
    }
    // Invoking a misconfigured agent counts as an invocation, and fails.
    let broken = json!({ "agentId": "broken", "prompt": "x" });
    for status in [400, 429] {
        let request = post("/api/agents/invoke", &broken);
        let answer = bridge.send_from(request, address("192.0.2.3")).await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[tokio::test]
async fn each_caller_has_its_own_limit_at_any_address() {
    let bridge = Bridge::configured(Agent::echo(), &[("RATE_LIMIT_PER_MINUTE", "1")]).await;
    for (context, status) in [
        (key("a", "192.0.2.1"), 200),
        (key("a", "192.0.2.2"), 429),
        (key("b", "192.0.2.1"), 200),
        (address("192.0.2.1"), 200),
        (address("192.0.2.1"), 429),
        (address("2001:db8::1"), 200),
        (address("2001:db8::2"), 429),
        (address("2001:db8:1::1"), 200),
        (address("unknown"), 200),
        (context(), 429),
    ] {
        let shown = format!("{:?}", context.origin);
        let answer = bridge.send_from(invocation(), context).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}");
    }
}

#[tokio::test]
async fn a_stream_holds_its_slot_until_its_body_ends_or_is_dropped() {
    let variables = [
        ("MAX_CONCURRENT_PER_CALLER", "1"),
        ("CHUNK_TIMEOUT_MS", "60000"),
    ];
    let bridge = Bridge::configured(endless(), &variables).await;
    let here = || RequestContext {
        can_stream: true,
        ..address("192.0.2.1")
    };
    let stream = || post("/api/agents/invoke/stream", &said());
    for round in 1..=2 {
        let mut body = bridge.api.answer(stream(), here()).await.into_body();
        assert!(body.frame().await.is_some(), "it has begun");
        refused(&bridge.send_from(stream(), here()).await, 1);
        refused(&bridge.send_from(invocation(), here()).await, 1);
        drop(body);
        let all = bridge
            .emulator
            .wait_until(|all| all.iter().all(|c| c.ended != Ended::Open));
        let all = tokio::time::timeout(Duration::from_secs(30), all)
            .await
            .unwrap();
        assert_eq!(all.len(), round, "who was refused has not connected");
    }

    let done = Agent::scripted(vec![piece(), Step::text("data: [DONE]\n\n")]);
    let bridge = Bridge::configured(done, &variables).await;
    for _ in 0..3 {
        let mut body = bridge.api.answer(stream(), here()).await.into_body();
        loop {
            let frame = body.frame().await.unwrap().unwrap();
            if frame.into_data().unwrap().ends_with(b"data: [DONE]\n\n") {
                break;
            }
        }
        // The body has not been dropped: reading its end frees the slot.
        for path in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
            let whole = bridge
                .send_from(post(path, &said()), address("192.0.2.1"))
                .await;
            assert_eq!(whole.status, 200);
        }
        drop(body);
    }
}

#[tokio::test]
async fn a_slot_is_held_while_waiting_and_freed_after_every_outcome() {
    let variables = [
        ("MAX_CONCURRENT_PER_CALLER", "2"),
        ("CHUNK_TIMEOUT_MS", "700"),
        ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x"),
    ];
    let bridge = Bridge::configured(Agent::silent(), &variables).await;
    let here = || address("192.0.2.1");
    let first = bridge.send_from(invocation(), here());
    let second = bridge.send_from(invocation(), here());
    let third = async {
        bridge.emulator.wait_until(|all| all.len() == 2).await;
        let refused = bridge.send_from(invocation(), here()).await;
        let other = bridge.send_from(invocation(), key("a", "192.0.2.1")).await;
        (refused, other.status.as_u16())
    };
    let (first, second, (third, other)) = tokio::join!(first, second, third);
    refused(&third, 1);
    assert_eq!(other, 504, "another caller is let in");
    for answer in [first, second] {
        assert_eq!(answer.status, 504, "{answer:?}");
    }
    // A failure frees the slot, and so does a caller that leaves.
    for _ in 0..3 {
        let broken = post(
            "/api/agents/invoke",
            &json!({ "agentId": "broken", "prompt": "x" }),
        );
        assert_eq!(bridge.send_from(broken, here()).await.status, 400);
        let given_up = bridge.send_from(invocation(), here()).now_or_never();
        assert!(given_up.is_none(), "there is nothing to be had at once");
    }
    let again = bridge.send_from(invocation(), here()).await;
    assert_eq!(again.status, 504);
}

/// A load balancer appends the address to a header whose other entries clients control.
#[tokio::test]
async fn addresses_are_read_from_each_gateways_event() {
    let variables = [("ECHO_AGENT_ARN", ARN), ("RATE_LIMIT_PER_MINUTE", "1")];
    let (_emulator, function) = function(Agent::echo(), &variables).await;
    let alb = |addresses: &str| {
        let mut event = event("alb", &json!({}));
        event["headers"]["x-forwarded-for"] = addresses.into();
        event
    };
    let several = |addresses: Value| {
        let mut event = event("alb-multi-value", &json!({}));
        event["multiValueHeaders"]["x-forwarded-for"] = addresses;
        event
    };
    let rest = |address: &str| event("rest-api", &json!({ "identity": { "sourceIp": address } }));
    let http = |name: &str, address: &str| {
        let mut event = event(name, &json!({}));
        event["requestContext"]["http"]["sourceIp"] = address.into();
        event["headers"]["x-forwarded-for"] = "203.0.113.250".into();
        event
    };
    for (event, status) in [
        (alb("198.51.100.1, 192.0.2.1"), 200),
        (alb("198.51.100.2, 192.0.2.1"), 429),
        (alb("192.0.2.1, 192.0.2.2"), 200),
        (
            several(json!(["192.0.2.9", "198.51.100.1, 192.0.2.3"])),
            200,
        ),
        (several(json!(["192.0.2.8", "192.0.2.3"])), 429),
        (rest("192.0.2.4"), 200),
        (rest("192.0.2.4"), 429),
        (http("http-api", "192.0.2.5"), 200),
        (http("http-api", "192.0.2.5"), 429),
        (http("function-url", "192.0.2.6"), 200),
        (http("function-url", "192.0.2.6"), 429),
        (at(http("function-url", "192.0.2.6"), "GET", "/health"), 200),
    ] {
        let (answered, body) = answered(function.invoke(&event).await);
        assert_eq!(answered, status, "{body} {event}");
    }
    let stdout = function.stop().await.stdout;
    let refused: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["status"] == 429)
        .collect();
    assert_eq!(refused.len(), 5);
    for line in refused {
        assert_eq!(
            (line["level"].as_str(), line["errorCode"].as_str()),
            (Some("INFO"), Some("RateLimitError"))
        );
        assert!(line["causes"].as_str().unwrap().contains("in a minute"));
    }
    assert!(!stdout.contains("192.0.2."), "who calls is not logged");
}
