//! A client of Lambda's Runtime API, from which invocations come and to which responses go. Only
//! this file knows the API's paths and headers.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRAILER, USER_AGENT};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body as HttpBody;

pub(super) use connection::Body;
use connection::{Connection, SendError};
pub(super) use streamed::{error_trailers, prelude};

mod connection;
mod streamed;

const OUR_USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("agentcore-bridge/", env!("CARGO_PKG_VERSION")));

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
const TRACE_ID: &str = "lambda-runtime-trace-id";
/// Sent back with the response if it came with the invocation.
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_TRAILERS: HeaderValue = HeaderValue::from_static(
    "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
);
const STREAMED: HeaderValue =
    HeaderValue::from_static("application/vnd.awslambda.http-integration-response");

/// Why a request to the Runtime API failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuntimeApiError {
    #[error("the address in AWS_LAMBDA_RUNTIME_API is none")]
    InvalidAddress,
    #[error("no connection to the Runtime API")]
    Unreachable(#[source] std::io::Error),
    #[error("the connection to the Runtime API broke off")]
    Disconnected(#[source] hyper::Error),
    #[error("the Runtime API answered with status {0}")]
    Status(StatusCode),
    #[error("an invocation came without an id")]
    MissingRequestId,
}

/// The address of the Runtime API.
#[derive(Clone, Debug)]
pub(super) struct Address {
    authority: Authority,
    /// A prefix of all paths: empty on Lambda, set by `cargo lambda watch`.
    prefix: String,
}

impl Address {
    /// Parses a host and a port, or a URL with a path.
    pub(super) fn parse(text: &str) -> Result<Self, RuntimeApiError> {
        let uri: Uri = text.parse().map_err(|_| RuntimeApiError::InvalidAddress)?;
        Ok(Self {
            authority: uri
                .authority()
                .cloned()
                .ok_or(RuntimeApiError::InvalidAddress)?,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn authority(&self) -> &str {
        self.authority.as_str()
    }

    fn path(&self, path: &str) -> Result<Uri, RuntimeApiError> {
        let path = format!("{}/2018-06-01/runtime/{path}", self.prefix);
        let path = PathAndQuery::try_from(path).map_err(|_| RuntimeApiError::InvalidAddress)?;
        Ok(path.into())
    }
}

/// The metadata of an invocation.
#[derive(Debug)]
pub(super) struct Context {
    /// Lambda's id of the invocation, which its response must name.
    pub(super) request_id: String,
    /// Milliseconds since 1970, if sent.
    pub(super) deadline_ms: Option<u64>,
    /// The trace id of AWS X-Ray.
    pub(super) xray: Option<String>,
    invocation_id: Option<HeaderValue>,
}

/// A client with one connection, which is opened again when it has been closed.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: Address,
    connection: Option<Connection>,
}

impl RuntimeApi {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    /// Waits for the next invocation. Returns its event and metadata, or `None` for an empty poll,
    /// which only local tools return.
    ///
    /// # Errors
    /// [`RuntimeApiError`] if the request failed; it may be tried again.
    pub(super) async fn next(&mut self) -> Result<Option<(Bytes, Context)>, RuntimeApiError> {
        let request = self.request(Method::GET, "invocation/next")?;
        let (parts, event) = self.call(request).await?.into_parts();
        match parts.status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(None),
            status => return Err(RuntimeApiError::Status(status)),
        }
        // Only the request id is needed to respond. A malformed value of another header is ignored.
        let text = |name| parts.headers.get(name)?.to_str().ok();
        let context = Context {
            request_id: text(REQUEST_ID)
                .ok_or(RuntimeApiError::MissingRequestId)?
                .to_owned(),
            deadline_ms: text(DEADLINE_MS).and_then(|deadline| deadline.parse().ok()),
            xray: text(TRACE_ID).map(str::to_owned),
            invocation_id: parts.headers.get(&INVOCATION_ID).cloned(),
        };
        Ok(Some((event, context)))
    }

    /// Sends a complete response.
    ///
    /// # Errors
    /// [`RuntimeApiError`] if Lambda did not accept it.
    pub(super) async fn respond(
        &mut self,
        context: &Context,
        response: Bytes,
    ) -> Result<(), RuntimeApiError> {
        let mut request = self.response_to(context)?;
        *request.body_mut() = whole(response);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.succeed(request).await
    }

    /// Sends a response while it is produced. Its body begins with [`prelude`].
    ///
    /// # Errors
    /// [`RuntimeApiError`] if Lambda did not accept all of it. The rest of the body has been
    /// dropped by then.
    pub(super) async fn stream(
        &mut self,
        context: &Context,
        response: impl HttpBody<Data = Bytes, Error = Infallible> + Send + 'static,
    ) -> Result<(), RuntimeApiError> {
        let mut request = self.response_to(context)?;
        *request.body_mut() = response.boxed_unsync();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, STREAMED);
        headers.insert(RESPONSE_MODE, HeaderValue::from_static("streaming"));
        headers.insert(TRAILER, ERROR_TRAILERS);
        self.succeed(request).await
    }

    /// Reports why the function cannot start.
    ///
    /// # Errors
    /// [`RuntimeApiError`] if Lambda did not accept the report.
    pub(super) async fn init_error(
        &mut self,
        kind: &str,
        message: &str,
    ) -> Result<(), RuntimeApiError> {
        let mut request = self.request(Method::POST, "init/error")?;
        *request.body_mut() = whole(diagnostic(kind, message));
        let kind = HeaderValue::try_from(format!("Runtime.{kind}"));
        if let Ok(kind) = kind {
            request.headers_mut().insert(ERROR_TYPE, kind);
        }
        self.succeed(request).await
    }

    /// Reports that the process is ready for its snapshot, and returns in the restored copy. The
    /// connection is dropped, since a snapshot does not preserve it.
    ///
    /// # Errors
    /// [`RuntimeApiError`] if the restore failed.
    pub(super) async fn restored(&mut self) -> Result<(), RuntimeApiError> {
        let request = self.request(Method::GET, "restore/next")?;
        let restored = self.succeed(request).await;
        self.connection = None;
        restored
    }

    fn response_to(&self, context: &Context) -> Result<Request<Body>, RuntimeApiError> {
        let path = format!("invocation/{}/response", context.request_id);
        let mut request = self.request(Method::POST, &path)?;
        if let Some(id) = &context.invocation_id {
            request.headers_mut().insert(INVOCATION_ID, id.clone());
        }
        Ok(request)
    }

    fn request(&self, method: Method, path: &str) -> Result<Request<Body>, RuntimeApiError> {
        let mut request = Request::new(whole(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = self.address.path(path)?;
        let host = HeaderValue::try_from(self.address.authority())
            .map_err(|_| RuntimeApiError::InvalidAddress)?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(USER_AGENT, OUR_USER_AGENT);
        Ok(request)
    }

    async fn succeed(&mut self, request: Request<Body>) -> Result<(), RuntimeApiError> {
        match self.call(request).await?.status() {
            status if status.is_success() => Ok(()),
            status => Err(RuntimeApiError::Status(status)),
        }
    }

    async fn call(
        &mut self,
        mut request: Request<Body>,
    ) -> Result<Response<Bytes>, RuntimeApiError> {
        // Taken out, so that cancelling this future drops a connection that is in mid-request.
        if let Some(mut kept) = self.connection.take()
            && kept.is_ready().await
        {
            match kept.send(request).await {
                Ok(response) => {
                    self.keep(kept).await;
                    return Ok(response);
                }
                Err(SendError::MaybeSent(error)) => {
                    return Err(RuntimeApiError::Disconnected(error));
                }
                // The peer had closed the idle connection. Nothing was sent, so the request is safe
                // to repeat.
                Err(SendError::NotSent(unsent)) => request = *unsent,
            }
        }
        let mut connection = Connection::open(self.address.authority())
            .await
            .map_err(RuntimeApiError::Unreachable)?;
        let response = connection
            .send(request)
            .await
            .map_err(|error| match error {
                SendError::MaybeSent(error) => RuntimeApiError::Disconnected(error),
                SendError::NotSent(_) => {
                    RuntimeApiError::Unreachable(std::io::ErrorKind::ConnectionReset.into())
                }
            })?;
        self.keep(connection).await;
        Ok(response)
    }

    /// Keeps a connection for the next request. One that is not ready is still sending a body that
    /// the peer has refused, so it is dropped with it.
    async fn keep(&mut self, mut connection: Connection) {
        if connection.is_ready().await {
            self.connection = Some(connection);
        }
    }
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

/// An error as the Runtime API expects it.
fn diagnostic(kind: &str, message: &str) -> String {
    serde_json::json!({
        "errorMessage": message,
        "errorType": kind,
        "stackTrace": [],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_as_host_and_port_or_as_url() {
        for (text, authority, path) in [
            (
                "127.0.0.1:9001",
                "127.0.0.1:9001",
                "/2018-06-01/runtime/invocation/next",
            ),
            (
                "http://[::1]:9000/.rt/",
                "[::1]:9000",
                "/.rt/2018-06-01/runtime/invocation/next",
            ),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.authority(), authority);
            assert_eq!(address.path("invocation/next").unwrap(), path);
        }
        for text in ["", "/path", "a b"] {
            assert!(matches!(
                Address::parse(text),
                Err(RuntimeApiError::InvalidAddress)
            ));
        }
    }
}
