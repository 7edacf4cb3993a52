//! A socket whose peer does not read, or does not stop sending, over a pipe in memory.

use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio_tungstenite::accept_async;

use super::super::gathered::Gathered;
use super::*;

/// How much the pipe holds each way.
const PIPE_BYTES: usize = 16 * 1024;

/// A socket of ours and its peer, which has upgraded it.
async fn sockets() -> (Socket<DuplexStream>, WebSocketStream<DuplexStream>) {
    sockets_over(|pipe| pipe).await
}

/// The same, with something between the socket and the pipe.
async fn sockets_over<T: Transport>(
    layer: impl FnOnce(DuplexStream) -> T,
) -> (Socket<T>, WebSocketStream<DuplexStream>) {
    let (ours, theirs) = duplex(PIPE_BYTES);
    let endpoint = Endpoint::parse("ws://127.0.0.1:1").unwrap();
    let headers = HeaderMap::new();
    let open = Socket::open(layer(ours), &endpoint, "/ws", &headers);
    let (ours, theirs) = tokio::join!(open, accept_async(theirs));
    (ours.unwrap(), theirs.unwrap())
}

/// What stands below TLS.
fn gathered(pipe: DuplexStream) -> Gathered<DuplexStream> {
    let mut gathered = Gathered::new(pipe);
    gathered.shook_hands();
    gathered
}

/// A ping of 125 bytes, as a server sends it.
fn ping() -> Vec<u8> {
    [&[0x89, 125][..], &[b'p'; 125]].concat()
}

