//! What callers may send, and what they cannot achieve with it.

use agentcore_bridge::api::RequestContext;
use agentcore_emulator::{Agent, Connection, Operation};
use bytes::Bytes;
use http::{HeaderValue, Request};
use serde_json::{Value, json};

use crate::support::{ARN, Answer, Bridge, answered, at, context, event, function, saying};

/// An agent whose id contains `k` and `i`, which are the lower or upper case of some other
/// characters.
async fn bridge() -> Bridge {
    Bridge::configured(Agent::echo(), &[("KIT_AGENT_ARN", ARN)]).await
}

/// Percent-encodes a text as a path segment.
fn segment(text: &str) -> String {
    let encoded = text.bytes().map(|byte| format!("%{byte:02X}"));
    encoded.collect()
}

async fn send(bridge: &Bridge, method: &str, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    bridge.send(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn look_alike_agent_ids_are_not_found() {
    let bridge = bridge().await;
    for id in [
        "\u{212a}it", // Kelvin sign, of which `k` is the lower case
        "k\u{131}t",  // dotless i, of which `I` is the upper case
        "k\u{130}t",  // dotted I, of which `i` and a dot are the lower case
        "K\u{130}T",
        "\u{ff4b}\u{ff49}\u{ff54}", // fullwidth
        "k\u{456}t",                // a Cyrillic letter
        "kit\u{200b}",              // zero width
        "\u{202e}tik",              // right to left
        "kit\0",
        "kit\n",
        " kit",
        "kit ",
        "kit/",
        "../kit",
        "kit/../kit",
        "kit%00",
        "kit?x",
        "kit;x",
        "_kit",
        "kit-agent-agent",
        "KIT_AGENT_ARN",
        ARN,
        &"k".repeat(100_000),
    ] {
        let body = json!({ "agentId": id, "prompt": "x", "sessionId": "mine" });
        let answer = bridge.invoke(&body).await;
        assert_eq!(answer.status, 404, "{id:?}");
        let details = json!({ "sessionId": "mine", "retryable": false });
        assert_eq!(answer.json()["details"], details, "{id:?}");
        if id.len() > 10_000 {
            continue;
        }
        let id = segment(id);
        for (method, path) in [
            ("GET", format!("/api/agents/{id}")),
            ("GET", format!("/api/agents/{id}/status")),
            ("DELETE", format!("/api/agents/{id}/sessions/mine")),
        ] {
            let answer = send(&bridge, method, &path).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.json()["error"], "NotFoundError");
        }
    }
    assert!(bridge.emulator.connections().is_empty());
    assert_eq!(
        send(&bridge, "GET", &format!("/api/agents/{}", segment("KIT")))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn session_ids_are_validated_wherever_they_are_sent() {
    let bridge = bridge().await;
    let longest = "a".repeat(256);
    for id in [
        "a\r\nHost: evil.example",
        "a\r\n\r\nGET / HTTP/1.1",
        "a\n",
        "a\0",
        "a\u{7f}",
        "a\u{85}",
        "a b",
        "a+b",
        "a/b",
        "a/../b",
        "..",
        ".",
        "a?qualifier=x",
        "a&qualifier=x",
        "a#b",
        "a%20",
        "a%2Fb",
        "a:b",
        "a;b",
        "a\"b",
        "\u{212a}",
        "s\u{131}",
        "\u{ff41}",
        "\u{661}",
        "é",
        "e\u{301}",
        "-a",
        "_a",
        &format!("{longest}a"),
        &"a".repeat(10_000),
    ] {
        let body = json!({ "agentId": "kit", "prompt": "x", "sessionId": id });
        for path in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
            let request = Request::post(path).body(body.to_string().into()).unwrap();
            let answer = bridge.send(request).await;
            assert_eq!(answer.status, 400, "{id:?}");
            assert_eq!(answer.json()["error"], "ValidationError");
            assert_eq!(answer.json()["details"], json!({ "retryable": false }));
        }
        let path = format!("/api/agents/kit/sessions/{}", segment(id));
        let answer = send(&bridge, "DELETE", &path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.json()["error"], "ValidationError");
    }
    assert!(bridge.emulator.connections().is_empty());
    for path in [
        "/api/agents/kit/sessions/%61",
        &format!("/api/agents/kit/sessions/{longest}"),
    ] {
        assert_eq!(send(&bridge, "DELETE", path).await.status, 204, "{path}");
    }
}

#[tokio::test]
async fn json_is_bounded_and_parsed_once() {
    let bridge = bridge().await;
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    let large = format!(
        r#"{{"agentId":"kit","prompt":"x","a":"{}"}}"#,
        "a".repeat(1 << 20)
    );
    for (body, status) in [
        (format!(r#"{{"agentId":{deep},"prompt":"x"}}"#), 400),
        (format!(r#"{{"agentId":"kit","prompt":{objects}}}"#), 400),
        (format!("{deep}x"), 400),
        (deep.clone(), 400),
        (large, 413),
        (
            r#"{"agentId":"kit","agentId":"kit","prompt":"x"}"#.to_owned(),
            400,
        ),
        (
            r#"{"agentId":"kit","\u0061gentId":"test","prompt":"x"}"#.to_owned(),
            400,
        ),
        (
            r#"{"agentId":"kit","prompt":"x","sessionId":null,"sessionId":"a"}"#.to_owned(),
            400,
        ),
        ("\u{feff}{}".to_owned(), 400),
        (r#"{"agentId":"kit","prompt":"x"}{}"#.to_owned(), 400),
        (
            format!(r#"{{"agentId":"kit","prompt":"x","a":{deep}}}"#),
            200,
        ),
    ] {
        let answer = bridge.post(body).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
    assert_eq!(bridge.emulator.connections().len(), 1);
}

/// Requests to the service have only an address and headers of our own.
#[tokio::test]
async fn callers_cannot_choose_host_region_or_headers() {
    let variables = [("ECHO_AGENT_ARN", ARN), ("ECHO_AGENT_QUALIFIER", "prod")];
    let (emulator, function) = function(Agent::echo().endpoints(["prod"]), &variables).await;
    let body = json!({
        "agentId": "echo",
        "prompt": "x",
        "sessionId": "mine",
        "region": "eu-evil-1",
        "qualifier": "evil",
        "endpoint": "https://evil.example",
        "runtimeSessionId": "evil",
        "arn": "arn:aws:bedrock-agentcore:eu-evil-1:666666666666:runtime/Evil-Abcdef1234",
    });
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "1"),
        ("forwarded", "host=evil.example"),
        ("x-amzn-bedrock-agentcore-runtime-session-id", "evil"),
        ("x-amzn-bedrock-agentcore-runtime-custom-evil", "evil"),
        ("x-amzn-bedrock-agentcore-runtime-user-id", "evil"),
        ("x-amz-security-token", "evil"),
        ("x-amz-date", "evil"),
        ("authorization", "evil"),
        ("cookie", "evil"),
        ("origin", "https://evil.example"),
        ("sec-websocket-protocol", "evil"),
        ("sec-websocket-key", "evil"),
        ("x-original-url", "/evil"),
        ("x-http-method-override", "DELETE"),
    ];
    let query = "qualifier=evil&X-Amzn-Bedrock-AgentCore-Runtime-Session-Id=evil&region=evil";
    for base in ["rest-api", "http-api", "function-url", "alb"] {
        let mut event = saying(event(base, &json!({})), &body);
        for (name, value) in headers {
            event["headers"][name] = value.into();
        }
        if event.get("rawQueryString").is_some() {
            event["rawQueryString"] = query.into();
        } else {
            event["queryStringParameters"] = json!({ "qualifier": "evil", "region": "evil" });
        }
        let (status, answer) = answered(function.invoke(&event).await);
        assert_eq!(status, 200, "{base}: {answer}");
        let end = at(event, "DELETE", "/api/agents/echo/sessions/mine");
        assert_eq!(answered(function.invoke(&end).await).0, 204, "{base}");
    }
    let address = emulator.address().to_string();
    let all = emulator.connections();
    assert_eq!(all.len(), 8);
    for connection in &all {
        assert_eq!(connection.header("host"), Some(address.as_str()));
        assert_eq!(connection.parameter("qualifier"), Some("prod"));
        assert_eq!(connection.arn.as_deref(), Some(ARN));
        let mut names: Vec<_> = connection
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, headers_of(connection), "{connection:?}");
        let shown = format!("{:?} {:?}", connection.target, connection.headers);
        assert!(!shown.contains("evil"), "{shown}");
    }
}

/// The expected headers of a request to the service, sorted.
fn headers_of(connection: &Connection) -> &'static [&'static str] {
    match connection.operation {
        Some(Operation::StopRuntimeSession) => &[
            "authorization",
            "content-length",
            "content-type",
            "host",
            "x-amz-date",
            "x-amzn-bedrock-agentcore-runtime-session-id",
        ],
        _ => &[
            "connection",
            "host",
            "sec-websocket-key",
            "sec-websocket-version",
            "upgrade",
            "user-agent",
            "x-amzn-trace-id",
        ],
    }
}

/// Callers cannot add lines to the log.
#[tokio::test]
async fn callers_cannot_inject_log_lines() {
    let variables = [("LOG_LEVEL", "trace"), ("ECHO_AGENT_ARN", ARN)];
    let (_emulator, function) = function(Agent::echo(), &variables).await;
    let forged = "\n{\"level\":\"ERROR\",\"message\":\"FORGED\"}\r\n\u{1b}[31m\u{2028}";
    let mut statuses = vec![];
    for body in [
        json!({ "agentId": forged, "prompt": forged, "sessionId": "mine" }),
        json!({ "agentId": "echo", "prompt": forged, "sessionId": forged }),
        json!({ "agentId": "echo", "prompt": forged, "sessionId": "mine" }),
    ] {
        for base in ["rest-api", "http-api", "alb"] {
            let mut event = saying(event(base, &json!({})), &body);
            event["headers"]["traceparent"] = forged.into();
            event["headers"]["user-agent"] = forged.into();
            event["requestContext"]["requestId"] = forged.into();
            statuses.push(answered(function.invoke(&event).await).0);
            let path = format!("/api/agents/echo/sessions/{}", segment(forged));
            statuses.push(answered(function.invoke(&at(event, "DELETE", &path)).await).0);
        }
    }
    let expected = [[404, 400], [400, 400], [200, 400]];
    let expected: Vec<_> = expected
        .into_iter()
        .flat_map(|s| [s, s, s])
        .flatten()
        .collect();
    assert_eq!(statuses, expected);
    let stdout = function.stop().await.stdout;
    assert!(
        !stdout.contains("FORGED") && !stdout.contains('\u{1b}'),
        "{stdout}"
    );
    assert!(stdout.lines().count() >= 6, "{stdout}");
    for line in stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }
}

/// Caller input is returned as JSON or validated before, so it cannot add headers or events.
#[tokio::test]
async fn callers_cannot_inject_headers_or_events() {
    let bridge = bridge().await;
    let body =
        json!({ "agentId": "kit", "prompt": "a\n\ndata: [DONE]\n\nevent: x", "sessionId": "mine" });
    let request = Request::post("/api/agents/invoke/stream")
        .header("x-request-id", "evil")
        .header("origin", "https://evil.example")
        .body(body.to_string().into())
        .unwrap();
    let context = RequestContext {
        request_id: "a\r\nset-cookie: evil".to_owned(),
        ..context()
    };
    let answer = bridge.send_from(request, context).await;
    assert_eq!(
        answer.text.matches("data: [DONE]\n").count(),
        1,
        "{answer:?}"
    );
    assert!(!answer.text.contains("event: x\n"));
    assert_eq!(
        answer.headers.get("x-request-id"),
        None,
        "an id that is none is not told"
    );
    let told = answer.headers.values().any(|value| {
        let evil: &[u8] = b"evil";
        HeaderValue::as_bytes(value)
            .windows(4)
            .any(|part| part == evil)
    });
    assert!(!told, "{answer:?}");
}

#[tokio::test]
async fn paths_queries_and_headers_are_bounded() {
    let (_emulator, function) = function(Agent::echo(), &[("ECHO_AGENT_ARN", ARN)]).await;
    let long = "a".repeat(70_000);
    for base in ["rest-api", "http-api", "alb"] {
        let plain = event(base, &json!({}));
        for path in [
            format!("/api/agents/{long}"),
            format!("/api/agents/echo/sessions/{long}"),
            format!("/{long}/health"),
            "/api/agents/".to_owned() + &"a/".repeat(20_000),
        ] {
            let (status, _) = answered(function.invoke(&at(plain.clone(), "GET", &path)).await);
            assert_eq!(status, 404, "{base}");
        }
        let mut query = plain.clone();
        query["rawQueryString"] = format!("format={long}").into();
        query["queryStringParameters"] = json!({ "format": long });
        assert_eq!(answered(function.invoke(&query).await).0, 200, "{base}");

        let mut headers = plain.clone();
        for n in 0..500 {
            headers["headers"][format!("x-{n}")] = "a".repeat(200).into();
        }
        for (name, value) in [
            ("accept", &long),
            ("traceparent", &long),
            ("tracestate", &long),
            ("baggage", &long),
            ("x-amzn-trace-id", &long),
            ("x-forwarded-for", &long),
        ] {
            headers["headers"][name] = value.as_str().into();
        }
        assert_eq!(answered(function.invoke(&headers).await).0, 200, "{base}");
    }
}
