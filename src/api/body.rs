//! Bodies of responses.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

/// A response body, complete or streamed. It never fails: an error is written into it.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A response to an HTTP request.
pub type Response = http::Response<Body>;

/// A complete body.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body that is sent while it is produced.
pub(super) fn streamed(pieces: impl Stream<Item = Vec<u8>> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece.into())))).boxed_unsync()
}
