//! A streamed response as the body of a request to the Runtime API.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::{Body as _, Frame};

use super::runtime_api::{Body, error_trailers, prelude};
use super::shutdown::Shutdown;
use crate::telemetry::Output;

/// The body of a streamed response: the prelude, the chunks and, if the stream breaks off, error
/// trailers. Dropping it drops the source of the chunks.
pub(super) struct StreamedResponse {
    prelude: std::array::IntoIter<Bytes, 2>,
    /// `None` once the stream has ended.
    chunks: Option<Body>,
    aborting: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl StreamedResponse {
    /// Creates the body of a response. A shutdown that aborts requests in flight ends it with error
    /// trailers.
    pub(super) fn new(response: Response<Body>, shutdown: &Shutdown) -> Self {
        let (parts, body) = response.into_parts();
        let mut shutdown = shutdown.clone();
        Self {
            prelude: prelude(parts.status, parts.headers).into_iter(),
            chunks: Some(body),
            aborting: Box::pin(async move { shutdown.aborting().await }),
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let Some(chunks) = &mut self.chunks else {
            return Poll::Ready(None);
        };
        // A panic here would unwind through the worker's loop.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(chunks).poll_frame(cx)));
        // Log lines are written before the chunk that they describe: Lambda may freeze the process
        // right after the last one.
        Output.flush();
        let trailers = match polled {
            Ok(Poll::Ready(Some(Ok(frame)))) => return Poll::Ready(Some(frame)),
            Ok(Poll::Ready(None)) => HeaderMap::new(),
            Ok(Poll::Pending) if self.aborting.as_mut().poll(cx).is_pending() => {
                return Poll::Pending;
            }
            Ok(Poll::Pending) => error_trailers("Runtime.Stopping", "the function is stopping"),
            Err(_) => error_trailers("Runtime.Panicked", "something went wrong on our side"),
        };
        self.chunks = None;
        Poll::Ready((!trailers.is_empty()).then(|| Frame::trailers(trailers)))
    }
}

impl hyper::body::Body for StreamedResponse {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(prelude) = self.prelude.next() {
            return Poll::Ready(Some(Ok(Frame::data(prelude))));
        }
        self.poll_chunk(cx).map(|frame| frame.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use futures_util::StreamExt;
    use http_body_util::{BodyExt, StreamBody};
    use serde_json::{Value, json};

    use super::super::shutdown::shutdown_channel;
    use super::*;

    /// Reads a body to its end; returns its text, and the error type and error body of its
    /// trailers.
    async fn read(response: StreamedResponse) -> (String, Option<(String, Value)>) {
        let collected = response
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

    fn one(chunk: &'static str) -> impl futures_util::Stream<Item = &'static str> {
        futures_util::stream::iter([chunk])
    }

    fn chunks(
        chunks: impl futures_util::Stream<Item = &'static str> + Send + 'static,
    ) -> Response<Body> {
        let frames = chunks.map(|chunk| Ok(Frame::data(chunk.into())));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }

    #[tokio::test]
    async fn the_prelude_comes_first_and_names_a_type() {
        let (_trigger, shutdown) = shutdown_channel();
        let mut response = chunks(one("text"));
        response.headers_mut().insert("x-a", "b".parse().unwrap());
        let (body, trailers) = read(StreamedResponse::new(response, &shutdown)).await;
        let (prelude, rest) = body.split_once("\0\0\0\0\0\0\0\0").unwrap();
        let headers = json!({ "x-a": "b", "content-type": "application/octet-stream" });
        let expected = json!({ "statusCode": 200, "headers": headers, "cookies": [] });
        assert_eq!(serde_json::from_str::<Value>(prelude).unwrap(), expected);
        assert_eq!((rest, trailers), ("text", None));
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_says_so_in_its_trailers() {
        let (trigger, shutdown) = shutdown_channel();
        let one = || one("one");
        let panicking = chunks(one().chain(futures_util::stream::poll_fn(|_| panic!("MARKER"))));
        let silent = chunks(one().chain(futures_util::stream::pending()));
        trigger.abort();
        for (response, expected) in [
            (panicking, "Runtime.Panicked"),
            (silent, "Runtime.Stopping"),
        ] {
            let (body, trailers) = read(StreamedResponse::new(response, &shutdown)).await;
            assert!(body.ends_with("\0one"), "{body}");
            let (kind, error) = trailers.unwrap();
            assert_eq!(kind, expected);
            assert_eq!(error["errorType"], expected);
            assert!(!error.to_string().contains("MARKER"), "{error}");
        }
    }
}
