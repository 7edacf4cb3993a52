//! Sessions whose micro-VM is started before there is a prompt.

use agentcore_emulator::{Agent, Handshake};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Bridge};

async fn prewarm(bridge: &Bridge, agent: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/agents/{agent}/sessions"));
    bridge
        .send(request.body(body.to_owned().into()).unwrap())
        .await
}

#[tokio::test]
async fn a_session_is_opened_and_closed_and_then_used() {
    let bridge = Bridge::to(Agent::echo()).await;
    for (body, sent) in [
        ("", None),
        ("{}", None),
        (r#"{"sessionId":null}"#, None),
        (r#"{"sessionId":"mine"}"#, Some("mine")),
    ] {
        let answer = prewarm(&bridge, "test", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let told: Value = answer.json();
        assert_eq!(told["ready"], true);
        let session = told["sessionId"].as_str().unwrap();
        assert!(sent.map_or(session.starts_with("session-"), |sent| sent == session));
    }
    let closed = bridge.emulator.wait_until(|connections| {
        let closed = connections.iter().filter(|c| c.close_code == Some(1000));
        closed.count() == 4
    });
    closed.await;
    let warmed = bridge.emulator.connections()[3].runtime_session_id.clone();
    let body = json!({ "agentId": "test", "prompt": "hi", "sessionId": "mine" });
    assert_eq!(bridge.invoke(&body).await.status, StatusCode::OK);
    assert_eq!(bridge.emulator.connections()[4].runtime_session_id, warmed);
}

#[tokio::test]
async fn a_runtime_that_takes_longer_is_not_waited_for() {
    let late = Handshake::Delayed {
        by: std::time::Duration::from_secs(8),
        then: Box::new(Handshake::Accept),
    };
    let bridge = Bridge::to(Agent::echo().handshake(late)).await;
    let answer = prewarm(&bridge, "test", "").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.json()["ready"], false);
}

#[tokio::test]
async fn mistakes_and_refusals_are_told() {
    let bridge = Bridge::configured(Agent::echo(), &[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    for (agent, body, status) in [
        ("nobody", "", 404),
        ("test", "[]", 400),
        ("test", "{", 400),
        ("test", r#"{"sessionId":1}"#, 400),
        ("test", r#"{"sessionId":"-"}"#, 400),
        ("test", "", 201),
        ("test", "", 201),
        ("test", "", 429),
    ] {
        let answer = prewarm(&bridge, agent, body).await;
        assert_eq!(answer.status.as_u16(), status, "{agent} {body}: {answer:?}");
    }
    let refusing = Agent::refusing(Handshake::status(403, "AccessDeniedException"));
    let bridge = Bridge::to(refusing).await;
    let answer = prewarm(&bridge, "test", "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json()["details"].get("phase"), None);
    assert_eq!(bridge.emulator.connections().len(), 1, "no retry");
}
