//! Replies in each format, streamed and buffered.

use std::time::Duration;

use agentcore_bridge::api::RequestContext;
use agentcore_emulator::{Agent, Ended, Handshake, Step};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{Answer, Bridge, Outcome, context, function, rest_event, said};

fn piece(text: &str) -> Step {
    Step::text(format!("data: {}\n\n", json!({ "chunk": text })))
}

fn done() -> Step {
    Step::text("data: [DONE]\n\n")
}

fn request(path: &str, accept: &str) -> Request<Bytes> {
    let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" }).to_string();
    Request::post(path)
        .header("accept", accept)
        .body(body.into())
        .unwrap()
}

/// The same response, streamed and buffered.
async fn both(agent: Agent, path: &str, accept: &str) -> [Answer; 2] {
    let variables = [("CHUNK_TIMEOUT_MS", "300"), ("RETRY_MAX_RETRIES", "0")];
    let bridge = Bridge::configured(agent, &variables).await;
    let mut answers = Vec::new();
    for can_stream in [true, false] {
        let context = RequestContext {
            can_stream,
            ..context()
        };
        answers.push(bridge.send_from(request(path, accept), context).await);
    }
    answers.try_into().unwrap()
}

/// The events of a stream: name and data.
fn events(document: &str) -> Vec<(String, String)> {
    let event = |block: &str| {
        let field = |name: &str| {
            let line = block
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_default().to_owned()
        };
        (field("event"), field("data"))
    };
    assert!(document.ends_with("\n\n"), "{document:?}");
    document.trim_end().split("\n\n").map(event).collect()
}

/// The events without the duration, which varies.
fn shape(document: &str) -> Vec<(String, Value)> {
    let known = |(name, data): (String, String)| {
        let mut data: Value = serde_json::from_str(&data).unwrap_or(Value::String(data));
        for pointer in ["/metadata/duration", "/messageMetadata/metadata/duration"] {
            if let Some(duration) = data.pointer_mut(pointer) {
                assert!(duration.is_u64());
                *duration = Value::Null;
            }
        }
        (name, data)
    };
    events(document).into_iter().map(known).collect()
}

fn named(name: &str, data: Value) -> (String, Value) {
    (name.to_owned(), data)
}

#[tokio::test]
async fn a_native_stream_has_a_session_chunks_and_an_end() {
    let agent = || Agent::scripted(vec![piece("one, "), piece("two\n\"é\""), done()]);
    for (path, accept) in [
        ("/api/agents/invoke", "text/event-stream"),
        ("/api/agents/invoke/stream", "application/json"),
    ] {
        for answer in both(agent(), path, accept).await {
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(
                answer.header("content-type"),
                "text/event-stream; charset=utf-8"
            );
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("x-request-id"), "request-1");
            // The first chunk has come when the headers go out.
            assert!(answer.header("server-timing").contains("first;dur="));
            let metadata = json!({ "chunks": 2, "duration": null });
            assert_eq!(
                shape(&answer.text),
                [
                    named("session", json!({ "sessionId": "mine" })),
                    named("", json!({ "chunk": "one, " })),
                    named("", json!({ "chunk": "two\n\"é\"" })),
                    named(
                        "complete",
                        json!({ "sessionId": "mine", "metadata": metadata })
                    ),
                    named("", "[DONE]".into()),
                ]
            );
        }
    }
    let [json, _] = both(agent(), "/api/agents/invoke", "*/*").await;
    assert_eq!(json.header("content-type"), "application/json");
}

#[tokio::test]
async fn an_ai_sdk_stream_has_its_own_parts() {
    let agent = Agent::scripted(vec![piece("one, "), piece("two"), done()]);
    for answer in both(
        agent,
        "/api/agents/invoke?format=ai-sdk",
        "application/json",
    )
    .await
    {
        assert_eq!(answer.header("x-vercel-ai-ui-message-stream"), "v1");
        let parts: Vec<_> = shape(&answer.text)
            .into_iter()
            .map(|(_, part)| part)
            .collect();
        let kinds: Vec<_> = parts
            .iter()
            .filter_map(|part| part["type"].as_str())
            .collect();
        let text = ["text-start", "text-delta", "text-delta", "text-end"];
        assert_eq!(kinds[..2], ["start", "start-step"]);
        assert_eq!(kinds[2..6], text);
        assert_eq!(kinds[6..], ["finish-step", "finish"]);
        assert_eq!(parts[0]["messageMetadata"]["sessionId"], "mine");
        assert_eq!(parts.last().unwrap(), "[DONE]");
    }
}

#[tokio::test]
async fn a_failure_before_the_first_chunk_is_an_ordinary_error() {
    for agent in [
        Agent::refusing(Handshake::status(403, "AccessDeniedException")),
        Agent::scripted(vec![Step::Fin]),
        Agent::error_first(),
        Agent::silent(),
    ] {
        for answer in both(agent, "/api/agents/invoke/stream", "text/event-stream").await {
            assert!(answer.status.as_u16() >= 400, "{answer:?}");
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(answer.json()["details"]["sessionId"], "mine");
        }
    }
}

