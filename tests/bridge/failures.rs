//! What a caller gets when something fails, and what the agent is spared.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Ended, Handshake, Step};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ARN, Answer, Bridge, answer_to};

/// Asserts an error's status, code, phase and `retryable`.
fn assert_error(answer: &Answer, status: u16, code: &str, phase: Option<&str>, retryable: bool) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["error"], code, "{body}");
    assert!(!body["message"].as_str().unwrap().is_empty());
    assert_eq!(
        body["details"].get("phase").and_then(Value::as_str),
        phase,
        "{body}"
    );
    assert_eq!(body["details"]["retryable"], retryable, "{body}");
    assert_eq!(body["details"]["agentId"], "test");
}

#[tokio::test]
async fn the_status_of_a_handshake_determines_the_response() {
    const UNAVAILABLE: &str = "ServiceUnavailableError";
    for (status, error_type, expected, code) in [
        (400, "ValidationException", 400, "ValidationError"),
        (401, "UnauthorizedException", 401, "AuthenticationError"),
        (402, "ServiceQuotaExceededException", 503, UNAVAILABLE),
        (403, "AccessDeniedException", 403, "AuthorizationError"),
        (403, "InvalidSignatureException", 401, "AuthenticationError"),
        (403, "RuntimeClientError", 403, "AuthorizationError"),
        (404, "ResourceNotFoundException", 404, "NotFoundError"),
        (409, "ConflictException", 503, UNAVAILABLE),
        (418, "Teapot", 500, "InternalError"),
        (424, "RuntimeClientError", 503, UNAVAILABLE),
        (429, "ThrottlingException", 503, UNAVAILABLE),
        (500, "InternalServerException", 503, UNAVAILABLE),
        (302, "", 500, "InternalError"),
        (200, "", 500, "InternalError"),
    ] {
        let refusing = Agent::refusing(Handshake::status(status, error_type));
        let bridge = Bridge::to(refusing).await;
        let answer = bridge.say("x").await;
        let is_transient = expected == 503;
        assert_error(&answer, expected, code, Some("handshake"), is_transient);
        let attempts = if is_transient { 4 } else { 1 };
        assert_eq!(bridge.emulator.connections().len(), attempts, "{status}");
        assert_eq!(answer.headers.get("retry-after"), None);
    }
}

#[tokio::test]
async fn every_status_of_a_handshake_maps_to_a_response() {
    let bridge = Bridge::configured(Agent::echo(), &[("RETRY_MAX_RETRIES", "0")]).await;
    for status in 200..=599 {
        let refusing = Agent::refusing(Handshake::status(status, "SomeException"));
        bridge.emulator.register(ARN, refusing);
        let expected = answer_to(status);
        let answer = bridge.say("x").await;
        assert_eq!(answer.status.as_u16(), expected, "{status}: {answer:?}");
        assert_eq!(answer.json()["details"]["phase"], "handshake", "{status}");
    }
}

#[tokio::test]
async fn a_cold_start_is_retried_until_ready() {
    let cold = Handshake::status(424, "RuntimeClientError");
    let attempts = vec![cold.clone(), Handshake::Reset, cold, Handshake::Accept];
    let agent = Agent::echo().handshake(Handshake::Sequence(attempts));
    let bridge = Bridge::to(agent).await;
    let answer = bridge.say("x").await;
    assert_eq!(answer.status, StatusCode::OK);
    let connections = bridge.emulator.connections();
    assert_eq!(connections.len(), 4);
    let sent = connections
        .iter()
        .map(|connection| connection.messages.len())
        .sum::<usize>();
    assert_eq!(sent, 1, "the agent has run once");
}

#[tokio::test]
async fn retry_after_is_passed_on_to_the_caller() {
    let throttled = Handshake::status(429, "ThrottlingException").with_header("Retry-After", "7");
    let bridge =
        Bridge::configured(Agent::refusing(throttled), &[("INVOKE_TIMEOUT_MS", "2000")]).await;
    let answer = bridge.say("x").await;
    assert_error(
        &answer,
        503,
        "ServiceUnavailableError",
        Some("handshake"),
        true,
    );
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(answer.json()["details"]["retryAfter"], 7);
    assert_eq!(
        bridge.emulator.connections().len(),
        1,
        "no retry fits before the deadline"
    );
}

