//! The configured end of replies whose agent neither marks an end nor closes the socket.

use std::time::Duration;

use agentcore_emulator::{Agent, Ended, Step};
use serde_json::json;
use tokio::time::Instant;

use crate::support::Bridge;

/// Far longer than the silences in these tests.
const CHUNK_TIMEOUT: (&str, &str) = ("CHUNK_TIMEOUT_MS", "10000");

async fn reply(steps: Vec<Step>, end: &str) -> (serde_json::Value, Duration) {
    let variables = [CHUNK_TIMEOUT, ("TEST_AGENT_REPLY_END", end)];
    let bridge = Bridge::configured(Agent::scripted(steps), &variables).await;
    let start = Instant::now();
    let answer = bridge.say("Hi").await.json();
    let took = start.elapsed();
    let connections = bridge
        .emulator
        .wait_until(|all| all[0].ended != Ended::Open)
        .await;
    assert_eq!(connections[0].close_code, Some(1000));
    (answer, took)
}

fn hello() -> Vec<Step> {
    vec![
        Step::text("{\"chunk\":\"Hel\"}"),
        Step::text("{\"chunk\":\"lo\"}"),
        Step::AwaitClose,
    ]
}

#[tokio::test]
async fn reply_end_message_ends_at_the_first_message_with_text() {
    let mut steps = vec![Step::text("{\"type\":\"status\",\"message\":\"Thinking\"}")];
    steps.extend(hello());
    let (answer, took) = reply(steps, "message").await;
    assert_eq!(answer["response"], "Hel");
    assert_eq!(answer.get("incomplete"), None);
    assert!(took < Duration::from_secs(10), "no silence was waited for");
}

#[tokio::test]
async fn reply_end_message_reads_all_of_the_message() {
    let both = "{\"chunk\":\"Hel\"}\n{\"chunk\":\"lo\"}";
    let (answer, _) = reply(vec![Step::text(both), Step::AwaitClose], "message").await;
    assert_eq!(answer["response"], "Hello");
}

#[tokio::test]
async fn reply_end_silence_ends_after_a_silence() {
    let mut steps = vec![Step::pause_ms(400)];
    steps.extend(hello());
    let (answer, took) = reply(steps, "silence:200").await;
    assert_eq!(answer["response"], "Hello");
    assert_eq!(answer.get("incomplete"), None);
    assert!(
        took >= Duration::from_millis(600),
        "the silence before text does not count: {took:?}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn the_configured_end_applies_within_a_run_too() {
    let run = [
        json!({ "type": "RUN_STARTED", "threadId": "t", "runId": "r" }),
        json!({ "type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "Hello" }),
    ];
    let mut steps: Vec<_> = run
        .iter()
        .map(|event| Step::text(event.to_string()))
        .collect();
    steps.push(Step::AwaitClose);
    for end in ["message", "silence:200"] {
        let (answer, _) = reply(steps.clone(), end).await;
        assert_eq!(answer["response"], "Hello", "{end}");
        assert_eq!(answer.get("incomplete"), None, "{end}");
    }
}

/// What would be text if nothing followed is text where nothing follows.
#[tokio::test]
async fn a_message_that_waits_for_another_is_the_reply_where_none_comes() {
    let city = "{\"city\":\"Paris\"}";
    for (said, end, expected) in [
        ("data: hello", "message", "hello"),
        ("data: hello", "silence:200", "hello"),
        ("da", "message", "da"),
        (city, "silence:200", city),
        (city, "message", city),
    ] {
        let variables = [("CHUNK_TIMEOUT_MS", "500"), ("TEST_AGENT_REPLY_END", end)];
        let steps = vec![Step::text(said), Step::AwaitClose];
        let bridge = Bridge::configured(Agent::scripted(steps), &variables).await;
        let answer = bridge.say("Hi").await.json();
        assert_eq!(answer["response"], expected, "{said} {end}: {answer}");
        assert_eq!(answer.get("incomplete"), None, "{said} {end}");
    }
}

/// A comment is no text, so the silence behind it is that of an agent that has said nothing.
#[tokio::test]
async fn a_comment_does_not_begin_the_silence_that_ends_a_reply() {
    let steps = vec![
        Step::text(": thinking"),
        Step::pause_ms(400),
        Step::text("\n\ndata: {\"chunk\":\"Hello\"}\n\n"),
        Step::AwaitClose,
    ];
    let (answer, _) = reply(steps, "silence:200").await;
    assert_eq!(answer["response"], "Hello");
}
