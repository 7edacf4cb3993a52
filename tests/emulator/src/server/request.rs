//! Reads HTTP requests.

use std::{error::Error, io};

use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::encoding::{parameters, split_target};

/// Carries the runtime's session id: a query parameter for a WebSocket, a header otherwise.
pub(super) const SESSION_ID: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

/// Far more than a signed URL with a session token, which takes some kilobytes.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;
/// Far more than the only known body, a token of some hundred bytes.
const MAX_BODY: usize = 64 * 1024;

/// A request without its body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query as on the wire.
    pub(super) target: String,
    /// The headers in order, their names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// Bytes received after the head.
    pub(super) rest: Vec<u8>,
}

impl Request {
    /// The first header with this lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first query parameter with this name, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameters(split_target(&self.target).1)
            .into_iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    pub(super) fn session_in_query(&self) -> Option<String> {
        self.parameter(SESSION_ID)
    }

    pub(super) fn session_in_headers(&self) -> Option<String> {
        self.header(&SESSION_ID.to_ascii_lowercase())
            .map(str::to_owned)
    }

    /// Whether a header's comma-separated values include a token, in any case.
    pub(super) fn header_has(&self, name: &str, token: &str) -> bool {
        let mut headers = self.headers.iter().filter(|(known, _)| known == name);
        headers.any(|(_, values)| {
            values
                .split(',')
                .any(|value| value.trim().eq_ignore_ascii_case(token))
        })
    }
}

/// Reads the head of a request.
///
/// # Errors
/// The connection ended early, or the bytes are not HTTP.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Request> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(request) = parse(&bytes)? {
            return Ok(request);
        }
        if bytes.len() > MAX_HEAD {
            return Err(invalid("the head is too long"));
        }
    }
}

/// Reads the body, whose beginning may have arrived with the head.
///
/// # Errors
/// The connection ended early, or the body is too long or has no declared length.
pub(super) async fn read_body(stream: &mut TcpStream, request: &Request) -> io::Result<Vec<u8>> {
    if request.header("transfer-encoding").is_some() {
        return Err(invalid("the body has no content-length"));
    }
    let len: usize = match request.header("content-length") {
        Some(len) => len.parse().map_err(invalid)?,
        None => 0,
    };
    if len > MAX_BODY {
        return Err(invalid("the body is too long"));
    }
    let mut body = request.rest.clone();
    while body.len() < len {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    body.truncate(len);
    Ok(body)
}

fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn parse(bytes: &[u8]) -> io::Result<Option<Request>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(len) = head.parse(bytes).map_err(invalid)? else {
        return Ok(None);
    };
    let headers = head.headers.iter().map(|header| {
        let value = String::from_utf8_lossy(header.value);
        (header.name.to_ascii_lowercase(), value.into_owned())
    });
    Ok(Some(Request {
        headers: headers.collect(),
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        rest: bytes[len..].to_vec(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_with_what_follows_it() {
        let bytes = b"GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: x, UPGRADE\r\n\r\nrest";
        assert!(parse(&bytes[..40]).unwrap().is_none());
        let request = parse(bytes).unwrap().unwrap();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("GET", "/a?b")
        );
        assert_eq!(request.header("host"), Some("h"));
        assert!(request.header_has("connection", "upgrade"));
        assert!(!request.header_has("connection", "up"));
        assert_eq!(request.rest, b"rest");
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        assert!(parse(b"\x16\x03\x01\x02\x00\x01").is_err());
    }
}
