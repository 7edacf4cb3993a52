//! `DELETE /api/agents/{agentId}/sessions/{sessionId}`.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Ended, Handshake, Operation};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::support::{ARN, Answer, Bridge, answered, at, function, rest_event};

async fn end(bridge: &Bridge, agent: &str, session: &str) -> Answer {
    let path = format!("/api/agents/{agent}/sessions/{session}");
    let request = Request::delete(path).body(Bytes::new()).unwrap();
    bridge.send(request).await
}

async fn bridge(stopping: Handshake) -> Bridge {
    let variables = [
        ("CONNECT_TIMEOUT_MS", "1000"),
        ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x"),
    ];
    Bridge::configured(Agent::echo().stopping(stopping), &variables).await
}

#[tokio::test]
async fn ending_a_known_or_unknown_session_succeeds() {
    let bridge = Bridge::configured(
        Agent::echo().endpoints(["blue&green"]),
        &[("TEST_AGENT_QUALIFIER", "blue&green")],
    )
    .await;
    let said = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" });
    let turn = async || bridge.invoke(&said).await.json()["response"].to_string();
    assert!(turn().await.contains("turn 1"));
    assert!(turn().await.contains("turn 2"));
    for name in ["test", "TEST-agent"] {
        let answer = end(&bridge, name, "mine").await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.text, "");
        assert_eq!(answer.headers.get("content-type"), None);
        assert_eq!(answer.header("x-request-id"), "request-1");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(bridge.emulator.sessions(), []);
    }
    assert!(turn().await.contains("turn 1"));

    let all = bridge.emulator.connections();
    let [invoked, .., known, unknown, _] = all.as_slice() else {
        panic!("{all:?}")
    };
    for (stopped, status) in [(known, 200), (unknown, 404)] {
        assert_eq!(stopped.operation, Some(Operation::StopRuntimeSession));
        assert_eq!(stopped.method, "POST");
        assert_eq!(stopped.status, Some(status));
        assert_eq!(stopped.arn.as_deref(), Some(ARN));
        assert_eq!(stopped.runtime_session_id, invoked.runtime_session_id);
        assert_eq!(
            stopped.query,
            [("qualifier".to_owned(), "blue&green".to_owned())]
        );
        let signature = stopped.header("authorization").unwrap();
        let signed = "SignedHeaders=content-type;host;x-amz-date;\
                      x-amzn-bedrock-agentcore-runtime-session-id";
        assert!(signature.contains(signed), "{signature}");
    }
}

/// What the service does, and the expected status, code and `retryable`.
fn answers() -> Vec<(Handshake, u16, &'static str, bool)> {
    let raw = |bytes: &str| Handshake::Raw {
        bytes: bytes.as_bytes().to_vec(),
        keep_open: false,
    };
    let later = |status| Handshake::status(status, "X").with_header("retry-after", "7");
    vec![
        (
            Handshake::status(400, "ValidationException"),
            400,
            "ValidationError",
            false,
        ),
        (
            Handshake::status(401, "UnauthorizedException"),
            401,
            "AuthenticationError",
            false,
        ),
        (
            Handshake::status(402, "ServiceQuotaExceededException"),
            503,
            "ServiceUnavailableError",
            true,
        ),
        (
            Handshake::status(403, "AccessDeniedException"),
            403,
            "AuthorizationError",
            false,
        ),
        (
            Handshake::status(403, "ExpiredTokenException"),
            401,
            "AuthenticationError",
            false,
        ),
        (
            Handshake::status(403, "InvalidSignatureException"),
            401,
            "AuthenticationError",
            false,
        ),
        // A 404 of something else than the service, so it says nothing about the session.
        (
            Handshake::status(404, "UnknownOperationException"),
            404,
            "NotFoundError",
            false,
        ),
        (
            Handshake::status(409, "RetryableConflictException"),
            503,
            "ServiceUnavailableError",
            true,
        ),
        (
            Handshake::status(424, "RuntimeClientError"),
            503,
            "ServiceUnavailableError",
            true,
        ),
        (later(429), 503, "ServiceUnavailableError", true),
        (later(500), 503, "ServiceUnavailableError", true),
        (Handshake::status(302, "X"), 500, "InternalError", false),
        (Handshake::status(418, "X"), 500, "InternalError", false),
        (
            raw("SSH-2.0-OpenSSH_9.7\r\n\r\n"),
            500,
            "InternalError",
            false,
        ),
        (Handshake::Reset, 503, "ServiceUnavailableError", true),
        (
            Handshake::CloseSilently,
            503,
            "ServiceUnavailableError",
            true,
        ),
        (Handshake::Stall, 504, "TimeoutError", true),
    ]
}

