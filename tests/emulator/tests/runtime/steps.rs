//! Each step of a script.

use std::time::Duration;

use agentcore_emulator::{
    Agent, Connection, Emulator, Ended, Step,
    frame::{Frame, Message, opcode},
};

use crate::client::{Client, emulator};

/// A client that has sent a prompt to an agent of these steps.
async fn prompted(steps: Vec<Step>) -> (Emulator, Client) {
    let emulator = emulator(Agent::scripted(steps)).await;
    let mut client = Client::connect(&emulator).await;
    client.say("Hello").await;
    (emulator, client)
}

async fn wait_for(emulator: &Emulator, mut wanted: impl FnMut(&Connection) -> bool) {
    emulator.wait_until(|all| wanted(&all[0])).await;
}

#[tokio::test]
async fn messages_come_in_order_and_the_next_one_is_awaited() {
    let (_emulator, mut client) = prompted(vec![
        Step::text("a"),
        Step::Binary(vec![0xFF]),
        Step::text(""),
    ])
    .await;
    for _ in 0..2 {
        assert_eq!(client.message().await, Message::Text("a".into()));
        assert_eq!(client.message().await, Message::Binary(vec![0xFF]));
        assert_eq!(client.message().await, Message::Text(String::new()));
        client.say("Again").await;
    }
}

#[tokio::test]
async fn fragments_are_frames_of_one_message() {
    let (_emulator, mut client) =
        prompted(vec![Step::fragments([&b"caf\xc3"[..], b"\xa9", b"!"])]).await;
    assert_eq!(
        client.frame().await,
        Frame::new(opcode::TEXT, *b"caf\xc3").unfinished()
    );
    assert_eq!(
        client.frame().await,
        Frame::new(opcode::CONTINUATION, *b"\xa9").unfinished()
    );
    assert_eq!(
        client.frame().await,
        Frame::new(opcode::CONTINUATION, *b"!")
    );
}

#[tokio::test]
async fn pongs_that_answer_pings_are_counted() {
    let (emulator, mut client) =
        prompted(vec![Step::Ping(b"1".to_vec()), Step::Ping(b"2".to_vec())]).await;
    for payload in ["1", "2"] {
        assert_eq!(client.message().await, Message::Ping(payload.into()));
        client.send(Frame::new(opcode::PONG, payload)).await;
    }
    wait_for(&emulator, |connection| connection.pongs == 2).await;
}

#[tokio::test]
async fn a_close_waits_for_the_clients_and_ends_the_connection() {
    for code in [Some(1000), Some(1011), None] {
        let (emulator, mut client) = prompted(vec![Step::Close(code), Step::text("never")]).await;
        assert_eq!(client.message().await, Message::Close(code));
        client.say("One more thing").await;
        wait_for(&emulator, |connection| connection.messages.len() == 2).await;
        client.expect_nothing_yet();
        client.send(Frame::close(Some(1000))).await;
        client.expect_end().await;
        drop(client);
        wait_for(&emulator, |connection| connection.ended == Ended::Fin).await;
        assert_eq!(emulator.connections()[0].close_code, Some(1000));
    }
}

#[tokio::test]
async fn a_pause_lets_time_pass_and_still_answers_pings() {
    let (_emulator, mut client) = prompted(vec![
        Step::Pause(Duration::from_secs(1_000_000)),
        Step::text("never"),
    ])
    .await;
    client.send(Frame::new(opcode::PING, "p")).await;
    assert_eq!(client.message().await, Message::Pong(b"p".to_vec()));
    client.send(Frame::close(Some(1000))).await;
    assert_eq!(client.message().await, Message::Close(Some(1000)));
    client.expect_end().await;

    let (_emulator, mut client) = prompted(vec![Step::pause_ms(1), Step::text("then")]).await;
    assert_eq!(client.text().await, "then");
}

#[tokio::test]
async fn a_message_during_a_pause_has_its_turn_after_it() {
    let steps = vec![Step::text("a"), Step::pause_ms(20), Step::text("b")];
    let (_emulator, mut client) = prompted(steps).await;
    client.say("Again").await;
    for expected in ["a", "b", "a", "b"] {
        assert_eq!(client.text().await, expected);
    }
}

#[tokio::test]
async fn a_fin_ends_the_connection_without_a_close_frame() {
    let (emulator, mut client) = prompted(vec![Step::text("a"), Step::Fin]).await;
    assert_eq!(client.text().await, "a");
    client.expect_end().await;
    assert_eq!(
        emulator.connections()[0].ended,
        Ended::Open,
        "the client has not ended it yet"
    );
    drop(client);
    wait_for(&emulator, |connection| connection.ended == Ended::Fin).await;
}

#[tokio::test]
async fn a_reset_comes_after_what_was_sent() {
    let (emulator, mut client) = prompted(vec![Step::text("a"), Step::Reset]).await;
    assert_eq!(client.text().await, "a");
    client.expect_reset().await;
    wait_for(&emulator, |connection| connection.ended == Ended::Reset).await;
}

#[tokio::test]
async fn raw_bytes_come_as_they_are() {
    let lie = Frame::new(opcode::TEXT, "short")
        .with_rsv(0b111)
        .declaring(1 << 40)
        .encode();
    let (_emulator, mut client) = prompted(vec![Step::Bytes(lie.clone()), Step::Fin]).await;
    assert_eq!(client.rest().await.0, lie);
}

#[tokio::test]
async fn an_awaited_close_is_answered() {
    let (emulator, mut client) = prompted(vec![Step::AwaitClose, Step::text("never")]).await;
    client.send(Frame::new(opcode::PING, "p")).await;
    assert_eq!(client.message().await, Message::Pong(b"p".to_vec()));
    client.send(Frame::close(Some(1001))).await;
    assert_eq!(client.message().await, Message::Close(Some(1001)));
    client.expect_end().await;
    assert_eq!(emulator.connections()[0].close_code, Some(1001));
}

#[tokio::test]
async fn silence_answers_nothing_and_sees_all() {
    let (emulator, mut client) = prompted(vec![Step::Silence]).await;
    wait_for(&emulator, |connection| connection.messages.len() == 1).await;
    client.send(Frame::new(opcode::PING, "p")).await;
    client.say("Anyone?").await;
    client.send(Frame::close(Some(1000))).await;
    wait_for(&emulator, |connection| connection.close_code == Some(1000)).await;
    assert_eq!(emulator.connections()[0].messages.len(), 2);
    emulator.stop().await;
    client.expect_end().await;
}

#[tokio::test]
async fn an_opening_comes_before_any_message() {
    let agent = Agent::echo().opening(vec![Step::text("Welcome"), Step::Close(Some(1008))]);
    let emulator = emulator(agent).await;
    let mut client = Client::connect(&emulator).await;
    assert_eq!(client.text().await, "Welcome");
    assert_eq!(client.message().await, Message::Close(Some(1008)));
}
