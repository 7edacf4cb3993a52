//! The names that the service gives a refusal. They are for the log, and so they are made harmless:
//! what stands in their places on the wire may be anything.

use http::HeaderMap;
use serde_json::Value;

pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";
const REQUEST_ID: &str = "x-amzn-requestid";

/// Longer than any name that AWS gives.
const MAX_CHARACTERS: usize = 64;

/// The bare name of an answer's type: `ExpiredTokenException` of
/// `com.amazon.coral#ExpiredTokenException:http://…`. The header's, else the body's, as far as that
/// came.
pub(super) fn error_type(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = headers.get(ERROR_TYPE);
    let header = header.and_then(|value| bare(&String::from_utf8_lossy(value.as_bytes())));
    header.or_else(|| {
        let body: Value = serde_json::from_slice(body).ok()?;
        let named = ["__type", "code"].map(|name| body[name].as_str().and_then(bare));
        named.into_iter().flatten().next()
    })
}

/// By what the service's people find the request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(REQUEST_ID)?.to_str().ok()?;
    leading(value.trim(), |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=')
    })
}

fn bare(name: &str) -> Option<String> {
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    leading(name.trim(), |c| c.is_ascii_alphanumeric())
}

/// The text up to the first character that is none of these; `None` where that is nothing.
fn leading(text: &str, is_one: impl Fn(char) -> bool) -> Option<String> {
    let taken = text.chars().take_while(|c| is_one(*c));
    let taken: String = taken.take(MAX_CHARACTERS).collect();
    (!taken.is_empty()).then_some(taken)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        [(HeaderName::from_static(name), value)]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_type_is_its_bare_name() {
        let long = "x".repeat(1_000);
        for (header, expected) in [
            ("AccessDeniedException", Some("AccessDeniedException")),
            (
                "ExpiredTokenException:http://x/",
                Some("ExpiredTokenException"),
            ),
            (
                "com.amazon#ExpiredTokenException",
                Some("ExpiredTokenException"),
            ),
            (" a.b#Throttling:http://x#y/ ", Some("y")),
            (
                "Access denied to arn:aws:iam::123456789012:role/x",
                Some("Access"),
            ),
            ("AccessDenied\u{9b}31m", Some("AccessDenied")),
            (&long, Some(&long[..64])),
            ("!", None),
            ("", None),
        ] {
            let named = error_type(&headers(ERROR_TYPE, header), b"");
            assert_eq!(named.as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn the_body_names_it_where_the_header_does_not() {
        for (body, expected) in [
            (r#"{"__type":"com.amazon#Throttling"}"#, Some("Throttling")),
            (r#"{"code":"Throttling","message":"x"}"#, Some("Throttling")),
            (r#"{"__type":7,"code":"Throttling"}"#, Some("Throttling")),
            (r#"{"message":"Throttling"}"#, None),
            (r#"{"__type":"Throttl"#, None),
            (r#"["Throttling"]"#, None),
            ("", None),
        ] {
            let named = error_type(&HeaderMap::new(), body.as_bytes());
            assert_eq!(named.as_deref(), expected, "{body}");
            let header = error_type(&headers(ERROR_TYPE, "Header"), body.as_bytes());
            assert_eq!(header.as_deref(), Some("Header"), "the header comes first");
        }
    }

    #[test]
    fn a_request_id_holds_nothing_else() {
        for (value, expected) in [
            (
                "5d4f6b0e-1c7e-4c0a-9d37-0f5e9a0f8a11",
                Some("5d4f6b0e-1c7e-4c0a-9d37-0f5e9a0f8a11"),
            ),
            ("Jk3-_g=", Some("Jk3-_g=")),
            ("one two", Some("one")),
            ("\u{9b}", None),
            ("", None),
        ] {
            let id = request_id(&headers(REQUEST_ID, value));
            assert_eq!(id.as_deref(), expected, "{value}");
        }
        let long = "9".repeat(500);
        assert_eq!(request_id(&headers(REQUEST_ID, &long)).unwrap().len(), 64);
    }
}
