//! A client of Lambda's Runtime API, from which invocations come and to which responses go. Only
//! this file knows the API's paths and headers.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use bytes::Bytes;
use http::uri::Authority;
use http::{StatusCode, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use answer::{Answer, OnHeader};
pub(super) use chunks::Body;
use chunks::Chunks;
use connection::{Connection, Request, RequestBody, SendError};
pub(super) use streamed::{error_trailers, prelude};

mod answer;
mod chunks;
mod connection;
mod streamed;

const USER_AGENT: &str = concat!("agentcore-bridge/", env!("CARGO_PKG_VERSION"));

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
const TRACE_ID: &str = "lambda-runtime-trace-id";
/// Sent back with the response if it came with the invocation.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// What cannot be in a path as it is, or would end it.
const NOT_IN_PATHS: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Why a request to the Runtime API failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuntimeApiError {
    #[error("the address in AWS_LAMBDA_RUNTIME_API is none")]
    InvalidAddress,
    #[error("no connection to the Runtime API")]
    Unreachable(#[source] std::io::Error),
    #[error("the connection to the Runtime API broke off")]
    Disconnected(#[source] std::io::Error),
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

    /// The lines of a request that all requests have.
    fn head(&self, method: &str, path: &str) -> String {
        let parts = [
            method,
            " ",
            &self.prefix,
            "/2018-06-01/runtime/",
            path,
            " HTTP/1.1\r\nhost: ",
            self.authority(),
            "\r\nuser-agent: ",
            USER_AGENT,
            "\r\n",
        ];
        parts.concat()
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
    invocation_id: Option<String>,
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
        let mut headers = EventHeaders::default();
        let request = self.request("GET", "invocation/next", RequestBody::None);
        let answer = self
            .call(request, &mut |name, value| headers.add(name, value))
            .await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(None),
            status => return Err(RuntimeApiError::Status(status)),
        }
        // Only the request id is needed to respond. A malformed value of another header is ignored.
        let context = Context {
            request_id: headers
                .request_id
                .ok_or(RuntimeApiError::MissingRequestId)?,
            deadline_ms: headers.deadline_ms.and_then(|text| text.parse().ok()),
            xray: headers.xray,
            invocation_id: headers.invocation_id,
        };
        Ok(Some((answer.body, context)))
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
        let mut request = self.response_to(context, RequestBody::Whole(response));
        request.head.push_str("content-type: application/json\r\n");
        self.succeed(request).await
    }

    /// Sends a response while it is produced. Its body begins with [`prelude`].
    ///
    /// # Errors
    /// [`RuntimeApiError`] if Lambda refused it, or gave no answer. The rest of the body has been
    /// dropped by then, as it has been where Lambda accepted it early and then took no more.
    pub(super) async fn stream(
        &mut self,
        context: &Context,
        response: Body,
    ) -> Result<(), RuntimeApiError> {
        let chunks = RequestBody::Streamed(Chunks::new(response));
        let mut request = self.response_to(context, chunks);
        request.head.push_str(
            "content-type: application/vnd.awslambda.http-integration-response\r\n\
             lambda-runtime-function-response-mode: streaming\r\n\
             trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n",
        );
        self.succeed(request).await
    }

    /// Reports why the function cannot start.
    ///
    /// # Errors
    /// [`RuntimeApiError`] if Lambda did not accept the report.
    pub(super) async fn init_error(
        &mut self,
        kind: &'static str,
        message: &str,
    ) -> Result<(), RuntimeApiError> {
        let report = RequestBody::Whole(diagnostic(kind, message).into());
        let mut request = self.request("POST", "init/error", report);
        let kind = [ERROR_TYPE, ": Runtime.", kind, "\r\n"].concat();
        request.head.push_str(&kind);
        self.succeed(request).await
    }

    /// Reports that the process is ready for its snapshot, and returns in the restored copy. The
    /// connection is dropped, since a snapshot does not preserve it.
    ///
    /// # Errors
    /// [`RuntimeApiError`] if the restore failed.
    pub(super) async fn restored(&mut self) -> Result<(), RuntimeApiError> {
        let request = self.request("GET", "restore/next", RequestBody::None);
        let restored = self.succeed(request).await;
        self.connection = None;
        restored
    }

    fn response_to(&self, context: &Context, body: RequestBody) -> Request {
        let id = utf8_percent_encode(&context.request_id, &NOT_IN_PATHS);
        let mut request = self.request("POST", &format!("invocation/{id}/response"), body);
        if let Some(id) = &context.invocation_id {
            let line = [INVOCATION_ID, ": ", id, "\r\n"].concat();
            request.head.push_str(&line);
        }
        request
    }

    fn request(&self, method: &str, path: &str, body: RequestBody) -> Request {
        Request {
            head: self.address.head(method, path),
            body,
        }
    }

    async fn succeed(&mut self, request: Request) -> Result<(), RuntimeApiError> {
        match self.call(request, &mut |_, _| {}).await?.status {
            status if status.is_success() => Ok(()),
            status => Err(RuntimeApiError::Status(status)),
        }
    }

    async fn call(
        &mut self,
        mut request: Request,
        on_header: OnHeader<'_>,
    ) -> Result<Answer, RuntimeApiError> {
        // Taken out, so that cancelling this future drops a connection that is in mid-request.
        if let Some(mut kept) = self.connection.take()
            && kept.is_ready()
        {
            match kept.send(&mut request, on_header).await {
                Ok(answer) => {
                    self.keep(kept);
                    return Ok(answer);
                }
                Err(SendError::MaybeSent(error)) => {
                    return Err(RuntimeApiError::Disconnected(error));
                }
                // The peer had closed the idle connection. The request is safe to repeat.
                Err(SendError::NotSent(_)) => {}
            }
        }
        let mut connection = Connection::open(self.address.authority())
            .await
            .map_err(RuntimeApiError::Unreachable)?;
        let answer =
            connection
                .send(&mut request, on_header)
                .await
                .map_err(|error| match error {
                    SendError::MaybeSent(error) => RuntimeApiError::Disconnected(error),
                    SendError::NotSent(error) => RuntimeApiError::Unreachable(error),
                })?;
        self.keep(connection);
        Ok(answer)
    }

    /// Keeps a connection for the next request, if it can carry one.
    fn keep(&mut self, connection: Connection) {
        if connection.is_ready() {
            self.connection = Some(connection);
        }
    }
}

/// The headers of an event that matter. Of one that comes twice the first that is text counts.
#[derive(Default)]
struct EventHeaders {
    request_id: Option<String>,
    deadline_ms: Option<String>,
    xray: Option<String>,
    invocation_id: Option<String>,
}

impl EventHeaders {
    fn add(&mut self, name: &str, value: &[u8]) {
        let Self {
            request_id,
            deadline_ms,
            xray,
            invocation_id,
        } = self;
        let known = [
            (REQUEST_ID, request_id),
            (DEADLINE_MS, deadline_ms),
            (TRACE_ID, xray),
            (INVOCATION_ID, invocation_id),
        ];
        for (known, slot) in known {
            if slot.is_none() && name.eq_ignore_ascii_case(known) {
                *slot = visible(value);
            }
        }
    }
}

/// A header's value, if it is text that can be seen.
fn visible(value: &[u8]) -> Option<String> {
    let is_visible = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let text = is_visible.then(|| std::str::from_utf8(value).ok());
    text.flatten().map(str::to_owned)
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
            let head = address.head("GET", "invocation/next");
            assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")));
        }
        for text in ["", "/path", "a b"] {
            assert!(matches!(
                Address::parse(text),
                Err(RuntimeApiError::InvalidAddress)
            ));
        }
    }

    /// An id is a UUID; whatever else it was would not become a part of the request's lines.
    #[test]
    fn an_id_stays_in_its_place_in_the_path() {
        let api = RuntimeApi::new(Address::parse("x:1").unwrap());
        let context = Context {
            request_id: "a b?c#d/e%20".to_owned(),
            deadline_ms: None,
            xray: None,
            invocation_id: Some("of this invocation".to_owned()),
        };
        let request = api.response_to(&context, RequestBody::None);
        let lines: Vec<_> = request.head.lines().collect();
        assert_eq!(
            lines[0],
            "POST /2018-06-01/runtime/invocation/a%20b%3Fc%23d/e%20/response HTTP/1.1"
        );
        let last = "lambda-runtime-invocation-id: of this invocation";
        assert_eq!(lines.last(), Some(&last));
    }

    #[test]
    fn of_an_event_the_first_header_that_is_text_counts() {
        let mut headers = EventHeaders::default();
        for (name, value) in [
            ("lambda-runtime-deadline-ms", &b"\xff"[..]),
            ("Lambda-Runtime-Deadline-Ms", b"1"),
            ("lambda-runtime-deadline-ms", b"2"),
            ("content-length", b"3"),
        ] {
            headers.add(name, value);
        }
        assert_eq!(headers.deadline_ms.as_deref(), Some("1"));
        assert_eq!(headers.request_id, None);
    }
}
