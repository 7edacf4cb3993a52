//! What the service's answer to the opening handshake says, where it is not an upgrade.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use super::{CredentialsFault, Refusal};

/// No `Retry-After` is longer for us than a day: nobody waits for a month because a service said so.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

const ERROR_TYPE: &str = "x-amzn-errortype";

/// Error types that say that the credentials, not their permissions, are the matter.
const INVALID: [&str; 5] = [
    "InvalidSignature",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "IncompleteSignature",
];

/// What a refusal means, whatever it was that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request was not as the service wants it.
    Malformed,
    /// The credentials, or their signature, were not taken.
    Credentials,
    /// The credentials may not do this.
    Denied,
    /// There is no such runtime.
    NotFound,
    /// Not now: the same request may be taken another time. No SDK retries 409 and 424 for a
    /// WebSocket; they are typical of a cold start.
    Unavailable,
    /// An answer that makes no sense here.
    Unexpected,
}

impl Refusal {
    /// What it means.
    pub fn kind(&self) -> RefusalKind {
        match self.status {
            400 => RefusalKind::Malformed,
            401 => RefusalKind::Credentials,
            403 if self.fault.is_some() => RefusalKind::Credentials,
            403 => RefusalKind::Denied,
            404 => RefusalKind::NotFound,
            402 | 409 | 424 | 429 | 500..=599 => RefusalKind::Unavailable,
            _ => RefusalKind::Unexpected,
        }
    }
}

/// Reads an answer; `now` is needed for a `Retry-After` that is a date.
pub(in crate::agentcore) fn read(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Refusal {
    let fault = match status {
        401 | 403 => credentials_fault(headers, body),
        _ => None,
    };
    let retry_after = retry_after(headers, now);
    Refusal {
        status,
        fault,
        retry_after,
    }
}

/// Whether an answer's type, in its header or its body, is of this name.
pub(in crate::agentcore) fn names(headers: &HeaderMap, body: &[u8], name: &str) -> bool {
    let header = headers
        .get(ERROR_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    [header, body]
        .iter()
        .any(|text| memchr::memmem::find(text, name.as_bytes()).is_some())
}

/// Whether an answer has a type at all.
pub(in crate::agentcore) fn has_type(headers: &HeaderMap, body: &[u8]) -> bool {
    headers.contains_key(ERROR_TYPE) || memchr::memmem::find(body, b"__type").is_some()
}

fn credentials_fault(headers: &HeaderMap, body: &[u8]) -> Option<CredentialsFault> {
    let names = |name: &str| names(headers, body, name);
    if names("ExpiredToken") {
        Some(CredentialsFault::Expired)
    } else if INVALID.into_iter().any(names) {
        Some(CredentialsFault::Invalid)
    } else {
        None
    }
}

/// RFC 9110, section 10.2.3: seconds, or a date. One that is neither, or negative, is as if it were not
/// there.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let after = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(after.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Refusal {
        let headers = headers.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_770_500);
        read(status, &headers.collect(), body.as_bytes(), now)
    }

    #[test]
    fn the_type_in_header_or_body_tells_credentials_from_permissions() {
        use CredentialsFault::{Expired, Invalid};
        for (header, body, fault) in [
            ("ExpiredTokenException:http://x/", "", Some(Expired)),
            (
                "",
                r#"{"__type":"com.amazon#ExpiredTokenException"}"#,
                Some(Expired),
            ),
            ("UnrecognizedClientException", "", Some(Invalid)),
            ("InvalidSignatureException", "", Some(Invalid)),
            ("MissingAuthenticationTokenException", "", Some(Invalid)),
            ("IncompleteSignatureException", "", Some(Invalid)),
            ("", "InvalidClientTokenId", Some(Invalid)),
            ("AccessDeniedException", r#"{"message":"no"}"#, None),
            ("", "", None),
        ] {
            assert_eq!(
                refused(403, &[(ERROR_TYPE, header)], body).fault,
                fault,
                "{header}{body}"
            );
        }
        assert_eq!(
            refused(500, &[(ERROR_TYPE, "ExpiredTokenException")], "").fault,
            None
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |value| refused(503, &[("retry-after", value)], "").retry_after;
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_millis(6_500))
        );
        assert_eq!(after("Sat, 06 Nov 1993 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(after("+3"), None);
        assert_eq!(after(""), None);
        for malformed in ["-1", "1.5", "7s", "7, 8", "Sun, 06 Nov 1994", "0x10"] {
            assert_eq!(after(malformed), None, "{malformed}");
        }
        let day = Duration::from_hours(24);
        assert_eq!(after("86400"), Some(day));
        for longer in [
            "86401",
            "99999999999999999999999",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            assert_eq!(after(longer), Some(day), "{longer}");
        }
        assert_eq!(refused(503, &[], "").retry_after, None);
    }

    #[test]
    fn what_can_pass_is_transient() {
        let transient: Vec<_> = (100..600)
            .filter(|status| refused(*status, &[], "").kind() == RefusalKind::Unavailable)
            .collect();
        let expected: Vec<_> = [402, 409, 424, 429].into_iter().chain(500..600).collect();
        assert_eq!(transient, expected);
    }
}
