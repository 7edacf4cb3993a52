//! `StopRuntimeSession`.

use std::time::Duration;

use agentcore_emulator::{Agent, Credentials, Emulator, Ended, Handshake, Operation, Session};

use crate::{
    client::{Client, emulator, is},
    signed::Signable,
    url::{ARN, NOW, SESSION, Url, encode},
};

/// Has one turn of the conversation, and returns which one the agent says it was.
async fn talk(emulator: &Emulator) -> String {
    let mut client = Client::connect(emulator).await;
    client.say("Hello").await;
    let mut said = String::new();
    loop {
        let text = client.text().await;
        if text.contains("[DONE]") {
            return said;
        }
        said = text;
    }
}

fn remembered(turns: usize) -> Vec<Session> {
    vec![Session {
        arn: ARN.to_owned(),
        runtime_session_id: SESSION.to_owned(),
        turns,
    }]
}

#[tokio::test]
async fn a_stopped_session_is_forgotten_and_begins_anew() {
    let emulator = emulator(Agent::echo()).await;
    assert_eq!(emulator.sessions(), []);
    talk(&emulator).await;
    assert!(talk(&emulator).await.contains("turn 2"));
    assert_eq!(emulator.sessions(), remembered(2));

    let answer = Signable::stop().answer(&emulator).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let session = answer.header("x-amzn-bedrock-agentcore-runtime-session-id");
    assert_eq!(session, Some(SESSION));
    assert_eq!(emulator.sessions(), []);

    assert!(talk(&emulator).await.contains("turn 1"));
    assert_eq!(emulator.sessions(), remembered(1));
}

#[tokio::test]
async fn a_request_to_stop_is_recorded() {
    let emulator = emulator(Agent::echo()).await;
    let mut stop = Signable::stop();
    stop.target = format!("/a/prefix{}?qualifier=prod", stop.target);
    stop.refused(&emulator).await;
    let connections = emulator.wait_until(|all| all[0].ended == Ended::Fin).await;
    let connection = &connections[0];
    assert_eq!(connection.method, "POST");
    assert_eq!(connection.operation, Some(Operation::StopRuntimeSession));
    assert_eq!(connection.arn.as_deref(), Some(ARN));
    assert_eq!(connection.runtime_session_id.as_deref(), Some(SESSION));
    assert_eq!(connection.target, stop.target);
    assert_eq!(connection.parameter("qualifier"), Some("prod"));
    assert_eq!(connection.status, Some(404));
}

#[tokio::test]
async fn what_is_unknown_is_not_found() {
    let emulator = emulator(Agent::echo().endpoints(["prod"])).await;
    let not_found = is(404, "ResourceNotFoundException");
    let session = Signable::stop();
    assert_eq!(session.refused(&emulator).await, not_found);

    talk(&emulator).await;
    let other = encode(&ARN.replace("Test", "Other"));
    let runtime = Signable {
        target: format!("/runtimes/{other}/stopruntimesession"),
        ..Signable::stop()
    };
    assert_eq!(runtime.refused(&emulator).await, not_found);
    let with = |qualifier: &str| Signable {
        target: format!("{}?qualifier={qualifier}", Signable::stop().target),
        ..Signable::stop()
    };
    assert_eq!(with("other").refused(&emulator).await, not_found);
    assert_eq!(emulator.sessions(), remembered(1));
    assert_eq!(with("prod").answer(&emulator).await.status, 200);
}

#[tokio::test]
async fn a_bad_session_id_or_body_is_a_validation_error() {
    let emulator = emulator(Agent::echo()).await;
    talk(&emulator).await;
    let invalid = is(400, "ValidationException");
    for session_id in [None, Some("short".to_owned()), Some("+".repeat(40))] {
        let stop = Signable {
            session_id,
            ..Signable::stop()
        };
        assert_eq!(stop.refused(&emulator).await, invalid);
    }
    for body in ["x", r#"{"clientToken":"short"}"#] {
        let stop = Signable {
            body: body.to_owned(),
            ..Signable::stop()
        };
        assert_eq!(stop.refused(&emulator).await, invalid);
    }
    assert_eq!(emulator.sessions(), remembered(1));
}