#[tokio::test]
async fn errors_of_ending_map_like_those_of_a_handshake() {
    for (stopping, status, code, retryable) in answers() {
        let name = format!("{stopping:?}");
        let retry_after = name.contains("retry-after").then_some(7);
        let bridge = bridge(stopping).await;
        let answer = end(&bridge, "test", "mine").await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {answer:?}");
        let mut details = json!({ "agentId": "test", "sessionId": "mine", "retryable": retryable });
        if let Some(seconds) = retry_after {
            details["retryAfter"] = seconds.into();
            assert_eq!(answer.header("retry-after"), seconds.to_string());
        }
        let told = answer.json();
        assert_eq!(told["error"], code, "{name}");
        assert_eq!(told["details"], details, "{name}: no phase");
        for secret in ["of the agent", "arn:", "123456789012", "127.0.0.1", "SSH"] {
            assert!(!answer.text.contains(secret), "{name}: {answer:?}");
        }
        assert_eq!(bridge.emulator.connections().len(), 1, "{name}: asked once");
    }
}

/// The error type may be in the body only, or missing.
#[tokio::test]
async fn ending_succeeds_if_the_service_does_not_know_the_session() {
    for (error_type, body) in [
        (None, ""),
        (None, r#"{"message":"MARKER"}"#),
        (Some("ResourceNotFoundException:http://internal/"), "{}"),
        (
            None,
            r#"{"__type":"com.amazon#ResourceNotFoundException","message":"MARKER"}"#,
        ),
    ] {
        let stopping = Handshake::Status {
            status: 404,
            error_type: error_type.map(str::to_owned),
            headers: vec![],
            body: body.into(),
        };
        let bridge = bridge(stopping).await;
        assert_eq!(end(&bridge, "test", "mine").await.status, 204, "{body}");
    }
}

#[tokio::test]
async fn an_unreachable_service_gives_a_503() {
    let Bridge { emulator, api } = bridge(Handshake::Accept).await;
    emulator.stop().await;
    let request = Request::delete("/api/agents/test/sessions/mine");
    let request = request.body(Bytes::new()).unwrap();
    let answer = api.answer(request, crate::support::context()).await;
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn ending_respects_the_connect_and_invoke_timeouts() {
    for variable in ["CONNECT_TIMEOUT_MS", "INVOKE_TIMEOUT_MS"] {
        let agent = Agent::echo().stopping(Handshake::Stall);
        let bridge = Bridge::configured(agent, &[(variable, "200")]).await;
        let start = Instant::now();
        assert_eq!(end(&bridge, "test", "mine").await.status, 504);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(8), "{variable}: {took:?}");
        let hung_up = bridge
            .emulator
            .wait_until(|all| all[0].ended != Ended::Open);
        hung_up.await;
    }
}

#[tokio::test]
async fn invalid_requests_fail_before_the_service_is_asked() {
    let bridge = bridge(Handshake::Accept).await;
    let long = "a".repeat(257);
    for (agent, session, status, details) in [
        ("test", "-a", 400, json!({ "retryable": false })),
        ("test", "a%20b", 400, json!({ "retryable": false })),
        ("test", &long, 400, json!({ "retryable": false })),
        ("nobody", "-a", 400, json!({ "retryable": false })),
        (
            "nobody",
            "mine",
            404,
            json!({ "sessionId": "mine", "retryable": false }),
        ),
        ("%ff", "mine", 404, json!({ "retryable": false })),
        ("test", "%ff", 400, json!({ "retryable": false })),
        (
            "broken",
            "mine",
            400,
            json!({ "agentId": "broken", "sessionId": "mine", "retryable": false }),
        ),
    ] {
        let answer = end(&bridge, agent, session).await;
        assert_eq!(answer.status.as_u16(), status, "{agent} {session}");
        let told = answer.json();
        let code = if status == 400 {
            "ValidationError"
        } else {
            "NotFoundError"
        };
        assert_eq!(told["error"], code);
        assert_eq!(told["details"], details, "{agent} {session}");
    }
    assert!(bridge.emulator.connections().is_empty());
}

#[tokio::test]
async fn the_route_has_its_methods_and_no_subpaths() {
    let bridge = Bridge::configured(Agent::echo(), &[("CORS_ALLOWED_ORIGINS", "*")]).await;
    let send = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("origin", "https://a.example");
        bridge.send(request.body(Bytes::new()).unwrap()).await
    };
    let path = "/api/agents/test/sessions/mine";
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH"] {
        let answer = send(method, path).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "DELETE, OPTIONS");
    }
    let preflight = send("OPTIONS", path).await;
    assert_eq!(
        (preflight.status.as_u16(), preflight.text.as_str()),
        (204, "")
    );
    assert_eq!(
        preflight.header("access-control-allow-methods"),
        "DELETE,OPTIONS"
    );
    for path in [
        "/api/agents/test/sessions/",
        "/api/agents/test/sessions/mine/",
        "/api/agents//sessions/mine",
        "/api/agents/test/sessions/mine/x",
    ] {
        assert_eq!(send("DELETE", path).await.status, 404, "{path}");
    }
    assert!(bridge.emulator.connections().is_empty());
}

