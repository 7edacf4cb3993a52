//! A connection to the Runtime API, driven by whoever waits for something on it: with nobody there
//! it does nothing, and dropped, it takes along what was being sent.

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

/// A body on its way to Lambda, whole or streamed. A streamed one that breaks off says so in its
/// trailers, and has no other errors.
pub(in crate::lambda) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A request was not answered.
pub(super) enum Unsent {
    /// Nobody has seen it: here it is.
    Yes(Box<Request<Body>>),
    /// It may have been seen.
    No(hyper::Error),
}

/// One request at a time.
pub(super) struct Connection {
    sender: http1::SendRequest<Body>,
    driver: Driver,
}

/// `None` once the connection has ended.
type Driver = Option<http1::Connection<TokioIo<TcpStream>, Body>>;

impl Connection {
    pub(super) async fn open(authority: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        // A piece that waits for the acknowledgement of the one before is 40 ms late.
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            driver: Some(driver),
        })
    }

    /// Whether the last request is over and the peer has not closed.
    pub(super) async fn is_ready(&mut self) -> bool {
        driving(&mut self.driver, std::future::ready(())).await;
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request and reads the answer. An answer that says no is the end of it, wherever the
    /// request's body is; one that says yes before it has all of that gets the rest.
    pub(super) async fn send(&mut self, request: Request<Body>) -> Result<Response<Bytes>, Unsent> {
        let sent = self.sender.try_send_request(request);
        let response = driving(&mut self.driver, sent).await;
        let response = response.map_err(|mut error| match error.take_message() {
            Some(unsent) => Unsent::Yes(Box::new(unsent)),
            None => Unsent::No(error.into_error()),
        })?;
        let (parts, body) = response.into_parts();
        let body = driving(&mut self.driver, body.collect()).await;
        let body = body.map_err(Unsent::No)?.to_bytes();
        if parts.status.is_success() {
            // One that is closed meanwhile is found to be so by the next request.
            let _ = driving(&mut self.driver, self.sender.ready()).await;
        }
        Ok(Response::from_parts(parts, body))
    }
}

/// Waits for something that happens on the connection.
async fn driving<T>(driver: &mut Driver, what: impl Future<Output = T>) -> T {
    let mut what = pin!(what);
    poll_fn(|cx| {
        if let Some(connection) = driver
            && Pin::new(connection).poll(cx).is_ready()
        {
            // Whoever waits has been told.
            *driver = None;
        }
        what.as_mut().poll(cx)
    })
    .await
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
