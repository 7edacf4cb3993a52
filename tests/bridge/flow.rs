//! Long streams through the built binary: memory, backpressure, and callers who leave.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Ended, Step};
use axum::body::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{Function, Outcome, function, rest_event, said, say};

const PIECE_BYTES: usize = 64 * 1024;

/// 100 MB.
const PIECES: usize = 1_600;

/// The accepted growth of memory after the first chunk, in KiB: a few chunks and the buffers of two
/// connections.
const MORE_MEMORY_KIB: u64 = 4 * 1024;

/// The text that is kept of a reply to recognise repetitions.
const REMEMBERED_KIB: u64 = agentcore_reply::DEFAULT_MEMORY_BYTES as u64 / 1024;

const STREAMING: (&str, &str) = ("INVOKE_MODE", "response_stream");

/// An agent that sends chunks as fast as they are read.
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

/// Reads at least this many bytes, or to the end. Returns how many were read.
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
async fn a_stream_of_100_mb_does_not_grow_memory() {
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
        // The process has ended by then.
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

/// Backpressure: a slow caller slows the agent, and nothing is buffered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_caller_slows_the_agent() {
    // More than all socket buffers on the way can hold.
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
            // Had the agent sent everything, it would have seen the end.
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
async fn a_caller_that_leaves_closes_the_agents_connection() {
    let (emulator, function) = function(fountain(PIECES), &[STREAMING]).await;
    let mut parts = begin(&function).await;
    read(&mut parts, PIECE_BYTES).await;
    drop(parts);
    let connections = emulator
        .wait_until(|connections| connections[0].ended != Ended::Open)
        .await;
    assert_eq!(connections.len(), 1);

    // The process goes on, and logs the outcome.
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
