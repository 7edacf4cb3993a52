//! The connection of one conversation, kept open from turn to turn as a browser does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::answer::{self, Answer, Outcome};
use crate::target::Target;

pub(crate) struct Client {
    target: Arc<Target>,
    tls: TlsConnector,
    timeout: Duration,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(target: Arc<Target>, tls: TlsConnector, timeout: Duration) -> Self {
        Self {
            target,
            tls,
            timeout,
            sender: None,
        }
    }

    /// Asks the agent in a session, and reads what comes to its end.
    pub(crate) async fn ask(&mut self, session: &str) -> Answer {
        let mut answer = Answer::default();
        let timeout = self.timeout;
        let asked = self.exchange(session, &mut answer);
        // Made here: a request that takes too long counts with what had come by then.
        let outcome = match tokio::time::timeout(timeout, asked).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Failed("no end in time".to_owned()),
        };
        if outcome != Outcome::Complete {
            // What is left of an answer on the connection would be taken for the next one.
            self.sender = None;
        }
        answer.outcome = outcome;
        answer
    }

    async fn exchange(&mut self, session: &str, answer: &mut Answer) -> Outcome {
        let request = match self.target.request(session).await {
            Ok(request) => request,
            Err(error) => return Outcome::Failed(format!("not signed: {error}")),
        };
        match self.send(request).await {
            Ok(response) => {
                let streams = self.target.answer;
                answer::read(response, streams, session, answer).await
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        let mut request = request;
        // The server may have closed a kept connection by now, which is nobody's failure.
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
        {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.sender = Some(sender);
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(named(&error.into_error())),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| named(&error))?;
        self.sender = Some(sender);
        Ok(response)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let host = self.target.authority.host();
        let port = self.target.authority.port_u16();
        let port = port.unwrap_or(if self.target.is_secure { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let not_connected = |error: std::io::Error| format!("not connected: {}", error.kind());
        let tcp = TcpStream::connect((bare, port))
            .await
            .map_err(not_connected)?;
        tcp.set_nodelay(true).map_err(not_connected)?;
        if !self.target.is_secure {
            return speak(tcp).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
        let tls = self.tls.connect(name, tcp).await;
        speak(tls.map_err(|error| format!("not connected: {error}"))?).await
    }
}

async fn speak<T>(transport: T) -> Result<SendRequest<Full<Bytes>>, String>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let spoken = handshake(TokioIo::new(transport)).await;
    let (sender, connection) = spoken.map_err(|error| named(&error))?;
    // Its failure is also that of the request on it.
    tokio::spawn(connection);
    Ok(sender)
}

/// A short name, since each failure with its own name is a line of the report.
fn named(error: &hyper::Error) -> String {
    let kind = if error.is_incomplete_message() {
        "closed before an answer"
    } else if error.is_parse() {
        "an answer that is no HTTP"
    } else {
        "connection lost"
    };
    kind.to_owned()
}

/// How long something took from an instant on, by which it may have been due and not begun.
pub(crate) fn since(due: Instant, at: Instant) -> Duration {
    at.saturating_duration_since(due)
}
