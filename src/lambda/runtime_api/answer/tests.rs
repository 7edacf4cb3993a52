use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, duplex};

use super::*;

/// The status and the body of an answer, whether the connection is kept, and what came behind it.
type Read = (u16, String, bool, String);

/// Reads an answer that comes in two parts, after which the peer ends the connection.
async fn read_in_two(answer: &[u8], cut: usize) -> io::Result<Read> {
    let mut reader = AsyncReadExt::chain(&answer[..cut], &answer[cut..]);
    let mut received = BytesMut::new();
    let answer = read_answer(&mut reader, &mut received, &mut |_, _| {}).await?;
    reader.read_to_end(&mut Vec::new()).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        answer.status.as_u16(),
        text(&answer.body),
        answer.keeps_connection,
        text(&received),
    ))
}

/// The same, wherever it is cut.
async fn read_answer_of(answer: &str) -> io::Result<Read> {
    let whole = read_in_two(answer.as_bytes(), answer.len()).await;
    for cut in 0..answer.len() {
        let cut = read_in_two(answer.as_bytes(), cut).await;
        match (&whole, cut) {
            // What comes behind an answer may not have come yet.
            (Ok(whole), Ok(cut)) => {
                assert_eq!((whole.0, &whole.1, whole.2), (cut.0, &cut.1, cut.2));
            }
            (Err(whole), Err(cut)) => assert_eq!(whole.to_string(), cut.to_string()),
            (whole, cut) => panic!("{whole:?} and {cut:?} of {answer:?}"),
        }
    }
    whole
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn the_body_ends_where_the_headers_say() {
    for (answer, status, body, keeps, behind) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd",
            200,
            "abc",
            true,
            "d",
        ),
        (
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
            202,
            "",
            true,
            "",
        ),
        (
            "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n",
            204,
            "",
            true,
            "",
        ),
        (
            "HTTP/1.1 304 \r\ntransfer-encoding: chunked\r\n\r\nx",
            304,
            "",
            true,
            "x",
        ),
        (
            "HTTP/1.1 200 OK\r\nx: y\r\n\r\nall of it",
            200,
            "all of it",
            false,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\ncontent-length: 2\r\n\r\nab",
            200,
            "ab",
            true,
            "",
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
            200,
            "ab",
            false,
            "",
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nab",
            200,
            "ab",
            true,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nab",
            200,
            "ab",
            false,
            "",
        ),
        (
            "HTTP/1.1 100 Continue\r\nx: y\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 413 No\r\ncontent-length: 1\r\n\r\nn",
            413,
            "n",
            true,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nab",
            200,
            "ab",
            false,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            200,
            "",
            true,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\ncontent-length: 9\r\n\r\n\
          3\r\nabc\r\nA ;name=\"value\"\r\n0123456789\r\n000\r\nx-trailer: 1\r\n\r\nHT",
            200,
            "abc0123456789",
            true,
            "HT",
        ),
    ] {
        let read = read_answer_of(answer).await.unwrap();
        assert_eq!(
            read,
            (status, body.to_owned(), keeps, behind.to_owned()),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    for (answer, problem) in [
        ("", "unexpected end of file"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
            "unexpected end of file",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "unexpected end of file",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\r\n",
            "unexpected end of file",
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", "unexpected end of file"),
        ("SSH-2.0-OpenSSH\r\n", "an answer that is not HTTP"),
        ("HTTP/1.1 099 OK\r\n\r\n", "an impossible status"),
        (
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "another protocol",
        ),
        (
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks in HTTP/1.0",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            "an unclear length",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc",
            "an unclear length",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
            "an unclear length",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n\r\n",
            "a malformed chunk",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
            "a malformed chunk",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\na",
            "a chunk too large",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n: y\r\n\r\n",
            "malformed trailers",
        ),
    ] {
        let error = read_answer_of(answer).await.unwrap_err();
        assert_eq!(error.to_string(), problem, "{answer:?}");
    }
}

/// Nobody makes this process allocate or read without end: a length is not taken at its word.
#[tokio::test]
async fn what_is_promised_is_not_allocated() {
    for length in [
        format!("content-length: {}", usize::MAX),
        "transfer-encoding: chunked".into(),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\nfffffffffffff0\r\na");
        let mut received = BytesMut::new();
        let read = read_answer(&mut answer.as_bytes(), &mut received, &mut |_, _| {}).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(received.capacity() <= 2 * MAX_PROMISED_BYTES);
    }
    let endless = AsyncReadExt::chain(&b"HTTP/1.1 200 OK\r\nx: "[..], tokio::io::repeat(b'y'));
    let read = read_answer(&mut Box::pin(endless), &mut BytesMut::new(), &mut |_, _| {}).await;
    assert_eq!(read.unwrap_err().to_string(), "too many headers");
}

#[tokio::test]
async fn headers_are_those_of_the_last_answer() {
    let mut answer =
        &b"HTTP/1.1 103 Early\r\nx: 0\r\n\r\nHTTP/1.1 204 No\r\nX: 1\r\nx: \xff \r\n\r\n"[..];
    let mut headers = Vec::new();
    read_answer(&mut answer, &mut BytesMut::new(), &mut |name, value| {
        headers.push((name.to_owned(), value.to_owned()));
    })
    .await
    .unwrap();
    assert_eq!(
        headers,
        [
            ("X".to_owned(), b"1".to_vec()),
            ("x".to_owned(), b"\xff".to_vec())
        ]
    );
}

/// What hyper reads of an answer.
async fn hyper_reads(answer: &[u8]) -> Option<(u16, Bytes)> {
    let (ours, mut theirs) = duplex(1 << 20);
    let (mut sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
    let serve = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            theirs.read_buf(&mut request).await.unwrap();
        }
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
    };
    let ask = async {
        let answer = sender
            .send_request(Request::new(Empty::<Bytes>::new()))
            .await
            .ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.into_body().collect().await.ok()?.to_bytes()))
    };
    let (answer, _, ()) = tokio::join!(ask, connection, serve);
    answer
}

