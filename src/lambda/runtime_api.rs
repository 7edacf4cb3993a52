//! The Runtime API of Lambda: where invocations come from and answers go. The one file that knows
//! its paths and headers.
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
use connection::{Connection, Unsent};
pub(super) use streamed::{error_trailers, prelude};

mod connection;
mod streamed;

const OURS: HeaderValue =
    HeaderValue::from_static(concat!("agentcore-bridge/", env!("CARGO_PKG_VERSION")));

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
const TRACE_ID: &str = "lambda-runtime-trace-id";
/// Goes back with the answer where it came with the invocation.
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_TRAILERS: HeaderValue = HeaderValue::from_static(
    "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
);
const STREAMED: HeaderValue =
    HeaderValue::from_static("application/vnd.awslambda.http-integration-response");

/// Why the Runtime API was of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the address in AWS_LAMBDA_RUNTIME_API is none")]
    Address,
    #[error("no connection to the Runtime API")]
    Unreachable(#[source] std::io::Error),
    #[error("the connection to the Runtime API broke off")]
    Lost(#[source] hyper::Error),
    #[error("the Runtime API answered with status {0}")]
    Status(StatusCode),
    #[error("an invocation came without an id")]
    NoId,
}

/// Where the Runtime API is.
#[derive(Clone, Debug)]
pub(super) struct Address {
    authority: Authority,
    /// What comes before all paths: nothing on Lambda; `cargo lambda watch` has something there.
    prefix: String,
}

impl Address {
    /// Parses a host and a port, or a URL with a path.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let uri: Uri = text.parse().map_err(|_| Failure::Address)?;
        Ok(Self {
            authority: uri.authority().cloned().ok_or(Failure::Address)?,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn authority(&self) -> &str {
        self.authority.as_str()
    }

    fn path(&self, path: &str) -> Result<Uri, Failure> {
        let path = format!("{}/2018-06-01/runtime/{path}", self.prefix);
        let path = PathAndQuery::try_from(path).map_err(|_| Failure::Address)?;
        Ok(path.into())
    }
}

/// What is known of an invocation beside its event.
#[derive(Debug)]
pub(super) struct Context {
    /// Lambda's id for it, which the answer must name.
    pub(super) request_id: String,
    /// Milliseconds since 1970, where they are told.
    pub(super) deadline_ms: Option<u64>,
    /// The trace id of AWS X-Ray.
    pub(super) xray: Option<String>,
    invocation_id: Option<HeaderValue>,
}

/// The Runtime API over one connection, which is made anew where it is not there any more.
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

    /// Waits for the next invocation: its event, and what is known of it beside that. `None` where
    /// there was none to be had, which only tools say.
    ///
    /// # Errors
    /// [`Failure`] where it is worth another try.
    pub(super) async fn next(&mut self) -> Result<Option<(Bytes, Context)>, Failure> {
        let request = self.request(Method::GET, "invocation/next")?;
        let (parts, event) = self.call(request).await?.into_parts();
        match parts.status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(None),
            status => return Err(Failure::Status(status)),
        }
        // What is odd about one of the others is no reason to do without the invocation.
        let text = |name| parts.headers.get(name)?.to_str().ok();
        let context = Context {
            request_id: text(REQUEST_ID).ok_or(Failure::NoId)?.to_owned(),
            deadline_ms: text(DEADLINE_MS).and_then(|deadline| deadline.parse().ok()),
            xray: text(TRACE_ID).map(str::to_owned),
            invocation_id: parts.headers.get(&INVOCATION_ID).cloned(),
        };
        Ok(Some((event, context)))
    }

    /// Hands over a whole answer.
    ///
    /// # Errors
    /// [`Failure`] where Lambda did not take it.
    pub(super) async fn respond(
        &mut self,
        context: &Context,
        answer: Bytes,
    ) -> Result<(), Failure> {
        let mut request = self.response_to(context)?;
        *request.body_mut() = whole(answer);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.succeed(request).await
    }

    /// Hands over an answer while it is made; its body begins with [`prelude`].
    ///
    /// # Errors
    /// [`Failure`] where Lambda did not take all of it. What was left of it is dropped by then.
    pub(super) async fn stream(
        &mut self,
        context: &Context,
        answer: impl HttpBody<Data = Bytes, Error = Infallible> + Send + 'static,
    ) -> Result<(), Failure> {
        let mut request = self.response_to(context)?;
        *request.body_mut() = answer.boxed_unsync();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, STREAMED);
        headers.insert(RESPONSE_MODE, HeaderValue::from_static("streaming"));
        headers.insert(TRAILER, ERROR_TRAILERS);
        self.succeed(request).await
    }

    /// Says why the function cannot start.
    ///
    /// # Errors
    /// [`Failure`] where Lambda does not know of it now.
    pub(super) async fn init_error(&mut self, kind: &str, message: &str) -> Result<(), Failure> {
        let mut request = self.request(Method::POST, "init/error")?;
        *request.body_mut() = whole(diagnostic(kind, message));
        let kind = HeaderValue::try_from(format!("Runtime.{kind}"));
        if let Ok(kind) = kind {
            request.headers_mut().insert(ERROR_TYPE, kind);
        }
        self.succeed(request).await
    }

    /// Says that all is ready for a snapshot, and waits until the process is one's copy. Connections
    /// are not copied.
    ///
    /// # Errors
    /// [`Failure`] where there is no snapshot.
    pub(super) async fn restored(&mut self) -> Result<(), Failure> {
        let request = self.request(Method::GET, "restore/next")?;
        let restored = self.succeed(request).await;
        self.connection = None;
        restored
    }

    fn response_to(&self, context: &Context) -> Result<Request<Body>, Failure> {
        let path = format!("invocation/{}/response", context.request_id);
        let mut request = self.request(Method::POST, &path)?;
        if let Some(id) = &context.invocation_id {
            request.headers_mut().insert(INVOCATION_ID, id.clone());
        }
        Ok(request)
    }

    fn request(&self, method: Method, path: &str) -> Result<Request<Body>, Failure> {
        let mut request = Request::new(whole(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = self.address.path(path)?;
        let host = HeaderValue::try_from(self.address.authority()).map_err(|_| Failure::Address)?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(USER_AGENT, OURS);
        Ok(request)
    }

    async fn succeed(&mut self, request: Request<Body>) -> Result<(), Failure> {
        match self.call(request).await?.status() {
            status if status.is_success() => Ok(()),
            status => Err(Failure::Status(status)),
        }
    }

    async fn call(&mut self, mut request: Request<Body>) -> Result<Response<Bytes>, Failure> {
        // Not put back where this is cancelled: it may be in the middle of something.
        if let Some(mut kept) = self.connection.take()
            && kept.is_ready().await
        {
            match kept.send(request).await {
                Ok(response) => {
                    self.keep(kept).await;
                    return Ok(response);
                }
                Err(Unsent::No(error)) => return Err(Failure::Lost(error)),
                // It had been closed meanwhile, and nobody has seen the request.
                Err(Unsent::Yes(unsent)) => request = *unsent,
            }
        }
        let mut connection = Connection::open(self.address.authority())
            .await
            .map_err(Failure::Unreachable)?;
        let response = connection
            .send(request)
            .await
            .map_err(|error| match error {
                Unsent::No(error) => Failure::Lost(error),
                Unsent::Yes(_) => Failure::Unreachable(std::io::ErrorKind::ConnectionReset.into()),
            })?;
        self.keep(connection).await;
        Ok(response)
    }

    /// One that is not ready has a body on it that nobody wants any more, which is dropped with it.
    async fn keep(&mut self, mut connection: Connection) {
        if connection.is_ready().await {
            self.connection = Some(connection);
        }
    }
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

/// An error in the form of Lambda's.
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
    fn an_address_is_a_host_and_a_port_or_a_url() {
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
            assert!(matches!(Address::parse(text), Err(Failure::Address)));
        }
    }
}
