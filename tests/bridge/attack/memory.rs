//! What memory replies take that are as large as a message may be, many at once.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::sync::Barrier;

use super::hostile::{CLOSE, PATIENT, TEXT, accept, frame, function_to, read_out, server};
use crate::support::{Function, Outcome, rest_event, said, say};
use serde_json::Value;

/// The largest message that is taken.
const MESSAGE_BYTES: usize = 8 << 20;

const CONCURRENT: usize = 4;

/// An agent all of whose connections say this at the same time, and no end.
async fn all_at_once(message: Vec<u8>) -> String {
    let all = Arc::new(Barrier::new(CONCURRENT));
    let message = Arc::new(frame(TEXT, &message));
    server(move |mut stream| {
        let (all, message) = (Arc::clone(&all), Arc::clone(&message));
        async move {
            accept(&mut stream).await;
            all.wait().await;
            let _ = stream.write_all(&message).await;
            let _ = stream.write_all(&frame(CLOSE, &[3, 232])).await;
            read_out(&mut stream).await;
        }
    })
    .await
}

/// Reads an answer to its end. Returns how many bytes its body has.
async fn bytes_of(function: &Function, event: &Value) -> usize {
    match function.invoke(event).await {
        Outcome::Response(answer) => answer["body"].as_str().unwrap().len(),
        Outcome::Stream(mut parts) => {
            let mut bytes = 0;
            while let Some(part) = parts.recv().await {
                bytes += part.len();
            }
            bytes
        }
        Outcome::Error(error) => panic!("{error}"),
    }
}

/// What one invocation takes at the most, in KiB, as docs/operate.md says.
const MOST_KIB: u64 = 48 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_as_large_as_may_be_take_the_memory_that_the_documents_say() {
    for (mode, path) in [
        ("buffered", "/api/agents/invoke"),
        ("response_stream", "/api/agents/invoke/stream"),
    ] {
        for (name, before, unit, after) in [
            ("text", "", "words ", ""),
            ("control characters", "", "\u{1}", ""),
            ("escapes", "{\"chunk\":\"", "\\u0001", "\"}"),
            ("numbers", "[", "1,", "1]"),
        ] {
            let count = (MESSAGE_BYTES - before.len() - after.len()) / unit.len();
            let message = format!("{before}{}{after}", unit.repeat(count));
            let endpoint = all_at_once(message.into()).await;
            let more = [("INVOKE_MODE", mode), ("AWS_LAMBDA_MAX_CONCURRENCY", "4")];
            let function = function_to(&endpoint, &[&more[..], &PATIENT].concat()).await;
            let before = function.resources().memory_kib;
            let event = rest_event("POST", path, Some(&said("x")));
            let bytes = join_all((0..CONCURRENT).map(|_| bytes_of(&function, &event))).await;
            let each = (function.peak_memory_kib() - before) / CONCURRENT as u64;
            say(&format!(
                "{mode}, {name}: {each} KiB each for {} bytes",
                bytes[0]
            ));
            // A buffered answer is cut below Lambda's limit; a stream has all characters.
            let least = if mode == "buffered" { 1 << 20 } else { count };
            assert!(bytes.iter().all(|&bytes| bytes >= least), "{bytes:?}");
            assert!(each <= MOST_KIB, "{mode}, {name}: {each} KiB");
        }
    }
}
