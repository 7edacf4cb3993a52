//! What happens in an odd moment, in a time that stands still.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use tokio::io::DuplexStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::agent::{Runtime, RuntimeArn};
use crate::agentcore::sign::presign::presign;
use crate::session::{RuntimeSessionId, SessionId};

const DEADLINE: Duration = Duration::from_secs(25);

/// An exchange with a peer whose every message is here, over a pipe of so many bytes each way.
async fn exchange<F>(
    bytes: usize,
    peer: impl FnOnce(WebSocketStream<DuplexStream>) -> F,
) -> Exchange<DuplexStream>
where
    F: Future<Output = ()> + Send + 'static,
{
    let terms = Terms {
        deadline: Instant::now() + DEADLINE,
        chunk_timeout: DEADLINE,
        ping_interval: None,
        reply_end: ReplyEnd::Explicit,
        options: ReplyOptions::text_alone(1 << 20),
        keeps_socket: false,
    };
    exchange_on(terms, bytes, peer).await
}

/// The same on other terms.
async fn exchange_on<F>(
    terms: Terms,
    bytes: usize,
    peer: impl FnOnce(WebSocketStream<DuplexStream>) -> F,
) -> Exchange<DuplexStream>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (ours, theirs) = tokio::io::duplex(bytes);
    let arn = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/Agent-Pgs8nUGuuS";
    let url = presign(
        &Runtime::of(RuntimeArn::parse(arn).unwrap()),
        &RuntimeSessionId::of(&SessionId::generate()),
        None,
        &Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"),
        SystemTime::UNIX_EPOCH,
    );
    let headers = HeaderMap::new();
    let (socket, theirs) = tokio::join!(
        Socket::open(ours, url.endpoint(), url.target(), &headers),
        tokio_tungstenite::accept_async(theirs)
    );
    tokio::spawn(peer(theirs.unwrap()));
    Exchange::open(socket.unwrap(), terms)
}

fn pieces(count: usize) -> Message {
    "data: {\"chunk\":\"a\"}\n\n".repeat(count).into()
}

/// Says these, each after so many milliseconds, and reads nothing: what is sent to it fills the
/// pipe, and a close frame takes its 100 ms not to leave.
async fn says(mut socket: WebSocketStream<DuplexStream>, said: [(u64, Message); 2]) {
    for (after, message) in said {
        sleep(Duration::from_millis(after)).await;
        socket.send(message).await.unwrap();
    }
    std::future::pending::<()>().await;
}

/// The keep-alive was once a limit on the waiting, and its moment could be that of the close.
#[tokio::test(start_paused = true)]
async fn who_gives_up_while_the_socket_closes_is_told_the_end_all_the_same() {
    let keep_alive = Duration::from_secs(15);
    for (end, is_whole) in [
        ("data: {\"error\":\"e\"}\n\n", false),
        ("data: [DONE]\n\n", true),
    ] {
        // The close begins within the last 100 ms before the moment, or in the moment itself.
        for after in [14_901, 14_950, 14_999, 15_000] {
            let said = [(0, pieces(1)), (after, end.into())];
            let mut exchange = exchange(4_096, |socket| says(socket, said)).await;
            exchange.send("x".repeat(100_000).into());
            assert!(matches!(exchange.next().await, ReplyEvent::Piece(_)));
            let start = Instant::now();
            let given_up = timeout(keep_alive, exchange.next()).await;
            assert!(given_up.is_err(), "{given_up:?} after {after} ms");
            for _ in 0..2 {
                match exchange.next().await {
                    ReplyEvent::Complete => assert!(is_whole, "a broken reply is not whole"),
                    ReplyEvent::Interrupted(error) => {
                        assert!(!is_whole);
                        assert_eq!(error.failure, Failure::AgentError);
                        assert_eq!(error.phase, Phase::Stream);
                    }
                    event => panic!("{event:?}"),
                }
                let closed = Duration::from_millis(after + 100);
                assert_eq!(start.elapsed(), closed, "the close has its time, once");
            }
        }
    }
}

