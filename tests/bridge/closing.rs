//! How a connection to an agent ends, whatever the agent is about.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Connection, Emulator, Ended, Step};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{ARN, Bridge, Function, answered, rest_event, said, variables};

async fn ended(emulator: &Emulator) -> Vec<Connection> {
    let all = emulator.wait_until(|all| all.iter().all(|one| one.ended != Ended::Open));
    all.await
}

/// Asserts of connections that have ended that our close frame ended them, and no reset: of all but a
/// few, since a busy machine may take longer over one than the time that there is.
fn assert_closed(connections: &[Connection]) {
    assert!(connections.iter().all(|one| one.close_code == Some(1000)));
    let resets = connections.iter().filter(|one| one.ended != Ended::Fin);
    let resets = resets.count();
    assert!(
        resets <= connections.len() / 10,
        "{resets} resets of {}",
        connections.len()
    );
}

/// An agent that says its reply and goes on with 4 MB, and only then reads what is said to it, as one
/// does that is not told of what came before it has written all. Gives, of each connection, whether it
/// could write everything, and what it read until the end.
async fn goes_on() -> (String, mpsc::UnboundedReceiver<(bool, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (seen, connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            assert!(socket.next().await.unwrap().unwrap().is_text());
            let reply = "data: {\"chunk\":\"a\"}\n\ndata: [DONE]\n\n";
            socket.send(reply.into()).await.unwrap();
            let mut stream = socket.into_inner();
            let mut has_written = true;
            for _ in 0..4 * 64 {
                has_written &= stream.write_all(&frame(&[b':'; 16 * 1024])).await.is_ok();
            }
            let mut read = Vec::new();
            let _ = stream.read_to_end(&mut read).await;
            seen.send((has_written, read)).unwrap();
        }
    });
    (endpoint, connections)
}

/// A message of text, as a server sends it.
fn frame(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[0x81, 126][..], &length, text].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_frame_survives_an_agent_that_is_still_sending() {
    let (endpoint, mut connections) = goes_on().await;
    let variables = [("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str())];
    let bridge = Bridge::configured(Agent::echo(), &variables).await;
    let mut destroyed = 0;
    for _ in 0..20 {
        assert_eq!(bridge.say("x").await.json()["response"], "a");
        let (has_written, read) = connections.recv().await.unwrap();
        // Masked: FIN and the opcode 8, and a payload of two bytes.
        let is_closed = read.starts_with(&[0x88, 0x82]);
        destroyed += u32::from(!has_written || !is_closed);
    }
    // A busy machine may take longer over one than the 100 ms that there are.
    assert!(destroyed <= 2, "{destroyed} of 20");
}

/// So it does where nobody waits for the reply any more.
#[tokio::test]
async fn a_close_frame_of_who_has_gone_survives_too() {
    let more = std::iter::repeat_n(Step::text(": so busy\n\n"), 200_000);
    let bridge = Bridge::to(Agent::scripted(more.collect::<Vec<_>>())).await;
    let mut connections = Vec::new();
    for n in 0..20 {
        let asked = bridge
            .emulator
            .wait_until(|all| all.get(n).is_some_and(|one| !one.messages.is_empty()));
        tokio::select! {
            answer = bridge.say("x") => panic!("{answer:?}"),
            _ = asked => {}
        }
        connections = ended(&bridge.emulator).await;
    }
    assert_closed(&connections);
}

/// How long an answer takes, the quickest of some.
async fn quickest(then: Step) -> Duration {
    let steps = vec![
        Step::text("data: {\"chunk\":\"a\"}\n\ndata: [DONE]\n\n"),
        then,
    ];
    let bridge = Bridge::to(Agent::scripted(steps)).await;
    let mut all = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        assert_eq!(bridge.say("x").await.status, StatusCode::OK);
        all.push(start.elapsed());
    }
    all.into_iter().min().unwrap()
}

#[tokio::test]
async fn no_answer_waits_for_an_agent_that_does_not_close() {
    let (closing, silent) = (
        quickest(Step::AwaitClose).await,
        quickest(Step::Silence).await,
    );
    assert!(
        silent < closing * 5,
        "{silent:?} without its close, {closing:?} with it"
    );
}

/// A ping of 125 bytes, as servers send it.
fn ping() -> Vec<u8> {
    [&[0x89, 125][..], &[b'p'; 125]].concat()
}

/// An agent at a port of its own that sends 200 MB of pings before it reads anything, and then says
/// hello to the prompt.
async fn flooding() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let flood = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut stream = socket.into_inner();
        let pings = ping().repeat(8_192);
        for _ in 0..200 {
            stream.write_all(&pings).await.unwrap();
        }
        let mut received = Vec::new();
        let prompt = |received: &[u8]| memchr::memmem::find(received, &[0x81]).is_some();
        while !prompt(&received) {
            assert!(stream.read_buf(&mut received).await.unwrap() > 0);
        }
        let hello = b"data: {\"chunk\":\"hello\"}\n\ndata: [DONE]\n\n";
        stream.write_all(&frame(hello)).await.unwrap();
        while stream.read_buf(&mut received).await.unwrap_or(0) > 0 {}
    });
    (endpoint, flood)
}

#[tokio::test]
async fn pings_without_end_are_no_memory() {
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let (endpoint, flood) = flooding().await;
    let more = [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str()),
        ("CHUNK_TIMEOUT_MS", "900000"),
        ("INVOKE_TIMEOUT_MS", "900000"),
    ];
    let variables = variables(&emulator, &more);
    let limit = Duration::from_mins(5);
    let function = Function::start_with(variables, limit, crate::support::Listening::Always);
    let function = function.await;
    let before = function.resources().memory_kib;
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("Hi")));
    let (status, body) = answered(function.invoke(&event).await);
    assert_eq!(
        (status, &body["response"]),
        (200, &"hello".into()),
        "{body}"
    );
    let peak = function.peak_memory_kib();
    assert!(
        peak - before < 32 * 1024,
        "{before} KiB before, {peak} KiB at the most"
    );
    flood.await.unwrap();
}