/// Sends so many bytes of pings, and reads nothing.
async fn flood(stream: &mut DuplexStream, bytes: usize) {
    let pings = ping().repeat(512);
    for _ in 0..bytes / pings.len() {
        stream.write_all(&pings).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn answers_to_pings_that_nobody_reads_do_not_pile_up() {
    let (mut ours, theirs) = sockets().await;
    let reading = tokio::spawn(async move {
        let outcome = ours.next().await;
        (ours, outcome)
    });
    let mut theirs = theirs.into_inner();
    flood(&mut theirs, 20 << 20).await;
    let mut unread = vec![0x81, 1, b'x'];
    theirs.write_all(&unread).await.unwrap();
    let (ours, outcome) = reading.await.unwrap();
    assert!(matches!(outcome, Ok(Incoming::Text(text)) if text.as_str() == "x"));

    // What has been kept is what comes now.
    unread.clear();
    let close = tokio::spawn(ours.close(Code::Normal));
    theirs.read_to_end(&mut unread).await.unwrap();
    close.await.unwrap();
    let most = MAX_UNSENT_BYTES + 2 * PIPE_BYTES;
    assert!(unread.len() < most, "{} bytes were kept", unread.len());
    assert!(
        unread.len() > MAX_UNSENT_BYTES / 2,
        "the test floods nothing"
    );
}

/// Reads frames, which are all masked and small enough for this, until there are no more.
async fn opcodes_to_the_end(mut stream: DuplexStream) -> Vec<u8> {
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    let mut opcodes = Vec::new();
    let mut rest = received.as_slice();
    while let [first, length, ..] = rest {
        opcodes.push(first & 0x0f);
        rest = &rest[2 + 4 + usize::from(length & 0x7f)..];
    }
    opcodes
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_that_meets_a_buffer_full_of_pongs_is_the_last_frame() {
    let (mut ours, theirs) = sockets().await;
    let reading = tokio::spawn(async move {
        let _ = ours.next().await;
        ours
    });
    let mut theirs = theirs.into_inner();
    flood(&mut theirs, 2 << 20).await;
    theirs.write_all(&[0x81, 1, b'x']).await.unwrap();
    let ours = reading.await.unwrap();
    let closing = tokio::spawn(ours.close(Code::Normal));
    let opcodes = opcodes_to_the_end(theirs).await;
    closing.await.unwrap();
    let (last, before) = opcodes.split_last().unwrap();
    assert_eq!(*last, 0x8, "a close frame");
    assert!(
        before.iter().all(|opcode| *opcode == 0xa),
        "pongs alone before it"
    );
    assert!(before.len() > 1_000, "the test floods nothing");
}

/// The peer reads little by little, and pings all the time: what it makes room for is not for pongs
/// alone.
#[tokio::test]
async fn a_message_that_meets_a_buffer_full_of_pongs_still_goes_out() {
    let (mut ours, theirs) = sockets().await;
    let message = "m".repeat(500_000);
    let mut theirs = theirs.into_inner();
    let began = std::sync::Arc::new(tokio::sync::Notify::new());
    let flooded = std::sync::Arc::clone(&began);
    let (sent, expected) = (Bytes::from(message.clone()), message);
    let sending = tokio::spawn(async move {
        // It reads, so that the buffer fills, and only then has something to say.
        tokio::select! {
            _ = ours.next() => panic!("nothing was said"),
            () = flooded.notified() => {}
        }
        ours.send(sent);
        let _ = ours.next().await;
        ours.is_sending()
    });
    flood(&mut theirs, 2 << 20).await;
    began.notify_one();
    let (mut reader, mut writer) = tokio::io::split(theirs);
    let pinging = tokio::spawn(async move { while writer.write_all(&ping()).await.is_ok() {} });
    let mut got = Vec::new();
    let mut part = [0; 2_000];
    // Far more than the message, and what the buffer held before it.
    while got.len() < 20 * expected.len() && data(&got).len() < expected.len() {
        let read = reader.read(&mut part).await.unwrap();
        got.extend_from_slice(&part[..read]);
    }
    assert_eq!(data(&got), expected.as_bytes(), "of {} bytes", got.len());
    pinging.abort();
    sending.abort();
}

/// The payload of the data frames that have come whole.
fn data(received: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut rest = received;
    while let [first, length, ..] = rest {
        let (head, length) = match (length & 0x7f, rest) {
            (126, [_, _, high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            (length, _) => (2, usize::from(length)),
        };
        let Some((frame, then)) = rest[head..].split_at_checked(4 + length) else {
            break;
        };
        if first & 0x0f < 0x8 {
            let (mask, payload) = frame.split_at(4);
            let unmasked = payload.iter().zip(mask.iter().cycle());
            data.extend(unmasked.map(|(byte, mask)| byte ^ mask));
        }
        rest = then;
    }
    data
}

/// A ping of ours is between the frames of a message, and not within one.
#[tokio::test]
async fn a_ping_goes_out_beside_a_message() {
    let (mut ours, mut theirs) = sockets().await;
    ours.send("m".repeat(100_000).into());
    ours.ping();
    let peer = async {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            match theirs.next().await.unwrap().unwrap() {
                Message::Ping(_) => seen.push("ping"),
                Message::Text(text) if text.len() == 100_000 => seen.push("text"),
                other => panic!("{other:?}"),
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, ["ping", "text"]);
    };
    tokio::select! {
        other = ours.next() => panic!("{other:?}"),
        () = peer => {}
    }
}

/// The answer to a ping fails, since the peer has gone; its reply has come whole before that.
#[tokio::test]
async fn what_came_before_the_peer_went_is_read_though_a_ping_cannot_be_answered() {
    read_what_came(sockets().await).await;
    read_what_came(sockets_over(gathered).await).await;
}

async fn read_what_came<T: Transport>(
    (mut ours, theirs): (Socket<T>, WebSocketStream<DuplexStream>),
) {
    let mut theirs = theirs.into_inner();
    theirs.write_all(&ping()).await.unwrap();
    theirs.write_all(&[0x81, 1, b'x']).await.unwrap();
    theirs.write_all(&[0x81, 1, b'y']).await.unwrap();
    drop(theirs);
    for expected in ["x", "y"] {
        let next = ours.next().await;
        assert!(
            matches!(&next, Ok(Incoming::Text(text)) if text.as_str() == expected),
            "{next:?}"
        );
    }
    assert!(matches!(ours.next().await, Err(SocketError::Lost(_))));
}

/// A peer that has gone before it read the message may not have it, whatever it said.
#[tokio::test]
async fn a_message_that_could_not_be_written_stays_unsent() {
    leave_a_message_unsent(sockets().await).await;
    leave_a_message_unsent(sockets_over(gathered).await).await;
}

async fn leave_a_message_unsent<T: Transport>(
    (mut ours, theirs): (Socket<T>, WebSocketStream<DuplexStream>),
) {
    let mut theirs = theirs.into_inner();
    theirs.write_all(&[0x81, 1, b'x']).await.unwrap();
    drop(theirs);
    ours.send("m".into());
    assert!(matches!(ours.next().await, Ok(Incoming::Text(_))));
    assert!(ours.is_sending());
    assert!(matches!(ours.next().await, Err(SocketError::Lost(_))));
}