/// Answers, most of which are right.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let version = prop_oneof![8 => Just("HTTP/1.1"), 1 => Just("HTTP/1.0")];
    let status = prop_oneof![4 => Just(200), 1 => 200_u16..600, 1 => Just(204), 1 => Just(100)];
    let framing = prop_oneof![
        3 => Just("content-length: {}\r\n"),
        3 => Just("Transfer-Encoding: chunked\r\n"),
        1 => Just("transfer-encoding: gzip, chunked\r\n"),
        1 => Just("transfer-encoding: gzip\r\n"),
        1 => Just("content-length: {}\r\ncontent-length: {}\r\n"),
        1 => Just("content-length: {}\r\ntransfer-encoding: chunked\r\n"),
        1 => Just("content-length: 1{}\r\n"),
        1 => Just("content-length: {}\r\ncontent-length: 1\r\n"),
        1 => Just(""),
    ];
    let connection = prop_oneof![
        3 => Just(""),
        1 => Just("connection: close\r\n"),
        1 => Just("Connection: keep-alive, x\r\n"),
    ];
    let pieces = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..4);
    let trailers = prop_oneof![Just(""), Just("x-trailer: y\r\n")];
    let interim = prop_oneof![4 => Just(""), 1 => Just("HTTP/1.1 103 Early\r\nlink: x\r\n\r\n")];
    (
        version, status, framing, connection, pieces, trailers, interim,
    )
        .prop_map(
            |(version, status, framing, connection, pieces, trailers, interim)| {
                let body = if framing.contains("chunked") {
                    let mut body = Vec::new();
                    for piece in &pieces {
                        body.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                        body.extend(piece);
                        body.extend(b"\r\n");
                    }
                    body.extend(format!("0\r\n{trailers}\r\n").into_bytes());
                    body
                } else {
                    pieces.concat()
                };
                let framing = framing.replace("{}", &body.len().to_string());
                let head = format!("{interim}{version} {status} Said\r\n{connection}{framing}\r\n");
                [head.into_bytes(), body].concat()
            },
        )
}

proptest! {
    /// hyper is the judge, of right answers and of such with a byte that is not right.
    #[test]
    fn answers_are_read_as_hyper_reads_them(
        mut answer in answers(),
        wrong in prop::option::of((any::<prop::sample::Index>(), 0..128_u8)),
        end in prop::option::of(any::<prop::sample::Index>()),
        cut in any::<prop::sample::Index>(),
    ) {
        // Of trailers it is only their end that is read here.
        let has_trailers = answer.windows(9).any(|part| part == b"x-trailer");
        if let Some((at, byte)) = wrong.filter(|_| !has_trailers) {
            let at = at.index(answer.len());
            answer[at] = byte;
        }
        if let Some(end) = end {
            answer.truncate(end.index(answer.len()));
        }
        let cut = cut.index(answer.len() + 1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (ours, theirs) = runtime.block_on(async {
            let mut reader = AsyncReadExt::chain(&answer[..cut], &answer[cut..]);
            let mut received = BytesMut::new();
            let ours = read_answer(&mut reader, &mut received, &mut |_, _| {}).await;
            (ours.ok(), hyper_reads(&answer).await)
        });
        let ours = ours.map(|answer| (answer.status.as_u16(), answer.body));
        // hyper would let its caller speak another protocol.
        let theirs = theirs.filter(|(status, _)| *status != 101);
        prop_assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(&answer));
    }
}