/// Takes a piece every 100 ms, and says how many there were before the time ran out.
async fn read_slowly(exchange: &mut Exchange<DuplexStream>) -> usize {
    let mut pieces = 0;
    loop {
        match exchange.next().await {
            ReplyEvent::Piece(_) => {
                pieces += 1;
                assert!(pieces < 1_000, "the deadline is long over");
            }
            event @ (ReplyEvent::Complete | ReplyEvent::Step(_)) => panic!("{event:?}"),
            ReplyEvent::Interrupted(error) => {
                assert_eq!(error.failure, Failure::Timeout(Timeout::Invocation));
                return pieces;
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_while_there_is_always_a_message_to_read() {
    let peer = async |mut socket: WebSocketStream<DuplexStream>| {
        while socket.send(pieces(1)).await.is_ok() {}
    };
    let mut exchange = exchange(1 << 20, peer).await;
    let start = Instant::now();
    assert_eq!(read_slowly(&mut exchange).await, 250);
    assert_eq!(start.elapsed(), DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_while_one_message_still_gives_pieces() {
    let said = [(0, pieces(1_000)), (0, pieces(1))];
    let mut exchange = exchange(1 << 20, |socket| says(socket, said)).await;
    let start = Instant::now();
    assert_eq!(read_slowly(&mut exchange).await, 250);
    assert_eq!(start.elapsed(), DEADLINE);
}

/// What is no piece is no progress either.
#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_while_messages_give_nothing() {
    let peer = async |mut socket: WebSocketStream<DuplexStream>| loop {
        sleep(Duration::from_millis(1)).await;
        if socket.send(": comment\n\n".into()).await.is_err() {
            return;
        }
    };
    let mut exchange = exchange(1 << 20, peer).await;
    let start = Instant::now();
    assert_eq!(read_slowly(&mut exchange).await, 0);
    assert_eq!(start.elapsed(), DEADLINE);
}

/// What a ping tells on its way is that the connection is in use; that the agent answers it, that the
/// agent's machine is there, not that it says anything.
#[tokio::test(start_paused = true)]
async fn silence_is_pinged_and_an_answer_to_a_ping_is_no_message() {
    for (interval, chunk_timeout, pings) in [
        (Some(30), 100, vec![30, 60, 90]),
        (Some(30), 20, vec![]),
        (None, 100, vec![]),
    ] {
        let start = Instant::now();
        let terms = Terms {
            deadline: start + Duration::from_mins(15),
            chunk_timeout: Duration::from_secs(chunk_timeout),
            ping_interval: interval.map(Duration::from_secs),
            reply_end: ReplyEnd::Explicit,
            options: ReplyOptions::text_alone(1 << 20),
            keeps_socket: false,
        };
        let (pinged, seen) = std::sync::mpsc::channel();
        // It answers pings, since it reads.
        let peer = async move |mut socket: WebSocketStream<DuplexStream>| {
            while let Some(Ok(message)) = socket.next().await {
                if message.is_ping() {
                    pinged.send(start.elapsed().as_secs()).unwrap();
                }
            }
        };
        let mut exchange = exchange_on(terms, 4_096, peer).await;
        let ReplyEvent::Interrupted(error) = exchange.next().await else {
            panic!("it says nothing");
        };
        assert_eq!(error.failure, Failure::Timeout(Timeout::Chunk));
        assert_eq!(start.elapsed(), Duration::from_secs(chunk_timeout));
        drop(exchange);
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), pings, "{interval:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_begins_the_silence_anew() {
    let start = Instant::now();
    let terms = Terms {
        deadline: start + Duration::from_mins(15),
        chunk_timeout: Duration::from_secs(100),
        ping_interval: Some(Duration::from_secs(30)),
        reply_end: ReplyEnd::Explicit,
        options: ReplyOptions::text_alone(1 << 20),
        keeps_socket: false,
    };
    let (pinged, seen) = std::sync::mpsc::channel();
    let peer = async move |mut socket: WebSocketStream<DuplexStream>| {
        for _ in 0..5 {
            sleep(Duration::from_secs(29)).await;
            socket.send(pieces(1)).await.unwrap();
        }
        let ping = socket.next().await.unwrap().unwrap();
        assert!(ping.is_ping(), "{ping:?}");
        pinged.send(start.elapsed().as_secs()).unwrap();
        socket.send("data: [DONE]\n\n".into()).await.unwrap();
    };
    let mut exchange = exchange_on(terms, 4_096, peer).await;
    for _ in 0..5 {
        assert!(matches!(exchange.next().await, ReplyEvent::Piece(_)));
    }
    assert!(matches!(exchange.next().await, ReplyEvent::Complete));
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [5 * 29 + 30]);
}
