//! A streamed answer as the body of a request to the Runtime API.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::{Body as _, Frame};

use super::runtime_api::{Body, error_trailers, prelude};
use super::stopping::Stopping;
use crate::telemetry::Output;

/// Prelude, pieces, and trailers where the pieces break off. Dropped, it drops what they come from.
pub(super) struct StreamedAnswer {
    prelude: std::array::IntoIter<Bytes, 2>,
    /// `None` once it has ended.
    pieces: Option<Body>,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl StreamedAnswer {
    /// The body for an answer, which is cut where the process has to end.
    pub(super) fn new(answer: Response<Body>, stopping: &Stopping) -> Self {
        let (parts, body) = answer.into_parts();
        let mut stopping = stopping.clone();
        Self {
            prelude: prelude(parts.status, parts.headers).into_iter(),
            pieces: Some(body),
            cut: Box::pin(async move { stopping.cut().await }),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let Some(pieces) = &mut self.pieces else {
            return Poll::Ready(None);
        };
        // What panics here would take the loop along.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(pieces).poll_frame(cx)));
        // What is said of an invocation is out before the piece that it is about.
        Output.flush();
        let trailers = match polled {
            Ok(Poll::Ready(Some(Ok(frame)))) => return Poll::Ready(Some(frame)),
            Ok(Poll::Ready(None)) => HeaderMap::new(),
            Ok(Poll::Pending) if self.cut.as_mut().poll(cx).is_pending() => return Poll::Pending,
            Ok(Poll::Pending) => error_trailers("Runtime.Stopping", "the function is stopping"),
            Err(_) => error_trailers("Runtime.Panicked", "something went wrong on our side"),
        };
        self.pieces = None;
        Poll::Ready((!trailers.is_empty()).then(|| Frame::trailers(trailers)))
    }
}

impl hyper::body::Body for StreamedAnswer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(prelude) = self.prelude.next() {
            return Poll::Ready(Some(Ok(Frame::data(prelude))));
        }
        self.poll_piece(cx).map(|frame| frame.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use futures_util::StreamExt;
    use http_body_util::{BodyExt, StreamBody};
    use serde_json::{Value, json};

    use super::super::stopping::stopping;
    use super::*;

    /// The bytes of an answer, and what its trailers say.
    async fn read(answer: StreamedAnswer) -> (String, Option<(String, Value)>) {
        let collected = answer
            .collect()
            .await
            .unwrap_or_else(|never| match never {});
        let trailers = collected.trailers().map(|trailers| {
            let value = |name| trailers[name].to_str().unwrap().to_owned();
            let body = base64::engine::general_purpose::STANDARD
                .decode(value("lambda-runtime-function-error-body"))
                .unwrap();
            let body = serde_json::from_slice(&body).unwrap();
            (value("lambda-runtime-function-error-type"), body)
        });
        let bytes = collected.to_bytes().to_vec();
        (String::from_utf8(bytes).unwrap(), trailers)
    }

    fn one(piece: &'static str) -> impl futures_util::Stream<Item = &'static str> {
        futures_util::stream::iter([piece])
    }

    fn pieces(
        pieces: impl futures_util::Stream<Item = &'static str> + Send + 'static,
    ) -> Response<Body> {
        let frames = pieces.map(|piece| Ok(Frame::data(piece.into())));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }

    #[tokio::test]
    async fn the_prelude_comes_first_and_names_a_type() {
        let (_stop, stopping) = stopping();
        let mut answer = pieces(one("text"));
        answer.headers_mut().insert("x-a", "b".parse().unwrap());
        let (body, trailers) = read(StreamedAnswer::new(answer, &stopping)).await;
        let (prelude, rest) = body.split_once("\0\0\0\0\0\0\0\0").unwrap();
        let headers = json!({ "x-a": "b", "content-type": "application/octet-stream" });
        let expected = json!({ "statusCode": 200, "headers": headers, "cookies": [] });
        assert_eq!(serde_json::from_str::<Value>(prelude).unwrap(), expected);
        assert_eq!((rest, trailers), ("text", None));
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_says_so_in_its_trailers() {
        let (stop, stopping) = stopping();
        let one = || one("one");
        let panicking = pieces(one().chain(futures_util::stream::poll_fn(|_| panic!("MARKER"))));
        let silent = pieces(one().chain(futures_util::stream::pending()));
        stop.cut();
        for (answer, expected) in [
            (panicking, "Runtime.Panicked"),
            (silent, "Runtime.Stopping"),
        ] {
            let (body, trailers) = read(StreamedAnswer::new(answer, &stopping)).await;
            assert!(body.ends_with("\0one"), "{body}");
            let (kind, error) = trailers.unwrap();
            assert_eq!(kind, expected);
            assert_eq!(error["errorType"], expected);
            assert!(!error.to_string().contains("MARKER"), "{error}");
        }
    }
}