/// `Retry-After` is obeyed, and each attempt is signed anew.
#[tokio::test]
async fn a_retry_obeys_retry_after_and_is_signed_anew() {
    let throttled = Handshake::status(429, "ThrottlingException").with_header("Retry-After", "2");
    let attempts = vec![throttled, Handshake::Accept];
    let bridge = Bridge::to(Agent::echo().handshake(Handshake::Sequence(attempts))).await;
    let start = Instant::now();
    assert_eq!(bridge.say("x").await.status, StatusCode::OK);
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let connections = bridge.emulator.connections();
    let [first, second] = connections.as_slice() else {
        panic!("{connections:?}")
    };
    for parameter in ["X-Amz-Date", "X-Amz-Signature"] {
        assert_ne!(
            first.parameter(parameter),
            second.parameter(parameter),
            "{parameter}"
        );
    }
    assert_eq!(first.runtime_session_id, second.runtime_session_id);
}

#[tokio::test]
async fn an_oversized_handshake_response_is_refused() {
    let many = "x-filler: y\r\n".repeat(200);
    let large = format!("x-filler: {}\r\n", "y".repeat(100_000));
    for headers in [many, large] {
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n");
        let raw = Handshake::Raw {
            bytes: answer.into_bytes(),
            keep_open: true,
        };
        let bridge = Bridge::to(Agent::refusing(raw)).await;
        assert_error(
            &bridge.say("x").await,
            500,
            "InternalError",
            Some("handshake"),
            false,
        );
        assert_eq!(bridge.emulator.connections().len(), 1);
    }
}

#[tokio::test]
async fn failures_before_the_prompt_are_retried() {
    for (handshake, status, code) in [
        (Handshake::Reset, 503, "ServiceUnavailableError"),
        (Handshake::CloseSilently, 503, "ServiceUnavailableError"),
    ] {
        let bridge = Bridge::to(Agent::refusing(handshake)).await;
        assert_error(
            &bridge.say("x").await,
            status,
            code,
            Some("handshake"),
            true,
        );
        assert_eq!(bridge.emulator.connections().len(), 4);
    }
    let garbage = Handshake::Raw {
        bytes: b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(),
        keep_open: true,
    };
    let bridge = Bridge::to(Agent::refusing(garbage)).await;
    assert_error(
        &bridge.say("x").await,
        500,
        "InternalError",
        Some("handshake"),
        false,
    );
    assert_eq!(bridge.emulator.connections().len(), 1);
}

#[tokio::test]
async fn a_refused_connection_gives_a_503() {
    let bridge = Bridge::to(Agent::echo()).await;
    let Bridge { emulator, api } = bridge;
    emulator.stop().await;
    let bridge = Bridge {
        emulator: agentcore_emulator::Emulator::builder()
            .start()
            .await
            .unwrap(),
        api,
    };
    let answer = bridge.say("x").await;
    assert_error(
        &answer,
        503,
        "ServiceUnavailableError",
        Some("connect"),
        true,
    );
}

