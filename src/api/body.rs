//! What answers are made of.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

/// A body, whole or still being made. It never fails: what goes wrong is told in it.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer to an HTTP request.
pub type Response = http::Response<Body>;

/// A body that is there.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body that is made while it goes out.
pub(super) fn streamed(pieces: impl Stream<Item = Vec<u8>> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece.into())))).boxed_unsync()
}
