//! Agents whose runtime takes the caller's own token and no signature.

use agentcore_emulator::{Agent, Connection, Handshake, Operation};
use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::support::{ARN, Answer, Bridge, answered, event, function, saying};

const TOKEN: &str = "eyJhbGciOiJub25lIn0.e30.MARKER-TOKEN_~+/==";
const AUTH: (&str, &str) = ("TEST_AGENT_AUTH", "caller");

async fn bridge(agent: Agent, more: &[(&str, &str)]) -> Bridge {
    let mut variables = vec![AUTH];
    variables.extend(more);
    Bridge::configured(agent.bearer(TOKEN), &variables).await
}

async fn send(bridge: &Bridge, method: &str, path: &str, authorization: Option<&str>) -> Answer {
    let body = json!({ "agentId": "test", "prompt": "Hi", "sessionId": "mine" });
    let mut request = Request::builder().method(method).uri(path);
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    bridge.send(request).await
}

async fn invoke(bridge: &Bridge, authorization: Option<&str>) -> Answer {
    send(bridge, "POST", "/api/agents/invoke", authorization).await
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

/// Nothing is signed: neither in the address nor in a header.
fn assert_unsigned(connection: &Connection) {
    assert!(!connection.target.contains("X-Am"), "{connection:?}");
    assert!(
        connection
            .headers
            .iter()
            .all(|(name, _)| !name.starts_with("x-amz-"))
    );
    assert_eq!(connection.header("authorization"), Some(&*bearer()));
}

#[tokio::test]
async fn the_token_goes_on_in_place_of_a_signature() {
    let more = [("TEST_AGENT_QUALIFIER", "blue&green")];
    let bridge = bridge(Agent::echo(), &more).await;
    for path in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
        let answer = send(&bridge, "POST", path, Some(&bearer())).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let timing = answer.header("server-timing");
        assert!(
            timing.contains("connect") && !timing.contains("sign"),
            "{timing}"
        );
        let connection = bridge.emulator.connections().pop().unwrap();
        let arn = ARN.replace(':', "%3A").replace('/', "%2F");
        let target = format!("/runtimes/{arn}/ws?qualifier=blue%26green");
        assert_eq!(connection.target, target);
        assert_unsigned(&connection);
        let session = connection.header("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id");
        assert!((33..=100).contains(&session.unwrap().len()));
        assert_eq!(connection.user_id(), None);
    }
    assert_eq!(bridge.emulator.sessions()[0].turns, 2);
}

