//! What is sent over the socket, and what becomes of the reply.

use std::time::Duration;

use agentcore_emulator::frame::opcode;
use agentcore_emulator::{Agent, Ended, Step};
use http::StatusCode;
use serde_json::json;

use crate::support::{ARN, Bridge, context};

#[tokio::test]
async fn a_prompt_is_sent_and_the_reply_returned() {
    let bridge = Bridge::configured(
        Agent::echo(),
        &[("TEST_AGENT_QUALIFIER", "prod"), ("AWS_SESSION_TOKEN", "")],
    )
    .await;
    let session = "session-of-mine-that-has-33-chars-or-more";
    let said = json!({ "agentId": "Test-Agent", "prompt": "Hi \u{0}there", "sessionId": session });
    let answer = bridge.invoke(&said).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut body = answer.json();
    assert!(body["metadata"]["duration"].take().is_u64());
    assert_eq!(
        body,
        json!({
            "response": "You said: Hi there (turn 1 of this session)",
            "sessionId": session,
            "metadata": { "chunks": 3, "duration": null },
        })
    );

    let connections = bridge
        .emulator
        .wait_until(|all| all[0].ended != Ended::Open)
        .await;
    assert_eq!(connections.len(), 1);
    let connection = &connections[0];
    assert_eq!(connection.arn.as_deref(), Some(ARN));
    assert_eq!(connection.status, Some(101));
    assert_eq!(connection.parameter("qualifier"), Some("prod"));
    assert_eq!(connection.runtime_session_id.as_deref(), Some(session));
    let message = json!({ "prompt": "Hi there", "sessionId": session }).to_string();
    assert_eq!(connection.messages, [message]);
    assert_eq!(connection.close_code, Some(1000));
}

#[tokio::test]
async fn a_session_continues_with_an_id_of_any_length() {
    let bridge = Bridge::to(Agent::echo()).await;
    for session in ["s", &"long".repeat(64), &"a".repeat(50)] {
        for turn in 1..=3 {
            let said = json!({ "agentId": "test", "prompt": "x", "sessionId": session });
            let answer = bridge.invoke(&said).await.json();
            assert_eq!(answer["sessionId"], session);
            let reply = answer["response"].as_str().unwrap().to_owned();
            assert!(
                reply.ends_with(&format!("(turn {turn} of this session)")),
                "{reply}"
            );
        }
    }
    let fresh = [bridge.say("x").await.json(), bridge.say("x").await.json()];
    assert_ne!(fresh[0]["sessionId"], fresh[1]["sessionId"]);
}

#[tokio::test]
async fn a_long_message_is_split_into_frames_of_the_allowed_size() {
    let bridge = Bridge::configured(Agent::echo(), &[("MAX_PROMPT_BYTES", "524288")]).await;
    for prompt in ["é".repeat(50_000), "\"".repeat(500_000), "x".repeat(32_768)] {
        let answer = bridge.say(&prompt).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.json()["response"]
                .as_str()
                .unwrap()
                .contains(&prompt)
        );
    }
    for connection in bridge.emulator.connections() {
        let data: Vec<_> = connection
            .frames
            .iter()
            .filter(|frame| frame.opcode < opcode::CLOSE)
            .collect();
        assert!(data.len() > 1);
        let (last, others) = data.split_last().unwrap();
        assert!(last.fin && last.len <= 32_768);
        assert!(others.iter().all(|frame| !frame.fin && frame.len == 32_768));
        assert_eq!(data[0].opcode, opcode::TEXT);
        assert!(
            data[1..]
                .iter()
                .all(|frame| frame.opcode == opcode::CONTINUATION)
        );
    }
}

#[tokio::test]
async fn every_format_of_the_stock_agents_is_read() {
    for (name, agent) in [
        ("strands", Agent::strands()),
        ("converse", Agent::converse()),
        ("ag_ui", Agent::ag_ui()),
        ("openai_chat", Agent::openai_chat()),
        ("sdk_strings", Agent::sdk_strings()),
        ("bare_json", Agent::bare_json()),
        ("echo", Agent::echo()),
        ("cold", Agent::cold()),
    ] {
        let bridge = Bridge::to(agent).await;
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {answer:?}");
        let reply = answer.json()["response"].as_str().unwrap().to_owned();
        assert_eq!(reply, "You said: Hi (turn 1 of this session)", "{name}");
    }
}

#[tokio::test]
async fn large_replies_and_many_chunks_arrive_complete() {
    let piece = "0123456789".repeat(30_000);
    let mut steps = vec![Step::text(format!("data: {{\"chunk\":\"{piece}\"}}\n\n")); 10];
    steps.push(Step::text("data: [DONE]\n\n"));
    let answer = Bridge::to(Agent::scripted(steps))
        .await
        .say("x")
        .await
        .json();
    assert_eq!(answer["response"].as_str().unwrap().len(), 3_000_000);
    assert_eq!(answer.get("incomplete"), None);

    let mut steps: Vec<_> = (0..10_000)
        .map(|n| Step::text(format!("data: {{\"chunk\":\"{n} \"}}\n\n")))
        .collect();
    steps.push(Step::text("data: [DONE]\n\n"));
    let answer = Bridge::to(Agent::scripted(steps))
        .await
        .say("x")
        .await
        .json();
    let expected: String = (0..10_000)
        .flat_map(|n| [n.to_string(), " ".to_owned()])
        .collect();
    assert_eq!(answer["response"], expected);
    assert_eq!(answer["metadata"]["chunks"], 10_000);
}

