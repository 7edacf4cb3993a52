//! HTTP responses.

use serde_json::{Value, json};

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// An error as the service reports it: its type in a header, a message in the body.
    pub(super) fn error(status: u16, error_type: &str, message: &str) -> Self {
        Self {
            status,
            headers: vec![
                ("x-amzn-ErrorType".to_owned(), error_type.to_owned()),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            body: json!({ "message": message }).to_string().into(),
        }
    }

    /// A 200 with a JSON body.
    pub(super) fn json(body: &Value) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into(),
        }
    }

    /// The same with a further header.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The answer as it goes over the wire, with the body's length unless a header gives one.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        let has = |wanted: &str| {
            self.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if self.status != 101 && !has("content-length") && !has("transfer-encoding") {
            head.extend(["content-length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head += "\r\n";
        [head.as_bytes(), &self.body].concat()
    }
}

/// The reason phrase, which only people read.
fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200..=299 => "OK",
        300..=399 => "Redirection",
        403 => "Forbidden",
        404 => "Not Found",
        424 => "Failed Dependency",
        429 => "Too Many Requests",
        400..=499 => "Bad Request",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_type_in_a_header_and_a_message_in_the_body() {
        let bytes = Response::error(403, "ExpiredTokenException", "expired").encode();
        let expected = "HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: ExpiredTokenException\r\n\
            content-type: application/json\r\ncontent-length: 21\r\n\r\n{\"message\":\"expired\"}";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_length_that_is_given_is_kept() {
        let headers = vec![("Content-Length".to_owned(), "9".to_owned())];
        let bytes = Response {
            status: 500,
            headers,
            body: b"short".to_vec(),
        }
        .encode();
        let expected = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\nshort";
        assert_eq!(bytes, expected);
    }
}
