//! HTTP requests that need no WebSocket: one connection each, since they are rare and far between.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::connect::Connector;
use super::endpoint::Endpoint;

/// No answer that is asked for is anywhere near as large.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// What a service answered.
#[derive(Debug)]
pub(in crate::agentcore) struct Answer {
    pub(in crate::agentcore) status: u16,
    pub(in crate::agentcore) headers: HeaderMap,
    /// Empty where it did not come whole: the status is an answer by itself.
    pub(in crate::agentcore) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::agentcore) enum RequestError {
    /// The service could not be reached.
    #[error("the service could not be reached")]
    Unreachable(#[source] std::io::Error),
    /// The connection broke off.
    #[error("the service gave no answer")]
    Unanswered(#[source] hyper::Error),
    /// What came was no HTTP.
    #[error("the service's answer could not be understood")]
    Violation(#[source] hyper::Error),
}

/// Sends a request, which names its `Host`. Dropping the future ends the connection.
pub(in crate::agentcore) async fn send(
    connector: &Connector,
    endpoint: &Endpoint,
    request: Request<Full<Bytes>>,
) -> Result<Answer, RequestError> {
    let doubt = connector.doubt(endpoint);
    let transport = connector
        .connect(endpoint)
        .await
        .map_err(RequestError::Unreachable)?;
    let answer = exchange(TokioIo::new(transport), request)
        .await
        .map_err(|error| match error {
            error if error.is_parse() => RequestError::Violation(error),
            error => RequestError::Unanswered(error),
        })?;
    doubt.dispel();
    Ok(answer)
}

/// Sends a request over a connection that is open already, and ends that.
pub(in crate::agentcore) async fn exchange<T>(
    transport: T,
    request: Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send,
{
    let (mut sender, connection) = http1::handshake(transport).await?;
    let exchange = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES)
            .collect()
            .await
            .map(Collected::to_bytes)
            .unwrap_or_default();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    };
    tokio::pin!(exchange, connection);
    tokio::select! {
        answer = &mut exchange => answer,
        // The connection is over before its last bytes have been taken out of it.
        _ = &mut connection => exchange.await,
    }
}
