//! Ten thousand streams of a quarter of an hour each, in a time that is let run where nothing else is
//! to do. As many are open at once as this process may have descriptors for.

use std::time::Duration;

use agentcore_bridge::api::RequestContext;
use agentcore_emulator::{Agent, Step};
use http::Request;
use http_body_util::BodyExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Bridge, context, say};

const STREAMS: usize = 10_000;

/// How many pieces each has, and the silences between them: 15 minutes less a second.
const PIECES: usize = 7;
const SILENCE: Duration = Duration::from_secs(150);
const LAST: Duration = Duration::from_secs(149);

/// Everything that would end a stream earlier, as long as it may be.
const PATIENT: [(&str, &str); 6] = [
    ("INVOKE_TIMEOUT_MS", "900000"),
    ("CHUNK_TIMEOUT_MS", "900000"),
    ("CONNECT_TIMEOUT_MS", "900000"),
    ("HANDSHAKE_TIMEOUT_MS", "900000"),
    // One ping in each silence: more take most of the time that this test takes.
    ("PING_INTERVAL_MS", "120000"),
    ("LOG_LEVEL", "error"),
];

fn slow() -> Agent {
    let piece = Step::text(format!("data: {}\n\n", json!({ "chunk": "word " })));
    let mut steps = vec![piece.clone()];
    for n in 2..=PIECES {
        let is_last = n == PIECES;
        steps.push(Step::Pause(if is_last { LAST } else { SILENCE }));
        steps.push(piece.clone());
    }
    steps.push(Step::text("data: [DONE]\n\n"));
    Agent::scripted(steps)
}

/// How many streams there may be at once: each has a socket of ours, and one of the emulator's. A
/// quarter of the descriptors is for the tests that run beside this one.
fn at_once() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let descriptors = limit.maximum.unwrap_or(u64::MAX).min(1 << 20);
    let streams = descriptors / 4 * 3 / 2;
    usize::try_from(streams).unwrap().clamp(1, STREAMS)
}

/// Reads one stream, and says how many pieces and comments it had.
async fn read(bridge: &Bridge, open: tokio::sync::oneshot::Sender<()>) -> (usize, usize) {
    let request = Request::post("/api/agents/invoke/stream").body(
        json!({ "agentId": "test", "prompt": "x" })
            .to_string()
            .into(),
    );
    let context = RequestContext {
        can_stream: true,
        ..context()
    };
    let answer = bridge.api.answer(request.unwrap(), context).await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut open = Some(open);
    let (mut pieces, mut comments, mut is_complete) = (0, 0, false);
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&data).unwrap();
        pieces += text.matches("{\"chunk\":\"word \"}").count();
        comments += text.matches(": keep-alive").count();
        is_complete |= text.contains("event: complete") && !text.contains("incomplete");
        if pieces > 0
            && let Some(open) = open.take()
        {
            let _ = open.send(());
        }
    }
    assert!(is_complete, "a stream broke off after {pieces} pieces");
    (pieces, comments)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_streams_of_a_quarter_of_an_hour_all_end_well() {
    let bridge: &'static Bridge = Box::leak(Box::new(Bridge::configured(slow(), &PATIENT).await));
    let (at_once, real) = (at_once(), std::time::Instant::now());
    let mut done = 0;
    let mut waves = 0;
    while done < STREAMS {
        let began = Instant::now();
        let mut streams = JoinSet::new();
        for _ in 0..at_once.min(STREAMS - done) {
            // One after the other until its first piece: a queue of the system's that overflows would
            // be asked again in real time, while ours ran away.
            let (open, is_open) = tokio::sync::oneshot::channel();
            streams.spawn(read(bridge, open));
            is_open.await.unwrap();
        }
        assert_eq!(bridge.emulator.open_connections(), streams.len());
        while let Some(read) = streams.join_next().await {
            let (pieces, comments) = read.unwrap();
            assert_eq!(pieces, PIECES);
            // Each silence of 150 s has nine at least: one every 15 s.
            assert!(comments >= 9 * (PIECES - 1), "{comments} comments");
            done += 1;
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(899), "{took:?}");
        assert!(took < Duration::from_secs(930), "{took:?}");
        waves += 1;
    }
    let real = real.elapsed().as_secs_f64();
    say(&format!(
        "{done} streams of 15 minutes, {at_once} at once, in {real:.1} s"
    ));
    bridge
        .emulator
        .wait_until(|all| all.iter().all(|one| one.close_code == Some(1000)))
        .await;
    assert_eq!(bridge.emulator.open_connections(), 0);
    assert!(waves <= STREAMS.div_ceil(at_once));
}
