//! An agent behind a JWT authorizer.

use agentcore_emulator::Agent;

use crate::{
    client::{Client, emulator, is},
    signed::Signable,
    url::{ARN, SESSION, Url, encode},
};

const SESSION_ID: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

fn target() -> String {
    format!("/runtimes/{}/ws?qualifier=prod", encode(ARN))
}

#[tokio::test]
async fn a_bearer_is_let_in_by_token_and_session_in_headers() {
    let emulator = emulator(Agent::echo().bearer("a.b.c")).await;
    let mut client = Client::dial(&emulator).await;
    let headers = [
        ("Authorization", "Bearer a.b.c"),
        (SESSION_ID, SESSION),
        ("X-Amzn-Bedrock-AgentCore-Runtime-User-Id", "u"),
    ];
    client.request_with("GET", &target(), "h", &headers).await;
    assert_eq!(client.answer().await.status, 101);
    client.say("Hello").await;
    client.text().await;
    assert_eq!(emulator.sessions().len(), 1);
    let connection = emulator.connections().remove(0);
    assert_eq!(connection.runtime_session_id.as_deref(), Some(SESSION));
    assert_eq!(connection.user_id(), Some("u"));

    let stop = format!("/runtimes/{}/stopruntimesession", encode(ARN));
    for (token, status) in [("a.b.d", 401), ("a.b.c", 200)] {
        let mut client = Client::dial(&emulator).await;
        let token = format!("Bearer {token}");
        let headers = [("Authorization", token.as_str()), (SESSION_ID, SESSION)];
        client.request_with("POST", &stop, "h", &headers).await;
        assert_eq!(client.answer().await.status, status);
    }
    assert_eq!(emulator.sessions(), []);
}

#[tokio::test]
async fn others_are_refused() {
    let emulator = emulator(Agent::echo().bearer("a.b.c")).await;
    let signed = Url::default().sign(&emulator.address().to_string());
    let unsigned = target();
    let in_query = format!("{unsigned}&{SESSION_ID}={SESSION}");
    let session = (SESSION_ID, SESSION);
    let token = ("Authorization", "Bearer a.b.c");
    for (target, headers, refusal) in [
        (&signed, vec![], is(403, "AccessDeniedException")),
        (
            &signed,
            vec![token, session],
            is(403, "AccessDeniedException"),
        ),
        (&unsigned, vec![session], is(401, "UnauthorizedException")),
        (
            &unsigned,
            vec![("Authorization", "Bearer other"), session],
            is(401, "UnauthorizedException"),
        ),
        (&unsigned, vec![token], is(400, "ValidationException")),
        (&in_query, vec![token], is(400, "ValidationException")),
    ] {
        let mut client = Client::dial(&emulator).await;
        client.request_with("GET", target, "h", &headers).await;
        assert_eq!(client.answer().await.refusal(), refusal, "{headers:?}");
    }
    let signed = Signable::stop().refused(&emulator).await;
    assert_eq!(signed, is(403, "AccessDeniedException"));
}

#[tokio::test]
async fn an_agent_that_takes_signatures_takes_no_bearer() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::dial(&emulator).await;
    let headers = [("Authorization", "Bearer a.b.c"), (SESSION_ID, SESSION)];
    client.request_with("GET", &target(), "h", &headers).await;
    assert_eq!(client.answer().await.refusal().0, 403);
}
