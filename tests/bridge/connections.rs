//! Addresses of agents that callers open themselves.

use std::time::SystemTime;

use agentcore_emulator::Agent;
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Answer, Bridge, answered, context, function, known_caller, lines, rest_event,
};

async fn hand_out(bridge: &Bridge, agent: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/agents/{agent}/connections"));
    bridge
        .send_from(
            request.body(body.to_owned().into()).unwrap(),
            known_caller("user-1"),
        )
        .await
}

const OPEN: (&str, &str) = ("TEST_AGENT_CONNECTIONS", "presigned");

/// The address leads to the session that an invocation of the same caller's has.
#[tokio::test]
async fn an_address_leads_to_the_callers_own_session() {
    let bridge = Bridge::configured(Agent::echo(), &[OPEN]).await;
    let answer = hand_out(&bridge, "test", r#"{"sessionId":"mine"}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["sessionId"], "mine");
    let expires = told["expiresAt"].as_str().unwrap();
    let expires: SystemTime = humantime(expires);
    let left = expires.duration_since(SystemTime::now()).unwrap().as_secs();
    assert!((280..=300).contains(&left), "{left}");
    let url = told["url"].as_str().unwrap();
    assert!(
        url.starts_with("ws://") && url.contains("X-Amz-Expires=300"),
        "{url}"
    );

    let (mut socket, _) = tokio_tungstenite::client_async(url, connect(url).await)
        .await
        .unwrap();
    socket
        .send(Message::text(r#"{"prompt":"Hi"}"#))
        .await
        .unwrap();
    assert!(socket.next().await.unwrap().is_ok());

    let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" });
    let request = Request::post("/api/agents/invoke").body(body.to_string().into());
    let invoked = bridge
        .send_from(request.unwrap(), known_caller("user-1"))
        .await;
    assert_eq!(invoked.status, StatusCode::OK);
    assert_eq!(bridge.emulator.sessions().len(), 1, "one session for both");

    let fresh: Value = hand_out(&bridge, "test", "").await.json();
    assert!(fresh["sessionId"].as_str().unwrap().starts_with("session-"));
}

async fn connect(url: &str) -> tokio::net::TcpStream {
    let host = url
        .strip_prefix("ws://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    tokio::net::TcpStream::connect(host).await.unwrap()
}

/// The time of an RFC 3339 text in UTC.
fn humantime(text: &str) -> SystemTime {
    let format = time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(text, &format).unwrap().into()
}

#[tokio::test]
async fn there_is_none_unless_the_operator_says_so() {
    let token = [OPEN, ("TEST_AGENT_AUTH", "caller")];
    let off = [("TEST_AGENT_CONNECTIONS", "off")];
    for (variables, agent, body, status) in [
        (&[][..], "test", "", 403),
        (&off, "test", "", 403),
        (&token, "test", "", 403),
        (&[OPEN], "nobody", "", 404),
        (&[OPEN], "test", "[]", 400),
        (&[OPEN], "test", r#"{"sessionId":"-"}"#, 400),
        (
            &[
                OPEN,
                ("BROKEN_AGENT_ARN", "x"),
                ("BROKEN_AGENT_CONNECTIONS", "presigned"),
            ],
            "broken",
            "",
            400,
        ),
    ] {
        let bridge = Bridge::configured(Agent::echo(), variables).await;
        let answer = hand_out(&bridge, agent, body).await;
        assert_eq!(answer.status, status, "{variables:?} {body}");
        if status == 403 {
            assert_eq!(answer.json()["error"], "AuthorizationError");
        }
        assert!(!answer.text.contains("X-Amz"));
    }
}

#[tokio::test]
async fn it_counts_for_the_rate_limit() {
    let bridge = Bridge::configured(Agent::echo(), &[OPEN, ("RATE_LIMIT_PER_MINUTE", "1")]).await;
    assert_eq!(
        hand_out(&bridge, "test", "").await.status,
        StatusCode::CREATED
    );
    let refused = hand_out(&bridge, "test", "").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.json()["details"].get("phase").is_none());
    let request = Request::post("/api/agents/test/connections").body("".into());
    let other = bridge.send_from(request.unwrap(), context()).await;
    assert_eq!(other.status, StatusCode::CREATED);
}

/// An address is a credential: the log says that there is one, and for whom.
#[tokio::test]
async fn an_address_is_in_no_log() {
    let more = [OPEN, ("LOG_LEVEL", "trace")];
    let (_emulator, function) = function(Agent::echo(), &more).await;
    let body = Some(r#"{"sessionId":"mine"}"#);
    let mut event = rest_event("POST", "/api/agents/test/connections", body);
    let claims = json!({ "iss": "issuer", "sub": "MARKER-SUB" });
    event["requestContext"]["authorizer"] = json!({ "claims": claims });
    let (status, told_caller) = answered(function.invoke(&event).await);
    assert_eq!(status, 201, "{told_caller}");
    let url = told_caller["url"].as_str().unwrap();
    let (_, query) = url.split_once('?').unwrap();

    let stdout = function.stop().await.stdout;
    let lines = lines(&stdout);
    let mut lines = lines
        .iter()
        .filter(|line| line["message"] == "connection handed out");
    let line = lines.next().expect("a line that says so");
    assert_eq!(
        (&line["agentId"], &line["sessionId"]),
        (&json!("test"), &json!("mine"))
    );
    assert!(line["callerId"].as_str().unwrap().starts_with("caller-"));
    for (name, value) in query.split('&').filter_map(|one| one.split_once('=')) {
        let is_public = matches!(name, "X-Amz-Expires" | "X-Amz-SignedHeaders");
        assert!(is_public || !stdout.contains(value), "{name}: {stdout}");
    }
    assert!(!stdout.contains("X-Amz") && !stdout.contains("MARKER"));
}
