//! Concurrent invocations in one process, as on Lambda Managed Instances.

use agentcore_emulator::{Agent, Step, Turn};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;

use crate::support::{Outcome, function, rest_event, whole};

const CONVERSATIONS: usize = 64;

/// Every other conversation pauses this long between two chunks.
const SLOWNESS_MS: u64 = 2_000;

/// An agent that repeats the prompt word by word, slowly if it begins with `slow`.
fn agent() -> Agent {
    Agent::replying(|turn: &Turn| {
        let mut steps = Vec::new();
        for word in turn.prompt.split_inclusive(' ') {
            let event = json!({ "chunk": word });
            steps.push(Step::text(format!("data: {event}\n\n")));
            if word == "slow " {
                steps.push(Step::pause_ms(SLOWNESS_MS));
            }
        }
        steps.push(Step::text("data: [DONE]\n\n"));
        steps
    })
}

fn prompt(n: usize) -> String {
    let pace = if n.is_multiple_of(2) { "slow" } else { "fast" };
    let words: Vec<_> = (0..50).map(|k| format!("word-{n}-{k}")).collect();
    format!("{pace} {}", words.join(" "))
}

/// The reply and the session of a response.
async fn reply(outcome: Outcome) -> (String, String) {
    match outcome {
        Outcome::Response(answer) => {
            let body: serde_json::Value =
                serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            (text("response"), text("sessionId"))
        }
        Outcome::Stream(parts) => {
            let (_, body) = whole(parts).await;
            let (mut reply, mut session) = (String::new(), String::new());
            for data in body.lines().filter_map(|line| line.strip_prefix("data: {")) {
                let data: serde_json::Value = serde_json::from_str(&format!("{{{data}")).unwrap();
                reply.push_str(data["chunk"].as_str().unwrap_or_default());
                if let Some(id) = data["sessionId"].as_str() {
                    id.clone_into(&mut session);
                }
            }
            (reply, session)
        }
        Outcome::Error(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_conversations_do_not_mix_or_block_each_other() {
    for (mode, path) in [
        ("buffered", "/api/agents/invoke"),
        ("response_stream", "/api/agents/invoke/stream"),
    ] {
        let variables = [
            ("INVOKE_MODE", mode),
            ("AWS_LAMBDA_MAX_CONCURRENCY", "64"),
            ("LOG_LEVEL", "error"),
        ];
        let (emulator, function) = function(agent(), &variables).await;
        let mut conversations: FuturesUnordered<_> = (0..CONVERSATIONS)
            .map(async |n| {
                let session = format!("session-{n}");
                let body = json!({ "agentId": "test", "prompt": prompt(n), "sessionId": session });
                let event = rest_event("POST", path, Some(&body.to_string()));
                let (reply, told) = reply(function.invoke(&event).await).await;
                assert_eq!(reply, prompt(n), "{mode}");
                assert_eq!(told, session);
                n
            })
            .collect();
        let mut order = Vec::new();
        while let Some(n) = conversations.next().await {
            order.push(n);
        }
        drop(conversations);
        // All fast ones end before the first slow one does.
        let (fast, slow) = order.split_at(CONVERSATIONS / 2);
        assert!(fast.iter().all(|n| n % 2 == 1), "{mode}: {order:?}");
        assert!(slow.iter().all(|n| n % 2 == 0), "{mode}: {order:?}");
        assert_eq!(emulator.connections().len(), CONVERSATIONS);
        assert!(function.resources().threads > 1);
    }
}