#[tokio::test]
async fn a_body_may_have_a_client_token_and_come_late() {
    let emulator = emulator(Agent::echo()).await;
    talk(&emulator).await;
    let stop = Signable {
        body: r#"{"clientToken":"6c0c2a6e-5f0b-4b0e-9a3c-2f1f0a7d9b11"}"#.to_owned(),
        ..Signable::stop()
    };
    let request = stop.sign(&emulator.address().to_string());
    let (early, late) = request.split_at(request.len() - stop.body.len() + 1);
    let mut client = Client::dial(&emulator).await;
    client.write(early.as_bytes()).await;
    emulator
        .wait_until(|all| all.iter().any(|one| one.method == "POST"))
        .await;
    client.expect_nothing_yet();
    client.write(late.as_bytes()).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_hung_up_on() {
    let emulator = emulator(Agent::echo()).await;
    for header in [
        "transfer-encoding: chunked",
        "content-length: x",
        "content-length: 9999999",
    ] {
        let host = emulator.address().to_string();
        let request = Signable::stop().sign(&host);
        let request = request.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
        let mut client = Client::dial(&emulator).await;
        client.write(request.as_bytes()).await;
        client.expect_end().await;
    }
}

#[tokio::test]
async fn only_a_right_signature_is_let_in() {
    let temporary = Credentials {
        access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
        session_token: Some("EXAMPLETOKEN/+=".into()),
        ..Credentials::example()
    };
    let builder = Emulator::builder().agent(ARN, Agent::echo()).now(|| NOW);
    let builder = builder.credentials(temporary.clone());
    let emulator = builder.start().await.unwrap();
    let stop = || Signable {
        credentials: temporary.clone(),
        ..Signable::stop()
    };
    assert_eq!(
        stop().answer(&emulator).await.status,
        404,
        "no such session"
    );

    let tampered = Signable {
        signature: Some("0".repeat(64)),
        ..stop()
    };
    let elsewhere = Signable {
        region: "eu-west-1",
        ..stop()
    };
    for invalid in [tampered, elsewhere] {
        let refused = invalid.refused(&emulator).await;
        assert_eq!(refused, is(403, "InvalidSignatureException"));
    }
    let unknown = Signable::stop().refused(&emulator).await;
    assert_eq!(unknown, is(403, "UnrecognizedClientException"));

    let mut client = Client::dial(&emulator).await;
    let unsigned = format!("POST {} HTTP/1.1\r\nhost: h\r\n\r\n", stop().target);
    client.write(unsigned.as_bytes()).await;
    let missing = client.answer().await.refusal();
    assert_eq!(missing, is(403, "MissingAuthenticationTokenException"));

    emulator.expire("ASIAIOSFODNN7EXAMPLE");
    let expired = stop().refused(&emulator).await;
    assert_eq!(expired, is(403, "ExpiredTokenException"));
}

#[tokio::test]
async fn an_agent_may_answer_otherwise_and_then_stops_nothing() {
    let script = Handshake::Sequence(vec![
        Handshake::status(429, "ThrottlingException").with_header("retry-after", "1"),
        Handshake::Reset,
        Handshake::CloseSilently,
        Handshake::Stall,
        Handshake::Delayed {
            by: Duration::from_millis(1),
            then: Box::new(Handshake::Accept),
        },
    ]);
    let emulator = emulator(Agent::echo().stopping(script)).await;
    // A handshake is no attempt to stop.
    talk(&emulator).await;

    let throttled = Signable::stop().answer(&emulator).await;
    assert_eq!(throttled.header("retry-after"), Some("1"));
    assert_eq!(throttled.refusal(), is(429, "ThrottlingException"));
    Signable::stop().ask(&emulator).await.expect_reset().await;
    Signable::stop().ask(&emulator).await.expect_end().await;

    let stalled = Signable::stop().ask(&emulator).await;
    let connections = emulator
        .wait_until(|all| all.len() == 5 && !all[4].method.is_empty())
        .await;
    let states: Vec<_> = connections[1..].iter().map(|one| one.status).collect();
    assert_eq!(states, [Some(429), None, None, None]);
    drop(stalled);
    emulator.wait_until(|all| all[4].ended == Ended::Fin).await;
    assert_eq!(emulator.sessions(), remembered(1));

    assert_eq!(Signable::stop().answer(&emulator).await.status, 200);
    assert_eq!(emulator.sessions(), []);
}

#[tokio::test]
async fn a_handshake_is_recorded_as_one() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::ask(&emulator, &Url::default()).await;
    assert_eq!(client.answer().await.status, 101);
    let connection = &emulator.connections()[0];
    assert_eq!(connection.method, "GET");
    let expected = Operation::InvokeAgentRuntimeWithWebSocketStream;
    assert_eq!(connection.operation, Some(expected));
    assert_eq!(emulator.sessions(), [], "nothing was said yet");
}