#[tokio::test]
async fn failures_after_the_prompt_are_not_retried() {
    const LOST: (u16, &str) = (503, "ServiceUnavailableError");
    const BROKEN: (u16, &str) = (500, "InternalError");
    let frame = |bytes: &[u8]| Step::Bytes(bytes.to_vec());
    for (step, (status, code), close) in [
        (Step::Fin, LOST, None),
        (Step::Reset, LOST, None),
        (Step::Close(Some(1011)), LOST, Some(1000)),
        (Step::Close(Some(1008)), LOST, Some(1000)),
        (
            Step::text("data: {\"error\":\"x\"}\n\n"),
            BROKEN,
            Some(1000),
        ),
        (Step::Binary(vec![0xff]), BROKEN, Some(1007)),
        (
            Step::Fragments(vec![vec![0xc3], vec![0x28]]),
            BROKEN,
            Some(1007),
        ),
        (frame(&[0xc1, 0x01, b'x']), BROKEN, Some(1002)),
        (frame(&[0x81, 0x81, 0, 0, 0, 0, b'x']), BROKEN, Some(1002)),
        (frame(&[0x80, 0x01, b'x']), BROKEN, Some(1002)),
        (frame(&[0x83, 0x00]), BROKEN, Some(1002)),
        (
            frame(&[0x81, 0x7f, 0, 0, 0, 0, 0, 0x80, 0, 0x01]),
            BROKEN,
            Some(1009),
        ),
        (
            frame(&[0x81, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            BROKEN,
            Some(1009),
        ),
    ] {
        let bridge = Bridge::to(Agent::scripted(vec![step.clone(), Step::AwaitClose])).await;
        let answer = bridge.say("x").await;
        assert_error(&answer, status, code, Some("first_chunk"), false);
        let connections = bridge
            .emulator
            .wait_until(|all| all[0].ended != Ended::Open)
            .await;
        assert_eq!(connections.len(), 1, "{step:?}");
        if close.is_some() {
            assert_eq!(connections[0].close_code, close, "{step:?}");
        }
    }
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_returned_as_incomplete() {
    for end in [
        Step::Fin,
        Step::Close(Some(1011)),
        Step::text("data: {\"error\":\"x\"}\n\n"),
        Step::Binary(vec![0xff]),
        Step::Silence,
    ] {
        let steps = vec![Step::text("data: {\"chunk\":\"so far\"}\n\n"), end.clone()];
        let agent = Agent::scripted(steps);
        let bridge = Bridge::configured(agent, &[("CHUNK_TIMEOUT_MS", "300")]).await;
        let answer = bridge.say("x").await;
        assert_eq!(answer.status, StatusCode::OK, "{end:?}");
        let body = answer.json();
        assert_eq!(body["response"], "so far", "{end:?}");
        assert_eq!(body["incomplete"], true, "{end:?}");
        assert_eq!(bridge.emulator.connections().len(), 1);
    }
}

/// Every timeout, with the phase in which it elapses.
#[tokio::test]
async fn each_timeout_elapses_in_its_phase() {
    let short: (&str, &str) = ("INVOKE_TIMEOUT_MS", "400");
    let none: (&str, &str) = ("RETRY_MAX_RETRIES", "0");
    for (agent, variables, phase, retryable) in [
        (
            Agent::refusing(Handshake::Stall),
            [("HANDSHAKE_TIMEOUT_MS", "400"), none],
            "handshake",
            true,
        ),
        (
            Agent::refusing(Handshake::Stall),
            [short, none],
            "handshake",
            true,
        ),
        (
            Agent::silent(),
            [("CHUNK_TIMEOUT_MS", "400"), none],
            "first_chunk",
            false,
        ),
        (Agent::silent(), [short, none], "first_chunk", false),
    ] {
        let bridge = Bridge::configured(agent, &variables).await;
        let start = Instant::now();
        let answer = bridge.say("x").await;
        let took = start.elapsed();
        assert_error(&answer, 504, "TimeoutError", Some(phase), retryable);
        assert!(took >= Duration::from_millis(400), "{took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn comments_reset_the_chunk_timeout_and_pings_do_not() {
    let pause = || Step::pause_ms(150);
    let comments = vec![
        Step::text(": \n"),
        pause(),
        Step::text(": \n"),
        pause(),
        Step::text("data: a\n\n"),
        Step::Close(None),
    ];
    let bridge =
        Bridge::configured(Agent::scripted(comments), &[("CHUNK_TIMEOUT_MS", "280")]).await;
    assert_eq!(bridge.say("x").await.json()["response"], "a");

    let ping = || Step::Ping(Vec::new());
    let pings = vec![
        ping(),
        pause(),
        ping(),
        pause(),
        ping(),
        pause(),
        Step::text("a"),
        Step::Close(None),
    ];
    let bridge = Bridge::configured(Agent::scripted(pings), &[("CHUNK_TIMEOUT_MS", "280")]).await;
    assert_error(
        &bridge.say("x").await,
        504,
        "TimeoutError",
        Some("first_chunk"),
        false,
    );
}

/// No details of our own, of AWS or of the agent are in a response.
#[tokio::test]
async fn errors_do_not_contain_internal_details() {
    let refusals = [
        Handshake::Status {
            status: 403,
            error_type: Some("MARKER-TYPE".to_owned()),
            headers: vec![("x-marker".to_owned(), "MARKER-HEADER".to_owned())],
            body: b"MARKER-BODY arn:aws:bedrock-agentcore".to_vec(),
        },
        Handshake::Raw {
            bytes: b"MARKER\r\n\r\n".to_vec(),
            keep_open: false,
        },
        Handshake::Accept,
    ];
    for handshake in refusals {
        let words = "data: {\"error\":\"MARKER-WORDS\",\"message\":\"MARKER\"}\n\n";
        let agent = Agent::scripted(vec![Step::text(words)]).handshake(handshake);
        let bridge = Bridge::to(agent).await;
        let said = json!({ "agentId": "test", "prompt": "MARKER-PROMPT", "sessionId": "mine" });
        let answer = bridge.invoke(&said).await;
        let shown = format!("{:?} {}", answer.headers, answer.text);
        for secret in [
            "MARKER",
            "arn:",
            "123456789012",
            "127.0.0.1",
            "AKIA",
            "wJalr",
        ] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert_eq!(answer.json()["details"]["sessionId"], "mine");
    }
}
