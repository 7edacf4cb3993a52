//! Runs the built binary under random faults: every invocation gets a response, and nothing leaks.
//!
//! A normal run makes a few hundred invocations. For ten thousand:
//!
//! ```text
//! SOAK_INVOCATIONS=10000 cargo test --release --test bridge soak -- --nocapture
//! ```

use std::collections::BTreeMap;

use agentcore_emulator::frame::{Frame, opcode};
use agentcore_emulator::{Agent, Emulator, Handshake, Step};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{ARN, Function, answered, rest_event, said, say, variables};

/// The accepted growth of memory after the first invocations, in KiB.
const MORE_MEMORY_KIB: u64 = 5 * 1024;

fn agents() -> impl Strategy<Value = Agent> {
    let handshake = prop_oneof![
        8 => Just(Handshake::Accept),
        1 => select(vec![400u16, 401, 403, 404, 424, 429, 500, 503, 302, 418])
            .prop_map(|status| Handshake::status(status, "SomeException")),
        1 => select(vec![Handshake::Reset, Handshake::CloseSilently, Handshake::Stall]),
        1 => Just(Handshake::Raw { bytes: vec![b'x'; 70_000], keep_open: false }),
    ];
    let text = select(vec![
        Step::text("data: {\"chunk\":\"some words\"}\n\n"),
        Step::text("bare"),
        Step::text("x".repeat(100_000)),
        Step::Ping(b"hi".to_vec()),
    ]);
    let end = prop_oneof![
        4 => Just(Step::text("data: [DONE]\n\n")),
        4 => select(vec![Some(1000), None, Some(1011), Some(1008), Some(4000)]).prop_map(Step::Close),
        2 => select(vec![Step::Fin, Step::Reset]),
        1 => Just(Step::Silence),
        1 => Just(Step::Binary(vec![0xff])),
        1 => Just(Step::Bytes(Frame::new(opcode::TEXT, *b"").declaring(1 << 40).encode())),
        1 => Just(Step::Bytes(Frame::new(opcode::TEXT, *b"").declaring(1 << 20).encode())),
    ];
    (handshake, prop::collection::vec(text, 0..4), end).prop_map(|(handshake, mut steps, end)| {
        steps.push(end);
        Agent::scripted(steps).handshake(handshake)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_leak_no_memory_or_descriptors() {
    let count: usize = std::env::var("SOAK_INVOCATIONS").map_or(300, |n| n.parse().unwrap());
    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let quick = [
        ("CHUNK_TIMEOUT_MS", "40"),
        ("CONNECT_TIMEOUT_MS", "40"),
        ("HANDSHAKE_TIMEOUT_MS", "40"),
        ("RETRY_MAX_RETRIES", "1"),
        ("LOG_LEVEL", "error"),
    ];
    let function = Function::start(variables(&emulator, &quick)).await;
    let mut runner = TestRunner::deterministic();
    let mut statuses = BTreeMap::<u64, usize>::new();
    let mut before = None;
    for n in 0..count + count / 4 {
        // The first quarter fills the caches of the allocator and of the runtime.
        if n == count / 4 {
            before = Some(function.resources());
            statuses.clear();
        }
        let agent = agents().new_tree(&mut runner).unwrap().current();
        emulator.register(ARN, agent);
        let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
        let (status, _) = answered(function.invoke(&event).await);
        *statuses.entry(status).or_default() += 1;
    }
    let (before, after) = (before.unwrap(), function.resources());
    say(&format!(
        "{count} invocations with random faults; answers by status: {statuses:?}"
    ));
    say(&format!("before: {before:?}; after: {after:?}"));
    assert_eq!(statuses.values().sum::<usize>(), count);
    assert!(statuses.len() > 5, "{statuses:?}");
    // One fewer: a socket still lingered when the first were counted.
    assert!(
        after.descriptors <= before.descriptors,
        "{before:?} {after:?}"
    );
    assert_eq!(after.threads, before.threads);
    assert!(
        after.memory_kib < before.memory_kib + MORE_MEMORY_KIB,
        "{before:?} {after:?}"
    );
    assert_eq!(emulator.open_connections(), 0);
}
