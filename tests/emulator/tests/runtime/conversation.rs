//! Turns, the protocol's rules, and what is recorded of the client.

use agentcore_emulator::{
    Agent, Ended, ReceivedFrame, Step,
    frame::{Frame, MAX_PAYLOAD, Message, opcode},
};
use tokio::net::TcpStream;

use crate::{
    client::{Client, emulator},
    url::{SESSION, Url},
};

async fn echo_says(client: &mut Client, prompt: &str, turn: usize) {
    for piece in [
        "You said: ",
        prompt,
        &format!(" (turn {turn} of this session)"),
    ] {
        let chunk = serde_json::json!({ "chunk": piece });
        assert_eq!(client.text().await, format!("data: {chunk}\n\n"));
    }
    assert_eq!(client.text().await, "data: [DONE]\n\n");
}

#[tokio::test]
async fn an_echo_takes_turns_and_remembers_its_session_over_connections() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::connect(&emulator).await;
    client.say("Hello").await;
    echo_says(&mut client, "Hello", 1).await;
    client.say("Again").await;
    echo_says(&mut client, "Again", 2).await;
    drop(client);

    let mut client = Client::connect(&emulator).await;
    client.say("Back").await;
    echo_says(&mut client, "Back", 3).await;

    let session_id = Some(SESSION.replace("session", "another"));
    let mut other = Client::ask(
        &emulator,
        &Url {
            session_id,
            ..Url::default()
        },
    )
    .await;
    assert_eq!(other.answer().await.status, 101);
    other.say("New").await;
    echo_says(&mut other, "New", 1).await;
}

#[tokio::test]
async fn an_agent_sees_the_turn() {
    let agent = Agent::replying(|turn| vec![Step::text(format!("{turn:?}"))]);
    let emulator = emulator(agent).await;
    let mut client = Client::connect(&emulator).await;
    client.say("one").await;
    client.text().await;
    client.say("two").await;
    let turn = client.text().await;
    for part in [
        r#"prompt: "two""#,
        r#"session_id: "mine""#,
        &format!("runtime_session_id: {SESSION:?}"),
        "turn_number: 2",
        r#"history: ["one"]"#,
    ] {
        assert!(turn.contains(part), "{part} is not in {turn}");
    }
}

#[tokio::test]
async fn frames_and_messages_are_recorded_as_they_came() {
    let emulator = emulator(Agent::scripted(Vec::new())).await;
    let mut client = Client::connect(&emulator).await;
    let largest = vec![b'x'; usize::try_from(MAX_PAYLOAD).unwrap()];
    client
        .send(Frame::new(opcode::TEXT, largest.clone()).unfinished())
        .await;
    client.send(Frame::new(opcode::PONG, "p")).await;
    client.send(Frame::new(opcode::CONTINUATION, "yz")).await;
    client.send(Frame::new(opcode::BINARY, "bytes")).await;
    client.send(Frame::close(Some(1000))).await;
    assert_eq!(client.message().await, Message::Close(Some(1000)));
    client.expect_end().await;
    assert_eq!(
        emulator.connections()[0].ended,
        Ended::Open,
        "the client has not ended it yet"
    );
    drop(client);

    let connections = emulator.wait_until(|all| all[0].ended != Ended::Open).await;
    let connection = &connections[0];
    let frame = |opcode, fin, len| ReceivedFrame { opcode, fin, len };
    let expected = [
        frame(opcode::TEXT, false, largest.len()),
        frame(opcode::PONG, true, 1),
        frame(opcode::CONTINUATION, true, 2),
        frame(opcode::BINARY, true, 5),
        frame(opcode::CLOSE, true, 2),
    ];
    assert_eq!(connection.frames, expected);
    let text = String::from_utf8(largest).unwrap() + "yz";
    assert_eq!(connection.messages, [text, "bytes".to_owned()]);
    assert_eq!((connection.pongs, connection.close_code), (1, Some(1000)));
    assert_eq!(connection.ended, Ended::Fin);
}

#[tokio::test]
async fn a_close_frame_without_a_code_is_recorded_and_answered_as_such() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::connect(&emulator).await;
    client.send(Frame::close(None)).await;
    assert_eq!(client.message().await, Message::Close(None));
    assert_eq!(emulator.connections()[0].close_code, Some(1005));
}

#[tokio::test]
async fn a_client_that_leaves_without_a_close_frame_has_no_code() {
    let emulator = emulator(Agent::echo()).await;
    drop(Client::connect(&emulator).await);
    let connections = emulator.wait_until(|all| all[0].ended != Ended::Open).await;
    assert_eq!(
        (connections[0].close_code, connections[0].ended),
        (None, Ended::Fin)
    );
}

#[tokio::test]
async fn a_close_frame_is_seen_while_the_agent_speaks_to_a_client_that_does_not_read() {
    // More than the buffers of both sides take.
    let flood = Agent::scripted(vec![Step::text("x".repeat(64 << 20))]);
    let emulator = emulator(flood).await;
    let mut client = Client::connect(&emulator).await;
    client.say("Go").await;
    client.send(Frame::close(Some(1000))).await;
    emulator
        .wait_until(|all| all[0].close_code == Some(1000))
        .await;
    assert_eq!(emulator.open_connections(), 1);
    drop(client);
    // With bytes unread, to close is to reset.
    emulator
        .wait_until(|all| all[0].ended == Ended::Reset)
        .await;
}

#[tokio::test]
async fn pings_are_answered() {
    let emulator = emulator(Agent::echo()).await;
    let mut client = Client::connect(&emulator).await;
    client.send(Frame::new(opcode::PING, "are you there")).await;
    assert_eq!(
        client.message().await,
        Message::Pong(b"are you there".to_vec())
    );
}

#[tokio::test]
async fn violations_are_answered_with_their_close_code() {
    let text = || Frame::new(opcode::TEXT, "x");
    let key = [1, 2, 3, 4];
    for (bytes, code) in [
        (text().declaring(MAX_PAYLOAD + 1).masked(key).encode(), 1009),
        (text().with_rsv(0b100).masked(key).encode(), 1002),
        (text().encode(), 1002),
        (
            Frame::new(opcode::CONTINUATION, "x").masked(key).encode(),
            1002,
        ),
        (Frame::new(opcode::TEXT, [0xFF]).masked(key).encode(), 1007),
    ] {
        let emulator = emulator(Agent::echo()).await;
        let mut client = Client::connect(&emulator).await;
        client.write(&bytes).await;
        assert_eq!(client.message().await, Message::Close(Some(code)));
        client.expect_end().await;
        assert_eq!(emulator.connections()[0].messages, [""; 0]);
    }
}

#[tokio::test]
async fn a_stopped_emulator_leaves_nothing_open() {
    let emulator = emulator(Agent::echo()).await;
    let address = emulator.address();
    let mut client = Client::connect(&emulator).await;
    emulator.stop().await;
    client.expect_end().await;
    TcpStream::connect(address)
        .await
        .expect_err("the port should be closed");
}

#[tokio::test]
async fn a_dropped_emulator_closes_its_connections() {
    let emulator = emulator(Agent::silent()).await;
    let mut client = Client::connect(&emulator).await;
    drop(emulator);
    client.expect_end().await;
}
