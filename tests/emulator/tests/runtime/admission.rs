//! Who is let in, and what the others are told.

use agentcore_emulator::{Agent, Credentials, Emulator, Ended};

use crate::{
    client::{Client, emulator, is},
    url::{ARN, NOW, SESSION, Url},
};

/// Status and error type of the answer to a URL.
async fn refused(emulator: &Emulator, url: &Url) -> (u16, String) {
    let mut client = Client::ask(emulator, url).await;
    let answer = client.answer().await;
    client.expect_end().await;
    answer.refusal()
}

#[tokio::test]
async fn a_signed_request_is_let_in_and_recorded() {
    let emulator = emulator(Agent::echo()).await;
    let url = Url {
        prefix: "/a/prefix",
        ..Url::default()
    };
    let mut client = Client::ask(&emulator, &url).await;
    assert_eq!(client.answer().await.status, 101);

    let [connection] = &emulator.connections()[..] else {
        panic!("there should be one connection");
    };
    assert_eq!(connection.arn.as_deref(), Some(ARN));
    assert_eq!(connection.target, url.sign(&emulator.address().to_string()));
    assert_eq!(connection.runtime_session_id.as_deref(), Some(SESSION));
    assert_eq!(connection.parameter("X-Amz-Expires"), Some("300"));
    assert_eq!(connection.header("TraceParent"), Some("00-t-01"));
    assert_eq!(connection.header("tracestate"), None);
    assert_eq!(
        (connection.status, connection.ended),
        (Some(101), Ended::Open)
    );
    assert_eq!(emulator.open_connections(), 1);
}

#[tokio::test]
async fn a_tampered_url_is_an_invalid_signature() {
    let emulator = emulator(Agent::echo()).await;
    let host = emulator.address().to_string();
    let target = Url::default().sign(&host).replace("session-0", "session-9");
    let mut client = Client::dial(&emulator).await;
    client.request("GET", &target, &host).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("InvalidSignatureException")
    );
    assert_eq!(emulator.connections()[0].status, Some(403));
}

#[tokio::test]
async fn an_expired_url_is_an_invalid_signature() {
    let emulator = emulator(Agent::echo()).await;
    let url = Url {
        amz_date: "20240229T115459Z",
        ..Url::default()
    };
    assert_eq!(
        refused(&emulator, &url).await,
        is(403, "InvalidSignatureException")
    );
}

#[tokio::test]
async fn a_url_without_a_signature_has_no_authentication_token() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::dial(&emulator).await;
    let target = "/runtimes/arn%3Aaws%3Ax/ws";
    client.request("GET", target, "h").await;
    let answer = client.answer().await;
    let error_type = answer.header("x-amzn-errortype");
    assert_eq!(
        (answer.status, error_type),
        (403, Some("MissingAuthenticationTokenException"))
    );
}

#[tokio::test]
async fn only_accepted_credentials_that_have_not_expired_are_let_in() {
    let temporary = Credentials {
        access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
        ..Credentials::example()
    };
    let builder = Emulator::builder().agent(ARN, Agent::echo()).now(|| NOW);
    let emulator = builder
        .credentials(temporary.clone())
        .start()
        .await
        .unwrap();

    let example = Url::default();
    assert_eq!(
        refused(&emulator, &example).await,
        is(403, "UnrecognizedClientException")
    );

    let url = Url {
        credentials: temporary,
        ..Url::default()
    };
    assert_eq!(
        Client::ask(&emulator, &url).await.answer().await.status,
        101
    );
    emulator.expire("ASIAIOSFODNN7EXAMPLE");
    assert_eq!(
        refused(&emulator, &url).await,
        is(403, "ExpiredTokenException")
    );
}

#[tokio::test]
async fn an_unknown_agent_is_not_found_once_the_signature_is_right() {
    let emulator = emulator(Agent::echo()).await;
    let arn = ARN.replace("Test", "Other");
    let url = Url {
        arn: arn.clone(),
        ..Url::default()
    };
    assert_eq!(
        refused(&emulator, &url).await,
        is(404, "ResourceNotFoundException")
    );

    emulator.register(arn, Agent::echo());
    assert_eq!(
        Client::ask(&emulator, &url).await.answer().await.status,
        101
    );
}

#[tokio::test]
async fn a_bad_session_id_is_a_validation_error() {
    let emulator = emulator(Agent::echo()).await;
    for session_id in [None, Some("short".to_owned()), Some("é".repeat(40))] {
        let url = Url {
            session_id,
            ..Url::default()
        };
        assert_eq!(
            refused(&emulator, &url).await,
            is(400, "ValidationException")
        );
    }
}

#[tokio::test]
async fn any_other_request_is_not_found() {
    let emulator = emulator(Agent::echo()).await;
    let host = emulator.address().to_string();
    let signed = Url::default().sign(&host);
    for (method, target) in [("GET", "/"), ("POST", signed.as_str())] {
        let mut client = Client::dial(&emulator).await;
        client.request(method, target, &host).await;
        let answer = client.answer().await;
        let error_type = answer.header("x-amzn-errortype");
        assert_eq!(
            (answer.status, error_type),
            (404, Some("ResourceNotFoundException"))
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_hung_up_on() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::dial(&emulator).await;
    client.write(b"\x16\x03\x01\x02\x00\x01").await;
    client.expect_end().await;
    let connections = emulator.wait_until(|all| all[0].ended == Ended::Fin).await;
    assert_eq!(
        (connections[0].status, connections[0].target.as_str()),
        (None, "")
    );
}