#[tokio::test]
async fn a_failure_after_the_first_chunk_is_an_event() {
    for (end, code) in [
        (Step::Fin, "ServiceUnavailableError"),
        (
            Step::text("data: {\"error\":\"MARKER\"}\n\n"),
            "InternalError",
        ),
        (Step::Silence, "TimeoutError"),
    ] {
        let agent = || Agent::scripted(vec![piece("so far"), end.clone()]);
        for answer in both(agent(), "/api/agents/invoke/stream", "*/*").await {
            assert_eq!(answer.status, StatusCode::OK);
            let events = shape(&answer.text);
            let [.., chunk, (name, error), (_, done)] = events.as_slice() else {
                panic!()
            };
            assert_eq!(chunk.1, json!({ "chunk": "so far" }));
            assert_eq!((name.as_str(), done), ("error", &json!("[DONE]")));
            assert_eq!(error["error"], code);
            let details = json!({ "agentId": "test", "sessionId": "mine", "retryable": false, "phase": "stream" });
            assert_eq!(error["details"], details);
            assert!(!answer.text.contains("MARKER"));
        }
        for answer in both(agent(), "/api/agents/invoke/stream?format=ai-sdk", "*/*").await {
            let events = shape(&answer.text);
            let [.., (_, error), (_, done)] = events.as_slice() else {
                panic!()
            };
            assert_eq!(
                (error["type"].as_str(), done),
                (Some("error"), &json!("[DONE]"))
            );
            assert!(!error["errorText"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_reply_without_text_is_a_stream_without_chunks() {
    for answer in both(
        Agent::scripted(vec![done()]),
        "/api/agents/invoke/stream",
        "*/*",
    )
    .await
    {
        let names: Vec<_> = events(&answer.text)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["session", "complete", ""]);
    }
}

/// Only a buffered response has a size limit; `incomplete` says that it was cut.
#[tokio::test]
async fn only_buffered_responses_are_cut_at_the_limits() {
    let agent = Agent::scripted(
        vec![piece(&"\"".repeat(1 << 20)); 5]
            .into_iter()
            .chain([done()])
            .collect(),
    );
    let bridge = Bridge::to(agent).await;
    let whole = bridge
        .send(request("/api/agents/invoke/stream", "*/*"))
        .await;
    let escaped = serde_json::to_string(&whole.text).unwrap().len();
    assert!((5_900_000..6_000_000).contains(&escaped), "{escaped}");
    let (_, complete) = shape(&whole.text)
        .into_iter()
        .find(|(name, _)| name == "complete")
        .unwrap();
    assert_eq!(complete["incomplete"], true);

    let context = RequestContext {
        can_stream: true,
        ..context()
    };
    let stream = bridge
        .send_from(request("/api/agents/invoke/stream", "*/*"), context)
        .await;
    let (_, complete) = shape(&stream.text)
        .into_iter()
        .find(|(name, _)| name == "complete")
        .unwrap();
    assert_eq!(complete.get("incomplete"), None);
    assert!(stream.text.len() > 10 << 20);
}

#[tokio::test]
async fn silences_are_filled_with_keep_alive_comments() {
    let agent = Agent::scripted(vec![piece("a"), Step::Silence]);
    let long = [
        ("CHUNK_TIMEOUT_MS", "900000"),
        ("INVOKE_TIMEOUT_MS", "900000"),
    ];
    let bridge = Bridge::configured(agent, &long).await;
    let context = RequestContext {
        can_stream: true,
        ..context()
    };
    let response = bridge
        .api
        .answer(request("/api/agents/invoke/stream", "*/*"), context)
        .await;
    let mut body = response.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: session\n"), "{first:?}");
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    for n in 1..=3 {
        assert_eq!(body.next().await.unwrap().unwrap(), ": keep-alive\n\n");
        assert_eq!(start.elapsed().as_secs(), n * 15);
    }
    tokio::time::resume();
    drop(body);
    let closed = bridge
        .emulator
        .wait_until(|all| all[0].ended != Ended::Open)
        .await;
    assert_eq!(
        closed[0].status,
        Some(101),
        "who goes away takes the agent's connection along"
    );
}

/// The built binary in `response_stream` mode sends the first chunk before the agent sends the
/// second.
#[tokio::test]
async fn a_piece_leaves_the_process_before_the_next_has_come() {
    let agent = Agent::scripted(vec![
        piece("one"),
        Step::pause_ms(1_500),
        piece("two"),
        done(),
    ]);
    let (emulator, function) = function(agent, &[("INVOKE_MODE", "response_stream")]).await;
    let event = rest_event("POST", "/api/agents/invoke/stream", Some(&said("x")));
    let Outcome::Stream(mut parts) = function.invoke(&event).await else {
        panic!("no stream")
    };
    let mut received = Vec::new();
    let start = std::time::Instant::now();
    while !String::from_utf8_lossy(&received).contains("\"one\"") {
        received.extend(parts.recv().await.unwrap());
    }
    assert!(
        start.elapsed() < Duration::from_millis(1_400),
        "{:?}",
        start.elapsed()
    );
    assert!(!String::from_utf8_lossy(&received).contains("two"));
    while let Some(part) = parts.recv().await {
        received.extend(part);
    }
    let received = String::from_utf8(received).unwrap();
    let (prelude, body) = received.split_once("\0\0\0\0\0\0\0\0").unwrap();
    let prelude: Value = serde_json::from_str(prelude).unwrap();
    assert_eq!(prelude["statusCode"], 200);
    assert_eq!(
        prelude["headers"]["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let names: Vec<_> = events(body).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["session", "", "", "complete", ""]);
    assert_eq!(emulator.connections()[0].close_code, Some(1000));

    let event = rest_event("GET", "/health", None);
    let Outcome::Stream(mut parts) = function.invoke(&event).await else {
        panic!("no stream")
    };
    let mut received = Vec::new();
    while let Some(part) = parts.recv().await {
        received.extend(part);
    }
    assert!(
        String::from_utf8(received)
            .unwrap()
            .ends_with("\"version\":\"0.1.0\"}")
    );
}
