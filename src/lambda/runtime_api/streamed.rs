//! The prelude and the error trailers of a streamed response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Serialize, Serializer};

use super::{ERROR_BODY, ERROR_TYPE, diagnostic};

/// Separates the prelude from the body.
const DELIMITER: Bytes = Bytes::from_static(&[0; 8]);

/// The first chunks of a streamed response: its status and headers as JSON, then the delimiter.
/// They are two chunks, since `cargo lambda watch` does not accept them as one.
pub(in super::super) fn prelude(status: StatusCode, mut headers: HeaderMap) -> [Bytes; 2] {
    // Without a content type, Lambda declares the body to be JSON.
    if status != StatusCode::NO_CONTENT {
        let unnamed = HeaderValue::from_static("application/octet-stream");
        headers.entry(CONTENT_TYPE).or_insert(unnamed);
    }
    let prelude = Prelude {
        status_code: status.as_u16(),
        headers: Headers(&headers),
        cookies: [],
    };
    // Numbers and strings always serialize.
    let prelude = serde_json::to_vec(&prelude).unwrap_or_default();
    [prelude.into(), DELIMITER]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Prelude<'a> {
    status_code: u16,
    headers: Headers<'a>,
    /// Our responses set no cookies, but Lambda expects the field.
    cookies: [&'a str; 0],
}

/// One value of a name becomes a string, several become a list.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Value<'a> {
            One(&'a str),
            Several(Vec<&'a str>),
        }

        let value = |name| {
            let values = self.0.get_all(name).iter();
            let mut values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
            match values.len() {
                1 => Value::One(values.remove(0)),
                _ => Value::Several(values),
            }
        };
        serializer.collect_map(self.0.keys().map(|name| (name.as_str(), value(name))))
    }
}

/// The trailers of a response that broke off.
pub(in super::super) fn error_trailers(kind: &'static str, message: &str) -> HeaderMap {
    let body = STANDARD.encode(diagnostic(kind, message));
    let mut trailers = HeaderMap::new();
    trailers.insert(ERROR_TYPE, HeaderValue::from_static(kind));
    // Base64 is always a valid header value.
    if let Ok(body) = HeaderValue::try_from(body) {
        trailers.insert(ERROR_BODY, body);
    }
    trailers
}

#[cfg(test)]
mod tests {
    use lambda_http::lambda_runtime::MetadataPrelude;
    use serde_json::Value;

    use super::*;

    /// Checked against `lambda_runtime`, whose format Lambda accepts.
    #[test]
    fn the_prelude_equals_that_of_lambda_runtime() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/event-stream; charset=utf-8"),
            ("vary", "origin"),
            ("vary", "\"accept\""),
            ("x-empty", ""),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        for status in [StatusCode::OK, StatusCode::GATEWAY_TIMEOUT] {
            let [ours, delimiter] = prelude(status, headers.clone());
            let theirs = MetadataPrelude {
                status_code: status,
                headers: headers.clone(),
                cookies: vec![],
            };
            let ours: Value = serde_json::from_slice(&ours).unwrap();
            assert_eq!(ours, serde_json::to_value(theirs).unwrap());
            assert_eq!(delimiter, [0; 8].as_slice());
        }
    }
}
