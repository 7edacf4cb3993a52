//! A streamed body in HTTP's chunks (RFC 9112, section 7.1).

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body as _;

/// The body of a streamed response. One that breaks off reports that in its trailers, so the body
/// itself has no errors.
pub(in crate::lambda) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What is ready is sent at once, but no more than this and one piece.
const GATHERED_BYTES: usize = 64 * 1024;

/// A body that is being sent, and of it what is ready.
pub(super) struct Chunks {
    /// `None` once it has ended.
    body: Option<Body>,
    gathered: Vec<u8>,
}

impl Chunks {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body: Some(body),
            gathered: Vec::new(),
        }
    }

    /// Whether nothing comes after what is gathered.
    pub(super) fn is_complete(&self) -> bool {
        self.body.is_none()
    }

    pub(super) fn gathered(&self) -> &[u8] {
        &self.gathered
    }

    pub(super) fn clear(&mut self) {
        self.gathered.clear();
    }

    /// Gathers what is ready. Ready itself once there is something to send.
    pub(super) fn poll_gather(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.gathered.len() < GATHERED_BYTES
            && let Some(body) = &mut self.body
        {
            let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
                break;
            };
            match frame.map(|frame| frame.unwrap_or_else(|never| match never {}).into_data()) {
                Some(Ok(data)) => self.push(&data),
                // Nothing comes after trailers.
                Some(Err(frame)) => self.end(&frame.into_trailers().unwrap_or_default()),
                None => self.end(&HeaderMap::new()),
            }
        }
        if self.gathered.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn push(&mut self, data: &[u8]) {
        // An empty chunk would be the last one.
        if !data.is_empty() {
            self.gathered.reserve(data.len() + 20);
            // Writing to a Vec cannot fail.
            let _ = write!(self.gathered, "{:x}\r\n", data.len());
            self.gathered.extend_from_slice(data);
            self.gathered.extend_from_slice(b"\r\n");
        }
    }

    fn end(&mut self, trailers: &HeaderMap) {
        self.body = None;
        self.gathered.extend_from_slice(b"0\r\n");
        for (name, value) in trailers {
            let parts = [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"];
            self.gathered.extend_from_slice(&parts.concat());
        }
        self.gathered.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::FutureExt;
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn chunks(frames: Vec<Frame<Bytes>>) -> Chunks {
        let frames = stream::iter(frames.into_iter().map(Ok));
        Chunks::new(StreamBody::new(frames).boxed_unsync())
    }

    fn gather(chunks: &mut Chunks) -> Option<String> {
        let gathered = pin!(std::future::poll_fn(|cx| chunks.poll_gather(cx))).now_or_never();
        gathered.map(|()| String::from_utf8(chunks.gathered().to_vec()).unwrap())
    }

    fn data(text: &'static str) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_is_ready_is_gathered_without_empty_chunks() {
        let mut chunks = chunks(vec![data("one"), data(""), data("0123456789abcdef")]);
        let gathered = "3\r\none\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        assert_eq!(gather(&mut chunks).unwrap(), gathered);
        assert!(chunks.is_complete());
        // What was not sent is there for another connection, and nothing is added to it.
        assert_eq!(gather(&mut chunks).unwrap(), gathered);
    }

    #[test]
    fn trailers_end_the_body() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-error", "it broke".parse().unwrap());
        let mut chunks = chunks(vec![data("a"), Frame::trailers(trailers), data("b")]);
        let gathered = "1\r\na\r\n0\r\nx-error: it broke\r\n\r\n";
        assert_eq!(gather(&mut chunks).unwrap(), gathered);
    }

    #[test]
    fn no_more_is_gathered_than_one_piece_above_the_limit() {
        let piece = || Frame::data(vec![b'x'; GATHERED_BYTES - 1].into());
        let mut chunks = chunks(vec![piece(), piece(), piece()]);
        assert_eq!(gather(&mut chunks).unwrap().matches("\r\nx").count(), 1);
        assert!(!chunks.is_complete());
    }

    #[test]
    fn a_body_with_nothing_ready_is_waited_for() {
        let body = StreamBody::new(stream::pending()).boxed_unsync();
        assert_eq!(gather(&mut Chunks::new(body)), None);
    }
}
