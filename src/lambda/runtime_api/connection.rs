//! An HTTP/1.1 connection to the Runtime API: one request at a time, and no task of its own.
//!
//! It makes progress only while a caller waits in [`Connection::send`]. Dropping that future ends the
//! request in the middle, so the connection has to be dropped as well.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;

use super::answer::{Answer, OnHeader, read_answer};
use super::chunks::Chunks;

/// A request.
pub(super) struct Request {
    /// The first line and the headers, each with its line end, without those that say where the body
    /// ends.
    pub(super) head: String,
    pub(super) body: RequestBody,
}

pub(super) enum RequestBody {
    None,
    Whole(Bytes),
    Streamed(Chunks),
}

/// Why there is no answer to a request.
#[derive(Debug)]
pub(super) enum SendError {
    /// Nothing of the request has left, so it may be sent again.
    NotSent(io::Error),
    /// The peer may have seen the request.
    MaybeSent(io::Error),
}

/// Carries one request at a time.
pub(super) struct Connection {
    stream: TcpStream,
    /// What has come and was not read.
    received: BytesMut,
    /// The last request and its answer are complete, and neither side has said that it is the last.
    is_idle: bool,
}

impl Connection {
    pub(super) async fn open(authority: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        // With Nagle's algorithm a chunk would wait up to 40 ms for the previous one's
        // acknowledgement.
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: BytesMut::new(),
            is_idle: true,
        })
    }

    /// Whether it can carry another request: the last one is complete, and the peer has neither closed
    /// the connection nor sent what nobody asked for.
    pub(super) fn is_ready(&self) -> bool {
        let unasked = || self.stream.try_read(&mut [0]);
        self.is_idle
            && self.received.is_empty()
            && unasked().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and reads the answer, whose headers are passed on one by one. After an error
    /// status the rest of the request is not sent. After a success that comes early it is, for as long as
    /// the peer does not close the connection.
    pub(super) async fn send(
        &mut self,
        request: &mut Request,
        on_header: OnHeader<'_>,
    ) -> Result<Answer, SendError> {
        self.is_idle = false;
        let (mut reader, writer) = self.stream.split();
        let mut writing = pin!(write(writer, request));
        // Whether the request has left altogether, once the writing is over.
        let mut is_written = None;
        let answer = {
            let mut reading = pin!(read_answer(&mut reader, &mut self.received, on_header));
            poll_fn(|cx| {
                if is_written.is_none()
                    && let Poll::Ready(written) = writing.as_mut().poll(cx)
                {
                    is_written = Some(written.is_ok());
                    if let Err(unsent @ SendError::NotSent(_)) = written {
                        return Poll::Ready(Err(unsent));
                    }
                }
                // Also where writing failed: the peer may have answered before it closed the connection.
                let answer = reading.as_mut().poll(cx);
                answer.map(|answer| answer.map_err(SendError::MaybeSent))
            })
            .await?
        };
        let is_written = match is_written {
            Some(is_written) => is_written,
            None if answer.status.is_success() => {
                poll_fn(|cx| match writing.as_mut().poll(cx) {
                    Poll::Ready(written) => Poll::Ready(written.is_ok()),
                    Poll::Pending => {
                        let mut unasked = [0];
                        let mut unasked = ReadBuf::new(&mut unasked);
                        let closed = Pin::new(&mut reader).poll_read(cx, &mut unasked);
                        closed.map(|_| false)
                    }
                })
                .await
            }
            None => false,
        };
        self.is_idle = is_written && answer.keeps_connection;
        Ok(answer)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was received is what callers sent.
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

async fn write(mut writer: WriteHalf<'_>, request: &mut Request) -> Result<(), SendError> {
    let Request { head, body } = request;
    let length;
    let (framing, first) = match &mut *body {
        RequestBody::None => ("\r\n", &[][..]),
        RequestBody::Whole(body) => {
            length = format!("content-length: {}\r\n\r\n", body.len());
            (&*length, &body[..])
        }
        RequestBody::Streamed(chunks) => {
            // What is ready goes with the headers; nothing is waited for.
            let _ = poll_fn(|cx| Poll::Ready(chunks.poll_gather(cx))).await;
            ("transfer-encoding: chunked\r\n\r\n", chunks.gathered())
        }
    };
    let mut first = head.as_bytes().chain(framing.as_bytes()).chain(first);
    let mut error: fn(io::Error) -> SendError = SendError::NotSent;
    while first.has_remaining() {
        writer.write_buf(&mut first).await.map_err(error)?;
        error = SendError::MaybeSent;
    }
    if let RequestBody::Streamed(chunks) = body {
        chunks.clear();
        while !chunks.is_complete() {
            poll_fn(|cx| chunks.poll_gather(cx)).await;
            writer.write_all(chunks.gathered()).await.map_err(error)?;
            chunks.clear();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::{BodyExt, Full};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A connection and the peer's side of it.
    async fn connection() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (connection, accepted) = tokio::join!(Connection::open(&address), listener.accept());
        (connection.unwrap(), accepted.unwrap().0)
    }

    fn request(body: RequestBody) -> Request {
        let head = "POST / HTTP/1.1\r\nhost: x\r\n".to_owned();
        Request { head, body }
    }

    /// Reads until something comes up.
    async fn read_until(peer: &mut TcpStream, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            assert_ne!(peer.read_buf(&mut read).await.unwrap(), 0, "{read:?}");
        }
        String::from_utf8(read).unwrap()
    }

    /// Sends a request, and plays the peer meanwhile.
    async fn send(
        connection: &mut Connection,
        body: RequestBody,
        peer: impl Future<Output = ()>,
    ) -> Result<StatusCode, SendError> {
        let mut request = request(body);
        let mut ignored = |_: &str, _: &[u8]| {};
        let (answer, ()) = tokio::join!(connection.send(&mut request, &mut ignored), peer);
        answer.map(|answer| answer.status)
    }

    #[tokio::test]
    async fn a_connection_carries_one_request_after_another() {
        let (mut connection, mut peer) = connection().await;
        let streamed = Chunks::new(Full::new(Bytes::from_static(b"abc")).boxed_unsync());
        for (body, written) in [
            (RequestBody::None, "\r\n"),
            (
                RequestBody::Whole(Bytes::new()),
                "content-length: 0\r\n\r\n",
            ),
            (
                RequestBody::Whole("ab".into()),
                "content-length: 2\r\n\r\nab",
            ),
            (
                RequestBody::Streamed(streamed),
                "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
        ] {
            assert!(connection.is_ready());
            let peer = async {
                let read = read_until(&mut peer, written).await;
                assert_eq!(read, format!("POST / HTTP/1.1\r\nhost: x\r\n{written}"));
                let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok";
                peer.write_all(answer).await.unwrap();
            };
            let status = send(&mut connection, body, peer).await.unwrap();
            assert_eq!(status, StatusCode::ACCEPTED);
        }
    }

    #[tokio::test]
    async fn a_connection_that_its_peer_has_done_with_is_not_ready() {
        for sent in [&b""[..], b"HTTP/1.1 408 Request Timeout\r\n\r\n"] {
            let (connection, mut peer) = connection().await;
            assert!(connection.is_ready());
            peer.write_all(sent).await.unwrap();
            drop(peer);
            connection.stream.readable().await.unwrap();
            assert!(!connection.is_ready());
        }
    }

    /// Neither side waits for the other: the peer answers what it has not read, and reads no more.
    #[tokio::test]
    async fn a_refusal_that_comes_early_ends_the_request() {
        let (mut connection, mut peer) = connection().await;
        let body = RequestBody::Whole(vec![b'x'; 64 << 20].into());
        let peer = async {
            read_until(&mut peer, "x").await;
            let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
            peer.write_all(answer).await.unwrap();
        };
        let status = send(&mut connection, body, peer).await.unwrap();
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(!connection.is_ready());
    }

    #[tokio::test]
    async fn a_success_that_comes_early_does_not_end_the_request() {
        let (mut connection, mut peer) = connection().await;
        let body = RequestBody::Whole(vec![b'x'; 64 << 20].into());
        let peer = async {
            let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
            peer.write_all(answer).await.unwrap();
            let mut read = 0;
            while read < 64 << 20 {
                read += peer.read(&mut vec![0; 1 << 20]).await.unwrap();
            }
        };
        let status = send(&mut connection, body, peer).await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED);
        assert!(connection.is_ready());
    }

    #[tokio::test]
    async fn a_peer_that_leaves_ends_a_stream_that_is_silent() {
        for answer in [
            &b""[..],
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (mut connection, mut peer) = connection().await;
            let silent = futures_util::stream::pending();
            let silent = http_body_util::StreamBody::new(silent).boxed_unsync();
            let peer = async move {
                read_until(&mut peer, "\r\n\r\n").await;
                peer.write_all(answer).await.unwrap();
            };
            let body = RequestBody::Streamed(Chunks::new(silent));
            let sent = send(&mut connection, body, peer).await;
            assert_eq!(sent.is_ok(), !answer.is_empty());
            assert!(!connection.is_ready());
        }
    }

    /// What has left in part is not sent again.
    #[tokio::test]
    async fn it_is_said_whether_anything_has_left() {
        let (mut connection, mut peer) = connection().await;
        let gone = async {
            read_until(&mut peer, "\r\n\r\n").await;
            drop(peer);
        };
        let sent = send(&mut connection, RequestBody::None, gone).await;
        assert!(matches!(sent, Err(SendError::MaybeSent(_))), "{sent:?}");
        connection.stream.shutdown().await.unwrap();
        let sent = send(&mut connection, RequestBody::None, async {}).await;
        assert!(matches!(sent, Err(SendError::NotSent(_))), "{sent:?}");
    }
}
