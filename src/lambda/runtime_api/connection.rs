//! An HTTP/1.1 connection to the Runtime API.
//!
//! No task drives it: it makes progress only while a caller waits in [`Connection::send`]. Dropping
//! it therefore also drops the body that was being sent.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request body, complete or streamed. A stream that breaks off reports that in its trailers, so
/// the body itself has no errors.
pub(in crate::lambda) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Why there is no response to a request.
pub(super) enum SendError {
    /// The request was not sent, and is handed back.
    NotSent(Box<Request<Body>>),
    /// The peer may have seen the request.
    MaybeSent(hyper::Error),
}

/// Carries one request at a time.
pub(super) struct Connection {
    sender: http1::SendRequest<Body>,
    driver: Driver,
}

/// `None` once the connection has ended.
type Driver = Option<http1::Connection<TokioIo<TcpStream>, Body>>;

impl Connection {
    pub(super) async fn open(authority: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        // With Nagle's algorithm a chunk would wait up to 40 ms for the previous one's
        // acknowledgement.
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            driver: Some(driver),
        })
    }

    /// Whether the last request is complete and the peer has not closed the connection.
    pub(super) async fn is_ready(&mut self) -> bool {
        drive(&mut self.driver, std::future::ready(())).await;
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request and reads the response. After an error status the rest of the request's body
    /// is not sent. After a success that comes early, it is.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Bytes>, SendError> {
        let sent = self.sender.try_send_request(request);
        let response = drive(&mut self.driver, sent).await;
        let response = response.map_err(|mut error| match error.take_message() {
            Some(unsent) => SendError::NotSent(Box::new(unsent)),
            None => SendError::MaybeSent(error.into_error()),
        })?;
        let (parts, body) = response.into_parts();
        let body = drive(&mut self.driver, body.collect()).await;
        let body = body.map_err(SendError::MaybeSent)?.to_bytes();
        if parts.status.is_success() {
            // A connection that closes here is noticed by the next `is_ready`.
            let _ = drive(&mut self.driver, self.sender.ready()).await;
        }
        Ok(Response::from_parts(parts, body))
    }
}

/// Polls the connection while waiting for a future that depends on it.
async fn drive<T>(driver: &mut Driver, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Some(connection) = driver
            && Pin::new(connection).poll(cx).is_ready()
        {
            // The result, error or not, has been passed to the future below.
            *driver = None;
        }
        future.as_mut().poll(cx)
    })
    .await
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