#[tokio::test]
async fn a_reply_over_the_limit_is_cut_at_a_character_boundary() {
    let reply = Agent::scripted(vec![Step::text("é".repeat(10)), Step::Silence]);
    let bridge = Bridge::configured(reply, &[("MAX_RESPONSE_BYTES", "7")]).await;
    let answer = bridge.say("x").await.json();
    assert_eq!(answer["response"], "ééé");
    assert_eq!(answer["incomplete"], true);
    bridge
        .emulator
        .wait_until(|all| all[0].close_code == Some(1000))
        .await;

    let reply = Agent::scripted(vec![Step::text("a".repeat(7)), Step::Close(None)]);
    let bridge = Bridge::configured(reply, &[("MAX_RESPONSE_BYTES", "7")]).await;
    assert_eq!(bridge.say("x").await.json().get("incomplete"), None);
}

/// Quotation marks take four bytes each in Lambda's JSON.
#[tokio::test]
async fn a_response_stays_below_lambdas_limit() {
    let reply = Agent::scripted(vec![
        Step::text(format!("x{}", "\"".repeat(4_000_000))),
        Step::Close(None),
    ]);
    let bridge = Bridge::to(reply).await;
    for (limit, bytes) in [
        (agentcore_bridge::api::AnswerLimit::Lambda, 6_000_000),
        (agentcore_bridge::api::AnswerLimit::LoadBalancer, 1_000_000),
    ] {
        let request = http::Request::post("/api/agents/invoke")
            .body(
                json!({ "agentId": "test", "prompt": "x" })
                    .to_string()
                    .into(),
            )
            .unwrap();
        let context = agentcore_bridge::api::RequestContext { limit, ..context() };
        let answer = bridge.send_from(request, context).await;
        assert_eq!(answer.json()["incomplete"], true);
        let escaped = serde_json::to_string(&answer.text).unwrap();
        assert!(
            escaped.len() < bytes && escaped.len() > bytes - 50_000,
            "{}",
            escaped.len()
        );
    }
}

#[tokio::test]
async fn pings_are_answered_and_not_read_as_messages() {
    let ping = || Step::Ping(b"still there?".to_vec());
    let steps = vec![
        ping(),
        Step::text("a"),
        ping(),
        ping(),
        Step::text("b"),
        Step::Close(None),
    ];
    let bridge = Bridge::to(Agent::scripted(steps)).await;
    let answer = bridge.say("x").await.json();
    assert_eq!(
        (
            answer["response"].as_str(),
            answer["metadata"]["chunks"].as_u64()
        ),
        (Some("ab"), Some(2))
    );
    let connections = bridge.emulator.wait_until(|all| all[0].pongs > 0).await;
    assert!(connections[0].pongs >= 1);
}

#[tokio::test]
async fn the_socket_is_closed_when_the_invocation_is_cancelled() {
    let bridge = Bridge::to(Agent::scripted(vec![
        Step::text("data: a"),
        Step::AwaitClose,
    ]))
    .await;
    let invoked = tokio::time::timeout(Duration::from_millis(200), bridge.say("x")).await;
    assert!(invoked.is_err(), "the agent never ends its reply");
    let connections = bridge
        .emulator
        .wait_until(|all| all[0].ended != Ended::Open)
        .await;
    assert_eq!(connections[0].close_code, Some(1000));
}

#[tokio::test]
async fn trace_headers_are_sent_to_the_agent() {
    let bridge = Bridge::to(Agent::echo()).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = http::Request::post("/api/agents/invoke")
        .header("traceparent", parent)
        .header("baggage", "not a list")
        .body(
            json!({ "agentId": "test", "prompt": "x" })
                .to_string()
                .into(),
        )
        .unwrap();
    let xray = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned());
    let context = agentcore_bridge::api::RequestContext {
        xray: xray.clone(),
        ..context()
    };
    bridge.send_from(request, context).await;
    let connections = bridge.emulator.connections();
    assert_eq!(connections[0].header("traceparent"), Some(parent));
    assert_eq!(connections[0].header("x-amzn-trace-id"), xray.as_deref());
    assert_eq!(connections[0].header("baggage"), None);
}

#[tokio::test]
async fn concurrent_conversations_do_not_mix() {
    let bridge = Bridge::to(Agent::echo()).await;
    let invocations = (0..50).map(|n| {
        let bridge = &bridge;
        async move {
            let session = format!("session-{n}");
            let prompt = format!("words of {n}");
            let said = json!({ "agentId": "test", "prompt": prompt, "sessionId": session });
            let answer = bridge.invoke(&said).await.json();
            assert_eq!(answer["sessionId"], session);
            let expected = format!("You said: {prompt} (turn 1 of this session)");
            assert_eq!(answer["response"], expected);
        }
    });
    futures_util::future::join_all(invocations).await;
}
