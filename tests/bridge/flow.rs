//! Long streams through the built binary: what they take, who slows whom, and who leaves.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Ended, Step};
use axum::body::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{Function, Outcome, function, rest_event, said, say};

const PIECE_BYTES: usize = 64 * 1024;

/// 100 MB.
const PIECES: usize = 1_600;

/// What may be held on to beyond what the first piece took, in KiB: a few pieces and the buffers of
/// two connections.
const MORE_MEMORY_KIB: u64 = 4 * 1024;

/// What is remembered of a reply's beginning, so that nothing of it is told twice.
const REMEMBERED_KIB: u64 = agentcore_reply::DEFAULT_MEMORY_BYTES as u64 / 1024;

const STREAMING: (&str, &str) = ("INVOKE_MODE", "response_stream");

/// An agent that sends pieces as fast as they are taken.
fn fountain(pieces: usize) -> Agent {
    let event = json!({ "chunk": "x".repeat(PIECE_BYTES) });
    let mut steps = vec![Step::text(format!("data: {event}\n\n")); pieces];
    steps.push(Step::text("data: [DONE]\n\n"));
    Agent::scripted(steps)
}

async fn begin(function: &Function) -> mpsc::Receiver<Bytes> {
    let event = rest_event("POST", "/api/agents/invoke/stream", Some(&said("x")));
    match function.invoke(&event).await {
        Outcome::Stream(parts) => parts,
        other => panic!("no stream: {other:?}"),
    }
}

/// Reads until so many bytes have come, or to the end, and says how many they were.
async fn read(parts: &mut mpsc::Receiver<Bytes>, bytes: usize) -> usize {
    let mut read = 0;
    while read < bytes {
        let Some(part) = parts.recv().await else {
            break;
        };
        read += part.len();
    }
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_100_mb_takes_no_memory() {
    let (_emulator, function) = function(fountain(PIECES), &[STREAMING]).await;
    let start = Instant::now();
    let mut parts = begin(&function).await;
    let mut total = read(&mut parts, 20 * PIECE_BYTES).await;
    let before = function.resources().memory_kib;
    let mut most = before;
    loop {
        let more = read(&mut parts, 20 * PIECE_BYTES).await;
        if more == 0 {
            break;
        }
        total += more;
        // At the end there is nobody to ask any more.
        most = most.max(function.resources().memory_kib);
    }
    say(&format!(
        "a stream of {} MB in {:?}: {before} KiB at its beginning, {most} KiB at the most",
        total / 1_000_000,
        start.elapsed()
    ));
    assert!(total > PIECES * PIECE_BYTES);
    let most_allowed = before + REMEMBERED_KIB + MORE_MEMORY_KIB;
    assert!(most < most_allowed, "{before} → {most} KiB");
}

/// Whoever reads slowly slows the agent: nothing is kept for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_slows_the_agent() {
    // More than what all the buffers of the sockets between hold.
    let pieces = 800;
    let (emulator, function) = function(fountain(pieces), &[STREAMING]).await;
    let start = Instant::now();
    let mut parts = begin(&function).await;
    let mut total = read(&mut parts, PIECE_BYTES).await;
    let before = function.resources().memory_kib;
    let mut most = before;
    while total < pieces * PIECE_BYTES {
        let more = read(&mut parts, PIECE_BYTES).await;
        assert!(more > 0, "the stream ended after {total} bytes");
        total += more;
        most = most.max(function.resources().memory_kib);
        if total < 100 * PIECE_BYTES {
            tokio::time::sleep(Duration::from_millis(10)).await;
            // An agent that had sent all of it would have seen the end.
            assert_eq!(emulator.connections()[0].ended, Ended::Open);
        }
    }
    say(&format!(
        "a stream of {} MB, its beginning read slowly, in {:?}: {before} KiB, then {most} KiB at the most",
        total / 1_000_000,
        start.elapsed()
    ));
    let most_allowed = before + REMEMBERED_KIB + MORE_MEMORY_KIB;
    assert!(most < most_allowed, "{before} → {most} KiB");
}

#[tokio::test]
async fn who_leaves_takes_the_agents_connection_along() {
    let (emulator, function) = function(fountain(PIECES), &[STREAMING]).await;
    let mut parts = begin(&function).await;
    read(&mut parts, PIECE_BYTES).await;
    drop(parts);
    let connections = emulator
        .wait_until(|connections| connections[0].ended != Ended::Open)
        .await;
    assert_eq!(connections.len(), 1);

    // The process goes on, and says what became of the reply.
    let event = rest_event("GET", "/health", None);
    let Outcome::Stream(parts) = function.invoke(&event).await else {
        panic!("no answer")
    };
    assert_eq!(crate::support::whole(parts).await.0, 200);
    let said = crate::support::lines(&function.stop().await.stdout);
    let complete = said
        .iter()
        .find(|line| line["message"] == "agent invocation complete")
        .unwrap();
    assert_eq!(complete["cancelled"], true);
    assert_eq!(complete["incomplete"], true);
    let measured = said.iter().find(|line| line.get("_aws").is_some()).unwrap();
    assert_eq!(measured["AgentInvocationErrors"], 0);
}
