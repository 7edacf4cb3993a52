//! Cached replies to identical prompts.

use agentcore_bridge::caller::{Caller, Origin};
use agentcore_emulator::{Agent, Handshake, Step};
use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::{ARN, Bridge, context, function, lines, rest_event, said};

const ON: (&str, &str) = ("RESPONSE_CACHE_TTL_MS", "60000");

/// An agent that numbers its replies. Each has two chunks, with a pause between them.
fn counting(pause_ms: u64) -> Agent {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Agent::replying(move |turn| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        vec![
            Step::text(format!("data: {}\n\n", json!({ "chunk": turn.prompt }))),
            Step::pause_ms(pause_ms),
            Step::text(format!(
                "data: {}\n\ndata: [DONE]\n\n",
                json!({ "chunk": format!(" {n}") })
            )),
        ]
    })
}

fn post(path: &str, prompt: &str) -> Request<Bytes> {
    let body = json!({ "agentId": "test", "prompt": prompt });
    Request::post(path).body(body.to_string().into()).unwrap()
}

#[tokio::test]
async fn an_identical_first_prompt_gets_the_cached_reply() {
    let bridge = Bridge::configured(counting(0), &[ON]).await;
    let first = bridge.say("hi").await.json();
    let second = bridge.say("hi").await.json();
    assert_eq!(first["response"], "hi 1");
    assert_eq!(second["response"], "hi 1");
    assert_ne!(first["sessionId"], second["sessionId"], "a fresh one");
    let streamed = bridge.send(post("/api/agents/invoke/stream", "hi")).await;
    assert!(
        streamed.text.contains("data: {\"chunk\":\"hi 1\"}\n\n"),
        "{}",
        streamed.text
    );
    assert!(
        streamed.text.ends_with("data: [DONE]\n\n"),
        "{}",
        streamed.text
    );
    assert_eq!(bridge.emulator.connections().len(), 1);

    assert_eq!(bridge.say("other").await.json()["response"], "other 2");
}

#[tokio::test]
async fn a_streamed_reply_is_cached_too() {
    let bridge = Bridge::configured(counting(0), &[ON]).await;
    bridge.send(post("/api/agents/invoke/stream", "hi")).await;
    assert_eq!(bridge.say("hi").await.json()["response"], "hi 1");
}

#[tokio::test]
async fn prompts_are_not_cached_by_default_or_in_a_conversation() {
    for (variables, session) in [(&[][..], None), (&[ON][..], Some("mine"))] {
        let bridge = Bridge::configured(counting(0), variables).await;
        for n in 1..=3 {
            let body = json!({ "agentId": "test", "prompt": "hi", "sessionId": session });
            let answer = bridge.invoke(&body).await.json();
            assert_eq!(answer["response"], format!("hi {n}"));
        }
    }
}

#[tokio::test]
async fn callers_do_not_share_replies() {
    let bridge = Bridge::configured(counting(0), &[ON]).await;
    let say = async |caller: Option<&str>| {
        let mut context = context();
        context.origin = Origin {
            caller: caller.map(|id| Caller::api_key(id.to_owned())),
            address: None,
        };
        let answer = bridge.send_from(post("/api/agents/invoke", "hi"), context);
        answer.await.json()["response"].as_str().unwrap().to_owned()
    };
    assert_eq!(say(Some("a")).await, "hi 1");
    assert_eq!(say(Some("b")).await, "hi 2");
    assert_eq!(say(None).await, "hi 3");
    assert_eq!(say(Some("a")).await, "hi 1");
    assert_eq!(say(None).await, "hi 3");
}

#[tokio::test]
async fn concurrent_identical_prompts_are_sent_once() {
    let bridge = Bridge::configured(counting(300), &[ON]).await;
    let all = futures_util::future::join_all((0..8).map(|_| bridge.say("hi"))).await;
    for answer in all {
        assert_eq!(answer.json()["response"], "hi 1");
    }
    assert_eq!(bridge.emulator.connections().len(), 1);
}

#[tokio::test]
async fn waiting_prompts_are_sent_if_the_first_one_fails() {
    let variables = [ON, ("RETRY_MAX_RETRIES", "0")];
    let refusal = Handshake::status(503, "ServiceUnavailable");
    let agent = counting(200).handshake(Handshake::Sequence(vec![refusal, Handshake::Accept]));
    let bridge = Bridge::configured(agent, &variables).await;
    let all = futures_util::future::join_all((0..3).map(|_| bridge.say("hi"))).await;
    let mut statuses: Vec<_> = all.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
}

#[tokio::test]
async fn incomplete_replies_are_not_cached() {
    let broken = Agent::scripted(vec![
        Step::text("data: {\"chunk\":\"one\"}\n\n"),
        Step::Reset,
    ]);
    let bridge = Bridge::configured(broken, &[ON]).await;
    assert_eq!(bridge.say("hi").await.json()["incomplete"], true);
    bridge.emulator.register(ARN, counting(0));
    assert_eq!(bridge.say("hi").await.json()["response"], "hi 1");

    let bridge = Bridge::configured(counting(0), &[ON, ("MAX_RESPONSE_BYTES", "3")]).await;
    assert_eq!(bridge.say("hi").await.json()["incomplete"], true);
    bridge.say("hi").await;
    assert_eq!(bridge.emulator.connections().len(), 2);
}

#[tokio::test]
async fn a_cache_hit_counts_as_an_invocation_without_a_connection() {
    let (_emulator, function) = function(counting(0), &[ON]).await;
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("hi")));
    for _ in 0..2 {
        function.invoke(&event).await;
    }
    let lines = lines(&function.stop().await.stdout);
    let metrics: Vec<_> = lines
        .iter()
        .filter(|line| line.get("_aws").is_some())
        .collect();
    let attempts = metrics
        .iter()
        .map(|line| &line["WebSocketConnectionAttempts"]);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 0]);
    for metrics in metrics {
        assert_eq!(metrics["AgentInvocationCount"], 1);
        assert_eq!(metrics["EmptyReplyCount"], 0);
    }
}
