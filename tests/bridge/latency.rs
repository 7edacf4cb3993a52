//! How soon a chunk leaves the process. The Runtime API here reads without responding until the
//! end, as Lambda's does, so that waiting for an acknowledgement shows.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Step};
use serde_json::json;

use crate::support::{Function, Outcome, function, rest_event, said, say};

/// Long enough for the first chunk to be delivered before the second comes.
const APART_MS: u64 = 100;

const ROUNDS: usize = 11;

/// The largest accepted ratio of the first chunk's time to that of a buffered response. The
/// kernel's delayed acknowledgement (40 ms) would be some ten times more.
const MOST: f64 = 3.0;

fn piece(text: &str) -> Step {
    Step::text(format!("data: {}\n\n", json!({ "chunk": text })))
}

/// The time until the first chunk has arrived.
async fn first_piece(function: &Function) -> Duration {
    let event = rest_event("POST", "/api/agents/invoke/stream", Some(&said("x")));
    let start = Instant::now();
    let Outcome::Stream(mut parts) = function.invoke(&event).await else {
        panic!("no stream")
    };
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains("\"one\"") {
        received.extend(parts.recv().await.expect("the first piece"));
    }
    let took = start.elapsed();
    assert!(!String::from_utf8_lossy(&received).contains("\"two\""));
    while parts.recv().await.is_some() {}
    took
}

async fn whole_answer(function: &Function) -> Duration {
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
    let start = Instant::now();
    let outcome = function.invoke(&event).await;
    let took = start.elapsed();
    assert_eq!(crate::support::answered(outcome).0, 200);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn the_first_chunk_of_a_stream_is_as_fast_as_a_buffered_response() {
    let apart = Agent::scripted(vec![
        piece("one"),
        Step::pause_ms(APART_MS),
        piece("two"),
        Step::text("data: [DONE]\n\n"),
    ]);
    let at_once = Agent::scripted(vec![piece("one"), Step::text("data: [DONE]\n\n")]);
    let (_emulator, streaming) = function(apart, &[("INVOKE_MODE", "response_stream")]).await;
    let (_emulator, buffering) = function(at_once, &[]).await;
    let (mut streamed, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        streamed.push(first_piece(&streaming).await);
        whole.push(whole_answer(&buffering).await);
    }
    let (streamed, whole) = (median(streamed), median(whole));
    let ratio = streamed.as_secs_f64() / whole.as_secs_f64();
    say(&format!(
        "the first piece after {streamed:?}, a whole answer after {whole:?}: {ratio:.1} times"
    ));
    assert!(ratio < MOST, "{ratio:.1} times");
}