#[tokio::test]
async fn ending_is_logged_with_a_level_by_whose_fault_it_is() {
    let stopping = Handshake::Sequence(vec![
        Handshake::Accept,
        Handshake::status(429, "MARKER"),
        Handshake::status(302, "MARKER"),
    ]);
    let (_emulator, function) = function(
        Agent::echo().stopping(stopping),
        &[("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x")],
    )
    .await;
    for (path, status) in [
        ("/prod/api/agents/test/sessions/mine", 204),
        ("/api/agents/test/sessions/mine", 503),
        ("/api/agents/test/sessions/mine", 500),
        ("/api/agents/broken/sessions/mine", 400),
    ] {
        let event = at(rest_event("DELETE", path, None), "DELETE", path);
        let (answered, body) = answered(function.invoke(&event).await);
        assert_eq!(answered, status, "{body}");
    }
    let stdout = function.stop().await.stdout;
    assert!(
        !stdout.contains("MARKER") && !stdout.contains("123456789012"),
        "{stdout}"
    );
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["message"].as_str().unwrap().contains("session"))
        .collect();
    let outline = |line: &Value| {
        ["level", "message", "agentId", "errorCode"]
            .map(|name| line[name].as_str().map(str::to_owned))
    };
    let failed = "session not ended";
    let expected = [
        [Some("INFO"), Some("session ended"), Some("test"), None],
        [
            Some("WARN"),
            Some(failed),
            Some("test"),
            Some("ServiceUnavailableError"),
        ],
        [
            Some("WARN"),
            Some(failed),
            Some("test"),
            Some("InternalError"),
        ],
        [
            Some("ERROR"),
            Some(failed),
            Some("broken"),
            Some("ValidationError"),
        ],
    ]
    .map(|line| line.map(|value| value.map(str::to_owned)));
    assert_eq!(lines.iter().map(outline).collect::<Vec<_>>(), expected);
    for line in &lines {
        assert_eq!(line["sessionId"], "mine");
        assert!(line["requestId"].is_string(), "{line}");
    }
}
