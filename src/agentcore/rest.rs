//! Signed HTTP requests to the service, for what needs no WebSocket: one connection each, since
//! they are rare and far between.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::endpoint::Endpoint;
use super::presign::SERVICE;
use super::socket::Connector;

/// No answer that is asked for is anywhere near as large.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A request to be signed and sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) endpoint: &'a Endpoint,
    /// The region in the signature.
    pub(super) region: &'a str,
    /// Path and query, percent-encoded, below the endpoint's prefix.
    pub(super) target: String,
    /// Headers to be signed, beside those that each request has.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What the service answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Empty where it did not come whole: the status is an answer by itself.
    pub(super) body: Bytes,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The request could not be made or signed.
    #[error("the request could not be signed")]
    Unsignable(#[source] BoxError),
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

impl Call<'_> {
    /// Sends the request. Dropping the future ends the connection.
    pub(super) async fn send(
        self,
        connector: &Connector,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Answer, CallError> {
        let request = self
            .signed(credentials, now)
            .map_err(CallError::Unsignable)?;
        let transport = connector
            .connect(self.endpoint)
            .await
            .map_err(CallError::Unreachable)?;
        exchange(TokioIo::new(transport), request)
            .await
            .map_err(|error| match error {
                error if error.is_parse() => CallError::Violation(error),
                error => CallError::Unanswered(error),
            })
    }

    fn signed(
        &self,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Request<Full<Bytes>>, BoxError> {
        let target = format!("{}{}", self.endpoint.path_prefix(), self.target);
        let authority = self.endpoint.authority();
        let mut headers = self.headers.clone();
        headers.insert(header::HOST, HeaderValue::from_str(authority)?);

        let identity = credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(SERVICE)
            .time(now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request = SignableRequest::new(
            self.method.as_str(),
            format!("https://{authority}{target}"),
            headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
            SignableBody::Bytes(&self.body),
        )?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();

        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(target)
            .body(Full::new(self.body.clone()))?;
        *request.headers_mut() = headers;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

async fn exchange<T>(transport: T, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error>
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
