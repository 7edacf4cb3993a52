//! What hostile agents and hostile callers cost the process, in memory and in CPU: at the most so many
//! times what honest ones cost in the same run.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::hostile::{
    CLOSE, GOES_ON, PING, TEXT, TEXT_BEGINS, accept, frame, function_to, read_out, server,
};
use crate::support::{Function, Outcome, answered, rest_event, said, say};

/// How many frames a flood has, and how many bytes a large value.
const FRAMES: usize = 20_000;
const VALUE_BYTES: usize = 1 << 20;

/// What one invocation may take, in KiB: docs/operate.md.
const MOST_KIB: u64 = 48 * 1024;

/// What an invocation cost the process.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu: Duration,
    peak_kib: u64,
    status: u64,
}

/// The CPU that the process has used.
fn cpu(function: &Function) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", function.id())).unwrap();
    let nanoseconds = tasks.map(|task| {
        // A thread may have ended meanwhile.
        let path = task.unwrap().path().join("schedstat");
        let spent = std::fs::read_to_string(path).unwrap_or_default();
        let spent = spent.split(' ').next().and_then(|spent| spent.parse().ok());
        spent.unwrap_or(0)
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// A process in which everything has been used once, whose agents say what comes out of `write`.
async fn process(writes: Vec<Vec<u8>>, more: &[(&str, &str)]) -> Function {
    let writes = Arc::new(writes);
    let endpoint = server(move |mut stream| {
        let writes = Arc::clone(&writes);
        async move {
            accept(&mut stream).await;
            for bytes in writes.iter() {
                if stream.write_all(bytes).await.is_err() {
                    return;
                }
            }
            read_out(&mut stream).await;
        }
    });
    function_to(&endpoint.await, more).await
}

async fn cost_of(function: &Function, body: &str) -> Cost {
    // The first invocation of a process costs what none after it does.
    let health = rest_event("GET", "/health", None);
    answered(function.invoke(&health).await);
    let (cpu_before, kib_before) = (cpu(function), function.resources().memory_kib);
    let event = rest_event("POST", "/api/agents/invoke", Some(body));
    let (status, _) = answered(function.invoke(&event).await);
    Cost {
        cpu: cpu(function) - cpu_before,
        peak_kib: function.peak_memory_kib().saturating_sub(kib_before),
        status,
    }
}

async fn cost(writes: Vec<Vec<u8>>) -> Cost {
    cost_of(&process(writes, &[]).await, &said("x")).await
}

fn normal() -> Vec<u8> {
    frame(CLOSE, &1000_u16.to_be_bytes())
}

/// A frame again and again, as many at once as fit in a few packets.
fn flood(first: &[u8], frame: &[u8], last: &[u8]) -> Vec<Vec<u8>> {
    let many = frame.repeat(FRAMES);
    let packets = many.chunks(32 * 1024).map(<[u8]>::to_vec);
    let first = std::iter::once(first.to_vec());
    first
        .chain(packets)
        .chain([last.to_vec(), normal()])
        .collect()
}

fn value(before: &str, unit: &str, after: &str) -> Vec<Vec<u8>> {
    let count = (VALUE_BYTES - before.len() - after.len()) / unit.len();
    let value = format!("{before}{}{after}", unit.repeat(count));
    vec![frame(TEXT, value.as_bytes()), normal()]
}

fn in_times(cost: Cost, honest: Cost) -> f64 {
    cost.cpu.as_secs_f64() / honest.cpu.as_secs_f64()
}

fn report(what: &str, cost: Cost, times: f64, limit: f64) {
    say(&format!(
        "{what}: {} KiB, {times:.1} times the CPU (at most {limit}), {}",
        cost.peak_kib, cost.status
    ));
    assert!(cost.peak_kib <= MOST_KIB, "{what}: {cost:?}");
    assert!(times <= limit, "{what}: {times:.1} times the CPU");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_cost_no_more_than_as_many_chunks() {
    let chunk = frame(TEXT, b"data: {\"chunk\":\"a\"}\n\n");
    let honest = cost(flood(&[], &chunk, &[])).await;
    assert_eq!(honest.status, 200);
    for (what, writes) in [
        ("pings", flood(&[], &frame(PING, b""), &[])),
        (
            "pings of 125 bytes",
            flood(&[], &frame(PING, &[0; 125]), &[]),
        ),
        (
            "empty fragments",
            flood(
                &frame(TEXT_BEGINS, b"a"),
                &frame(GOES_ON, b""),
                &frame(0x80, b""),
            ),
        ),
        ("messages of one byte", flood(&[], &frame(TEXT, b"a"), &[])),
        ("empty messages", flood(&[], &frame(TEXT, b""), &[])),
        (
            "brackets, a message each",
            flood(&[], &frame(TEXT, b"["), &[]),
        ),
        (
            "events without an end",
            flood(&[], &frame(TEXT, b"data: a"), &[]),
        ),
    ] {
        let cost = cost(writes).await;
        report(what, cost, in_times(cost, honest), 2.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_values_cost_no_more_than_as_many_bytes_of_chunks() {
    let honest = cost(value(
        "",
        "data: {\"chunk\":\"a word \"}\n\n",
        "data: [DONE]\n\n",
    ))
    .await;
    assert_eq!(honest.status, 200);
    for (what, writes) in [
        ("[[[[", value("", "[", "")),
        ("{\"a\":{\"a\":", value("", "{\"a\":", "")),
        (
            "a hundred thousand keys",
            value("{", "\"key\":1,", "\"key\":1}"),
        ),
        (
            "the keys of dialects",
            value("{", "\"type\":\"text\",\"text\":\"a\",", "\"end\":1}"),
        ),
        ("objects", value("[", "{\"text\":\"a\"},", "{}]")),
        ("numbers", value("[", "1,", "1]")),
        ("escapes", value("{\"chunk\":\"", "\\u0001", "\"}")),
        ("backslashes", value("{\"chunk\":\"", "\\\\", "\"}")),
        ("line ends", value("", "\n", "")),
        ("fields of events", value("", "data:\n", "\n")),
        ("names of events", value("", "event: a\n\n", "")),
        ("Python's repr", value("[", "{'text': 'a'}, ", "{}]")),
    ] {
        let cost = cost(writes).await;
        report(what, cost, in_times(cost, honest), 4.0);
    }
}

/// Who speaks as slowly as can be is given up by the clock, and costs nothing meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_a_byte_now_and_then_is_given_up() {
    for shakes_hands in [true, false] {
        let endpoint = server(move |mut stream: TcpStream| async move {
            if shakes_hands {
                accept(&mut stream).await;
            }
            let text = frame(TEXT, &[b' '; 100]);
            let bytes = if shakes_hands {
                &text[..]
            } else {
                &b"HTTP/1.1 101 Switching"[..]
            };
            for byte in bytes {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
            read_out(&mut stream).await;
        });
        let variables = [
            ("HANDSHAKE_TIMEOUT_MS", "1000"),
            ("CHUNK_TIMEOUT_MS", "1000"),
            ("INVOKE_TIMEOUT_MS", "1500"),
            ("RETRY_MAX_RETRIES", "0"),
        ];
        let function = function_to(&endpoint.await, &variables).await;
        let cost = cost_of(&function, &said("x")).await;
        assert_eq!(cost.status, 504, "{shakes_hands}");
        // Timers and some twenty bytes: a fiftieth of the time at the most.
        say(&format!(
            "a byte a tenth of a second: {} KiB, {:?}",
            cost.peak_kib, cost.cpu
        ));
        assert!(cost.peak_kib < 4 * 1024, "{cost:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_bodies_cost_no_more_than_as_many_bytes_of_text() {
    const BYTES: usize = 1_000_000;
    // A text is skipped at once, and what is nested is looked at byte by byte.
    const MOST: f64 = 15.0;
    let function = process(vec![normal()], &[]).await;
    let honest = json!({ "agentId": "test", "prompt": "x", "note": "word ".repeat(BYTES / 5) });
    let honest = cost_of(&function, &honest.to_string()).await;
    assert_eq!(honest.status, 200);
    for (what, unit, end) in [
        ("[[[[", "[", ""),
        ("{\"a\":{\"a\":", "{\"a\":", ""),
        ("numbers", "1,", "1]}"),
        ("escapes", "\"\\u0001\",", "1]}"),
    ] {
        let body = format!(
            "{{\"agentId\":\"test\",\"prompt\":\"x\",\"note\":[{}{end}",
            unit.repeat(BYTES / unit.len())
        );
        let cost = cost_of(&function, &body).await;
        report(
            &format!("a body of {what}"),
            cost,
            in_times(cost, honest),
            MOST,
        );
    }
}

/// A caller that reads one part and then nothing holds the agent up: nothing is collected for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_read_takes_no_memory() {
    let chunk = frame(
        TEXT,
        format!("data: {}\n\n", json!({ "chunk": "x".repeat(16 << 10) })).as_bytes(),
    );
    // Far more than the buffers of all sockets on the way.
    let function = process(vec![chunk; 16_000], &[("INVOKE_MODE", "response_stream")]).await;
    let before = function.resources().memory_kib;
    let event = rest_event("POST", "/api/agents/invoke/stream", Some(&said("x")));
    let Outcome::Stream(mut parts) = function.invoke(&event).await else {
        panic!("no stream")
    };
    parts.recv().await.unwrap();
    // It has come to a stop when it uses no more CPU.
    let mut spent = cpu(&function);
    loop {
        sleep(Duration::from_millis(300)).await;
        let now = cpu(&function);
        if now - spent < Duration::from_millis(1) {
            break;
        }
        spent = now;
    }
    let took = function.peak_memory_kib().saturating_sub(before);
    say(&format!(
        "a caller that does not read: {took} KiB of 256 MiB"
    ));
    // What is remembered, so that nothing is told twice, is 4 MiB of text; and it grew to that.
    assert!(took < 24 * 1024, "{took} KiB");
}

/// Each with a session of its own, and each socket worth keeping: no more are kept than may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_take_no_more_than_a_few() {
    let done = frame(TEXT, b"data: {\"chunk\":\"a\"}\n\ndata: [DONE]\n\n");
    let reuse = [
        ("REUSE_CONNECTIONS", "true"),
        ("RATE_LIMIT_PER_MINUTE", "1000000"),
    ];
    let function = process(vec![done], &reuse).await;
    let invoke = async |from: usize, to: usize| {
        for n in from..to {
            let body = json!({ "agentId": "test", "prompt": "x", "sessionId": format!("s-{n}") });
            let mut event = rest_event("POST", "/api/agents/invoke", Some(&body.to_string()));
            event["requestContext"]["identity"]["sourceIp"] =
                format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255).into();
            assert_eq!(answered(function.invoke(&event).await).0, 200);
        }
        function.resources()
    };
    let few = invoke(0, 200).await;
    let many = invoke(200, 2_000).await;
    let took = many.memory_kib.saturating_sub(few.memory_kib);
    say(&format!(
        "2,000 sessions: {took} KiB more than 200, {} descriptors",
        many.descriptors
    ));
    assert!(many.descriptors <= few.descriptors + 2, "{few:?} {many:?}");
    // The count of a caller is a few hundred bytes, up to 10,000 of them.
    assert!(took < 4 * 1024, "{took} KiB");
}