#[tokio::test]
async fn the_end_of_a_session_is_asked_for_by_the_token_too() {
    let bridge = bridge(Agent::echo(), &[]).await;
    invoke(&bridge, Some(&bearer())).await;
    assert_eq!(bridge.emulator.sessions().len(), 1);
    let path = "/api/agents/test/sessions/mine";
    let answer = send(&bridge, "DELETE", path, None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"], "AuthenticationError");
    assert_eq!(answer.json()["details"].get("phase"), None);
    let answer = send(&bridge, "DELETE", path, Some("Bearer other")).await;
    assert_eq!(answer.status, 401);
    let answer = send(&bridge, "DELETE", path, Some(&bearer())).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(bridge.emulator.sessions(), []);

    let all = bridge.emulator.connections();
    let [invoked, refused, ended] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(refused.status, Some(401));
    assert_eq!(ended.operation, Some(Operation::StopRuntimeSession));
    assert_eq!(ended.runtime_session_id, invoked.runtime_session_id);
    assert_unsigned(ended);
}

#[tokio::test]
async fn without_a_bearer_token_no_attempt_is_made() {
    let bridge = bridge(Agent::echo(), &[]).await;
    for authorization in [None, Some("Basic YTpi"), Some("Bearer "), Some(TOKEN)] {
        let answer = invoke(&bridge, authorization).await;
        assert_eq!(answer.status, 401, "{authorization:?}");
        let body = answer.json();
        assert_eq!(body["error"], "AuthenticationError");
        let details = json!({
            "agentId": "test", "sessionId": "mine", "retryable": false, "phase": "credentials",
        });
        assert_eq!(body["details"], details);
    }
    assert!(bridge.emulator.connections().is_empty());
}

/// A refusal of the token is its sender's business. Nothing is asked twice, since no other token is
/// to be had here.
#[tokio::test]
async fn a_token_that_is_refused_is_a_401_after_one_attempt() {
    let refusals = [
        (Handshake::status(401, "UnauthorizedException"), 401),
        (Handshake::status(403, "ExpiredTokenException"), 401),
        (Handshake::status(403, "AccessDeniedException"), 403),
    ];
    for (refusal, status) in refusals {
        let bridge = bridge(Agent::refusing(refusal), &[]).await;
        let answer = invoke(&bridge, Some(&bearer())).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["details"]["phase"], "handshake");
        assert_eq!(answer.json()["details"]["retryable"], false);
        assert!(!answer.text.contains("AWS"), "{answer:?}");
        assert_eq!(bridge.emulator.connections().len(), 1);
    }
    let bridge = bridge(Agent::echo(), &[]).await;
    let answer = invoke(&bridge, Some("Bearer other")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(bridge.emulator.connections().len(), 1);
}

/// What can pass is tried again, by the same token.
#[tokio::test]
async fn a_cold_start_is_retried_by_the_token() {
    let cold = Handshake::Sequence(vec![
        Handshake::status(424, "RuntimeClientError"),
        Handshake::Accept,
    ]);
    let bridge = bridge(Agent::echo().handshake(cold), &[]).await;
    assert_eq!(invoke(&bridge, Some(&bearer())).await.status, 200);
    let connections = bridge.emulator.connections();
    assert_eq!(connections.len(), 2);
    connections.iter().for_each(assert_unsigned);
}

/// The two kinds do not mix: an agent that takes signatures never sees a caller's token.
#[tokio::test]
async fn a_token_goes_to_no_agent_that_does_not_ask_for_it() {
    let bridge = Bridge::to(Agent::echo()).await;
    assert_eq!(invoke(&bridge, Some(&bearer())).await.status, 200);
    send(
        &bridge,
        "DELETE",
        "/api/agents/test/sessions/mine",
        Some(&bearer()),
    )
    .await;
    let connections = bridge.emulator.connections();
    assert_eq!(connections.len(), 2);
    for connection in connections {
        assert!(
            !format!("{connection:?}").contains("MARKER"),
            "{connection:?}"
        );
    }

    let signed = Bridge::configured(Agent::echo().bearer(TOKEN), &[]).await;
    assert_eq!(invoke(&signed, Some(&bearer())).await.status, 403);
}

/// No credentials of our own are needed, nor asked for: those of the caller are all there are.
#[tokio::test]
async fn no_credentials_of_ours_are_needed() {
    let none = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let bridge = bridge(Agent::echo(), &none).await;
    assert_eq!(invoke(&bridge, Some(&bearer())).await.status, 200);
}

/// Behind each gateway, in the built binary: the session is its caller's, the user is told, and the
/// token is in no line and in no answer.
#[tokio::test]
async fn behind_a_gateway_the_token_goes_on_and_is_told_nobody() {
    let variables = [
        ("ECHO_AGENT_ARN", ARN),
        ("ECHO_AGENT_AUTH", "caller"),
        ("ECHO_AGENT_USER_ID", "caller"),
        ("LOG_LEVEL", "trace"),
    ];
    let (emulator, function) = function(Agent::echo().bearer(TOKEN), &variables).await;
    let claims = json!({ "iss": "https://issuer.example.com/", "sub": "user-1" });
    let native = json!({ "authorizer": { "jwt": { "claims": claims } } });
    let rest = json!({ "authorizer": { "claims": claims } });
    let body = json!({ "agentId": "echo", "prompt": "x", "sessionId": "mine" });
    for (name, context) in [("http-api-jwt", native), ("rest-api", rest)] {
        let mut event = saying(event(name, &context), &body);
        for (token, status) in [(TOKEN, 200), ("MARKER-OTHER", 401)] {
            event["headers"]["authorization"] = format!("Bearer {token}").into();
            let (answered, answer) = answered(function.invoke(&event).await);
            assert_eq!(answered, status, "{answer}");
            assert!(!answer.to_string().contains("MARKER"), "{answer}");
        }
    }
    let all = emulator.connections();
    assert_eq!(all.len(), 4);
    for connection in &all {
        let session = connection.runtime_session_id.as_deref().unwrap();
        assert!(session.starts_with("bound-"), "{session}");
        assert_eq!(connection.runtime_session_id, all[0].runtime_session_id);
        assert!(connection.user_id().unwrap().starts_with("caller-"));
    }
    let ended = function.stop().await;
    let output = ended.stdout + &ended.stderr;
    assert!(!output.contains("MARKER"), "{output}");
    let refused = output
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"] == "agent invocation failed");
    for line in refused {
        assert_eq!(line["level"], "WARN", "{line}");
    }
}
