//! Each way to meet a handshake.

use std::time::Duration;

use agentcore_emulator::{Agent, Emulator, Ended, Handshake};

use crate::{
    client::{Client, emulator},
    url::Url,
};

async fn asked(handshake: Handshake) -> (Emulator, Client) {
    let emulator = emulator(Agent::echo().handshake(handshake)).await;
    let client = Client::ask(&emulator, &Url::default()).await;
    (emulator, client)
}

#[tokio::test]
async fn a_status_is_answered_as_given() {
    let handshake = Handshake::status(429, "ThrottlingException").with_header("Retry-After", "2");
    let (emulator, mut client) = asked(handshake).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 429);
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("ThrottlingException")
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(
        answer.body,
        r#"{"message":"ThrottlingException of the agent"}"#
    );
    assert_eq!(emulator.connections()[0].status, Some(429));
    client.expect_end().await;
    drop(client);
    emulator.wait_until(|all| all[0].ended == Ended::Fin).await;
    assert_eq!(emulator.open_connections(), 0);
}

#[tokio::test]
async fn a_status_may_have_no_type_and_no_body() {
    let status = Handshake::Status {
        status: 204,
        error_type: None,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let (_emulator, mut client) = asked(status).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-amzn-errortype")),
        (204, None)
    );
    assert_eq!(answer.header("content-length"), Some("0"));
}

#[tokio::test]
async fn a_stalled_request_is_read_and_never_answered() {
    let (emulator, client) = asked(Handshake::Stall).await;
    let connections = emulator
        .wait_until(|all| all.iter().any(|c| c.arn.is_some()))
        .await;
    assert_eq!(
        (connections[0].status, connections[0].ended),
        (None, Ended::Open)
    );
    drop(client);
    let connections = emulator.wait_until(|all| all[0].ended != Ended::Open).await;
    assert_eq!(
        (connections[0].status, connections[0].ended),
        (None, Ended::Fin)
    );
}

#[tokio::test]
async fn a_reset_is_one_on_the_wire() {
    let (emulator, mut client) = asked(Handshake::Reset).await;
    client.expect_reset().await;
    emulator
        .wait_until(|all| all[0].ended == Ended::Reset)
        .await;
}

#[tokio::test]
async fn a_silent_close_is_an_ordinary_end() {
    let (_emulator, mut client) = asked(Handshake::CloseSilently).await;
    client.expect_end().await;
}

#[tokio::test]
async fn raw_bytes_come_as_they_are_and_the_connection_ends_or_not() {
    let raw = |keep_open| Handshake::Raw {
        bytes: b"SSH-2.0-x\r\n".to_vec(),
        keep_open,
    };
    let (_emulator, mut client) = asked(raw(false)).await;
    let (bytes, ended) = client.rest().await;
    assert_eq!(bytes, b"SSH-2.0-x\r\n");
    ended.expect("an ordinary end");

    let (emulator, mut client) = asked(raw(true)).await;
    client.expect_bytes(b"SSH-2.0-x\r\n").await;
    client.write(b"still there").await;
    assert_eq!(emulator.open_connections(), 1);
    drop(client);
    emulator.wait_until(|all| all[0].ended == Ended::Fin).await;
}

#[tokio::test]
async fn a_delayed_handshake_comes_unless_the_client_has_gone() {
    let delayed = |milliseconds| Handshake::Delayed {
        by: Duration::from_millis(milliseconds),
        then: Box::new(Handshake::Accept),
    };
    let (_emulator, mut client) = asked(delayed(1)).await;
    assert_eq!(client.answer().await.status, 101);

    let (emulator, client) = asked(delayed(1_000_000)).await;
    emulator
        .wait_until(|all| all.iter().any(|connection| connection.arn.is_some()))
        .await;
    drop(client);
    let connections = emulator.wait_until(|all| all[0].ended == Ended::Fin).await;
    assert_eq!(connections[0].status, None);
}

#[tokio::test]
async fn a_sequence_is_one_for_each_attempt_and_starts_again_with_a_registration() {
    let handshakes = vec![
        Handshake::status(424, "RuntimeClientError"),
        Handshake::status(503, "ServiceUnavailable"),
        Handshake::Accept,
    ];
    let agent = Agent::echo().handshake(Handshake::Sequence(handshakes));
    let emulator = emulator(agent.clone()).await;
    for expected in [424, 503, 101, 101] {
        let mut client = Client::ask(&emulator, &Url::default()).await;
        assert_eq!(client.answer().await.status, expected);
    }
    emulator.register(Url::default().arn, agent);
    let mut client = Client::ask(&emulator, &Url::default()).await;
    assert_eq!(client.answer().await.status, 424);
    let statuses: Vec<_> = emulator.connections().iter().map(|c| c.status).collect();
    assert_eq!(statuses, [424, 503, 101, 101, 424].map(Some));
}

#[tokio::test]
async fn a_cold_agent_is_warm_the_second_time() {
    let emulator = emulator(Agent::cold()).await;
    let mut client = Client::ask(&emulator, &Url::default()).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 424);
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("RuntimeClientError")
    );
    Client::connect(&emulator).await;
}

#[tokio::test]
async fn a_refusing_agent_is_its_handshake() {
    let emulator = emulator(Agent::refusing(Handshake::status(
        500,
        "InternalServerException",
    )))
    .await;
    let mut client = Client::ask(&emulator, &Url::default()).await;
    assert_eq!(client.answer().await.status, 500);
}
