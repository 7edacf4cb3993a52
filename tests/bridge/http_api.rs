//! The HTTP API: routes, methods, headers, CORS, and the order in which errors are reported.

use agentcore_bridge::api::RequestContext;
use agentcore_emulator::Agent;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::support::{Answer, Bridge, context};

async fn bridge(more: &[(&str, &str)]) -> Bridge {
    Bridge::configured(Agent::echo(), more).await
}

async fn request(bridge: &Bridge, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    bridge.send(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn every_response_has_the_common_headers() {
    let bridge = bridge(&[]).await;
    for (method, path, status) in [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/api/agents", 200),
        ("HEAD", "/api/agents", 200),
        ("GET", "/api/agents/test", 200),
        ("GET", "/api/agents/unknown", 404),
        ("GET", "/api/agents/%ff", 404),
        ("GET", "/api/agents/invoke", 405),
        ("PUT", "/api/agents/invoke", 405),
        ("POST", "/health", 405),
        ("POST", "/api/agents/invoke", 400),
        ("GET", "/nothing", 404),
        ("OPTIONS", "/nothing", 404),
        ("GET", "/", 404),
        ("OPTIONS", "/health", 204),
        ("OPTIONS", "/api/agents", 204),
        ("OPTIONS", "/api/agents/test", 204),
        ("OPTIONS", "/api/agents/invoke", 204),
    ] {
        let answer = request(&bridge, method, path, &[("accept", "text/event-stream")]).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.header("x-request-id"), "request-1");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        if method == "HEAD" || status == 204 {
            assert_eq!(answer.text, "", "{method} {path}");
        } else {
            assert_eq!(
                answer.header("content-type"),
                "application/json",
                "{method} {path}"
            );
            answer.json();
        }
    }
}

#[tokio::test]
async fn a_405_lists_the_allowed_methods() {
    let bridge = bridge(&[]).await;
    for (method, path, allowed) in [
        ("GET", "/api/agents/invoke", "POST, OPTIONS"),
        ("DELETE", "/api/agents", "GET, HEAD, OPTIONS"),
        ("PATCH", "/health", "GET, HEAD, OPTIONS"),
    ] {
        let answer = request(&bridge, method, path, &[]).await;
        assert_eq!(answer.header("allow"), allowed);
        assert_eq!(answer.json()["error"], "MethodNotAllowedError");
    }
}

#[tokio::test]
async fn the_listing_shows_agents_without_arns() {
    let more = [
        ("MWC_EU_AGENT_ARN", "arn:aws:bedrock-agentcore:broken"),
        ("TEST_AGENT_DESCRIPTION", "Says it back."),
        ("TEST_AGENT_DISPLAY_NAME", "Parrot"),
    ];
    let bridge = bridge(&more).await;
    let parrot = json!({
        "id": "test",
        "name": "Parrot",
        "description": "Says it back.",
        "configured": true,
        "region": "us-east-1",
    });
    let broken = json!({ "id": "mwc-eu", "name": "Mwc Eu", "configured": false });
    let listed = request(&bridge, "GET", "/api/agents", &[]).await;
    assert_eq!(listed.json(), json!({ "agents": [broken, parrot] }));
    assert!(!listed.text.contains("arn:") && !listed.text.contains("123456789012"));
    for id in ["test", "TEST", "test-agent", "%74est"] {
        let shown = request(&bridge, "GET", &format!("/api/agents/{id}"), &[]).await;
        assert_eq!(shown.json(), parrot);
    }

    let said = json!({ "agentId": "mwc-eu", "prompt": "x" });
    let answer = bridge.invoke(&said).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let details = json!({ "agentId": "mwc-eu", "retryable": false, "phase": "resolve" });
    assert_eq!(answer.json()["details"], details);
    assert_eq!(
        bridge.say("x").await.status,
        StatusCode::OK,
        "the others work"
    );
}

#[tokio::test]
async fn health_makes_no_request() {
    let bridge = bridge(&[]).await;
    let answer = request(&bridge, "GET", "/health", &[]).await;
    let version = env!("CARGO_PKG_VERSION");
    let mut expected = json!({ "status": "ok", "version": version });
    // Builds for deployment know it, and those that are told.
    if let Some(commit) = option_env!("AGENTCORE_BRIDGE_COMMIT") {
        expected["commit"] = json!(commit);
    }
    assert_eq!(answer.json(), expected);
    assert!(bridge.emulator.connections().is_empty());
}

#[tokio::test]
async fn invalid_requests_fail_before_anything_is_done() {
    let bridge = bridge(&[("MAX_PROMPT_BYTES", "10")]).await;
    let big = "x".repeat(1_048_577);
    for (body, status, code) in [
        (big.as_str(), 413, "PayloadTooLargeError"),
        ("{", 400, "ValidationError"),
        ("[]", 400, "ValidationError"),
        (r#"{"agentId":"test"}"#, 400, "ValidationError"),
        (
            r#"{"agentId":"test","prompt":"longer than ten"}"#,
            400,
            "ValidationError",
        ),
        (
            r#"{"agentId":"nobody","prompt":"longer than ten"}"#,
            400,
            "ValidationError",
        ),
        (r#"{"agentId":"nobody","prompt":"x"}"#, 404, "NotFoundError"),
        (
            r#"{"agentId":"../invoke","prompt":"x"}"#,
            404,
            "NotFoundError",
        ),
    ] {
        let answer = bridge.post(body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), status);
        let told = answer.json();
        assert_eq!(told["error"], code);
        assert_eq!(told["details"], json!({ "retryable": false }));
    }
    let exactly = format!(
        "{{\"agentId\":\"test\",\"prompt\":\"x\"{}}}",
        " ".repeat(1_048_576 - 31)
    );
    assert_eq!(exactly.len(), 1_048_576);
    assert_eq!(bridge.post(exactly).await.status, StatusCode::OK);
    assert_eq!(bridge.emulator.connections().len(), 1);
}

#[tokio::test]
async fn content_type_is_ignored() {
    let bridge = bridge(&[]).await;
    let request = Request::post("/api/agents/invoke")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(
            json!({ "agentId": "test", "prompt": "x" })
                .to_string()
                .into(),
        )
        .unwrap();
    assert_eq!(bridge.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_allowed_origins_get_cors_headers() {
    let listed = bridge(&[(
        "CORS_ALLOWED_ORIGINS",
        "https://a.example, https://b.example",
    )])
    .await;
    let all = bridge(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    let none = bridge(&[]).await;
    for (bridge, origin, allowed) in [
        (&listed, "https://a.example", Some("https://a.example")),
        (&listed, "https://b.example", Some("https://b.example")),
        (&listed, "https://c.example", None),
        (&listed, "https://a.example.evil", None),
        (&all, "https://c.example", Some("*")),
        (&none, "https://a.example", None),
    ] {
        for (method, path) in [
            ("GET", "/health"),
            ("POST", "/api/agents/invoke"),
            ("GET", "/api/agents/invoke"),
            ("GET", "/nothing"),
            ("OPTIONS", "/api/agents/invoke"),
        ] {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
            ];
            let answer = request(bridge, method, path, &headers).await;
            let header = answer.headers.get("access-control-allow-origin");
            assert_eq!(
                header.map(|value| value.to_str().unwrap()),
                allowed,
                "{method} {path}"
            );
            assert_eq!(answer.header("vary").to_ascii_lowercase(), "origin");
            if allowed.is_some() && method != "OPTIONS" {
                let exposed = answer.header("access-control-expose-headers");
                assert_eq!(exposed, "x-request-id,retry-after,server-timing");
            }
        }
    }
}

#[tokio::test]
async fn a_preflight_lists_the_methods_of_the_route() {
    let bridge = bridge(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    for (path, methods) in [
        ("/api/agents/invoke", "POST,OPTIONS"),
        ("/api/agents", "GET,HEAD,OPTIONS"),
    ] {
        let answer = request(&bridge, "OPTIONS", path, &[("origin", "https://a.example")]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.header("access-control-allow-methods"), methods);
        let headers = "content-type,authorization,accept,x-api-key,x-session-id,user-agent,\
                       traceparent,tracestate,baggage,\
                       x-amzn-trace-id,x-amz-date,x-amz-security-token,x-amz-content-sha256";
        assert_eq!(answer.header("access-control-allow-headers"), headers);
        assert_eq!(answer.header("access-control-max-age"), "600");
    }
}

#[tokio::test]
async fn a_stage_or_base_path_prefix_is_stripped() {
    let bridge = bridge(&[("BASE_PATH", "v1/bridge")]).await;
    for (path, status) in [
        ("/prod/health", 200),
        ("/v1/bridge/health", 200),
        ("/health", 200),
        ("/prod/api/agents/invoke", 405),
        ("/dev/health", 404),
        ("/prod/v1/bridge/health", 404),
    ] {
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .body(Bytes::new())
            .unwrap();
        let context = RequestContext {
            stage: Some("prod".to_owned()),
            ..context()
        };
        let answer = bridge.send_from(request, context).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}
