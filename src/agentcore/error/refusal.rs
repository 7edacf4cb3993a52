//! What the service's answer to the opening handshake says, where it is not an upgrade.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use super::named::{self, ERROR_TYPE};
use crate::agent::RuntimeAuth;

/// Error types that say that the credentials, not their permissions, are the matter.
const INVALID: [&str; 5] = [
    "InvalidSignature",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "IncompleteSignature",
];

/// What a signature's time is refused with, whatever its type.
const OF_ANOTHER_TIME: [&str; 2] = ["Signature expired", "Signature not yet current"];

/// The service takes signatures of up to five minutes. A clock that is off by less than this has
/// not spoilt one.
const TOLERATED: Duration = Duration::from_mins(1);

/// Nobody waits longer, whatever a `Retry-After` says.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The service answered the opening handshake with something other than an upgrade, or another
/// request with something other than success. Its own text is not kept: nobody knows what it quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What the answer's type says of the credentials.
    pub fault: Option<CredentialsFault>,
    /// It was the caller's own token that was refused, not our credentials.
    pub of_token: bool,
    /// The answer's `Retry-After`, a day at the most.
    pub retry_after: Option<Duration>,
    /// The bare name of its type, such as `AccessDeniedException`: letters and digits alone.
    pub error_type: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// What its text says, where that is something that we have words for.
    pub reason: Option<Reason>,
}

/// Why the service did not take the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsFault {
    /// They have expired.
    Expired,
    /// They are unknown, or the signature is wrong.
    Invalid,
}

/// What is behind a refusal whose status and type do not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The signature is of another time than the service's.
    Clock {
        /// By which time it was signed.
        ours: SystemTime,
        /// The answer's `Date`.
        service: Option<SystemTime>,
    },
    /// The runtime's micro-VMs still have version 1 of the metadata service.
    NoMmdsV2,
    /// The runtime wants a bearer token and no signature, or the other way round.
    OtherAuthorization,
}

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
    /// The same, of a request by the caller's own token or by our credentials.
    #[must_use]
    pub(in crate::agentcore) fn by(self, auth: RuntimeAuth) -> Self {
        Self {
            of_token: auth == RuntimeAuth::Caller,
            ..self
        }
    }

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

    /// The service's time, where the signature was of another.
    pub(in crate::agentcore) fn right_time(&self) -> Option<SystemTime> {
        match self.reason {
            Some(Reason::Clock { service, .. }) => service,
            _ => None,
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
    Refusal {
        status,
        fault,
        of_token: false,
        retry_after: retry_after(headers, now),
        error_type: named::error_type(headers, body),
        request_id: named::request_id(headers),
        reason: reason(status, headers, body, now),
    }
}

fn reason(status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Option<Reason> {
    let says = |words: &str| memchr::memmem::find(body, words.as_bytes()).is_some();
    match status {
        400..=403 if OF_ANOTHER_TIME.into_iter().any(says) => Some(Reason::Clock {
            ours: now,
            service: date(headers),
        }),
        400..=403 if names(headers, body, "InvalidSignature") => {
            let service = date(headers)?;
            let is_wrong = difference(now, service) > TOLERATED;
            is_wrong.then_some(Reason::Clock {
                ours: now,
                service: Some(service),
            })
        }
        400 if body.to_ascii_lowercase().windows(6).any(|w| w == b"mmdsv2") => {
            Some(Reason::NoMmdsV2)
        }
        401 | 403 if says("method mismatch") => Some(Reason::OtherAuthorization),
        _ => None,
    }
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

fn difference(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other)
        .unwrap_or_else(|error| error.duration())
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
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = Duration::from_secs(value.parse().unwrap_or(u64::MAX));
        return Some(seconds.min(LONGEST_RETRY_AFTER));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let time = date.duration_since(now).unwrap_or_default();
    Some(time.min(LONGEST_RETRY_AFTER))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.of_token {
            "the caller's credentials"
        } else {
            "the credentials"
        };
        write!(f, "status {}", self.status)?;
        match (&self.reason, self.fault) {
            // A clock that is wrong is not the credentials' fault.
            (Some(reason), _) => write!(f, ", {reason}"),
            (None, Some(CredentialsFault::Expired)) => write!(f, ", {whose} have expired"),
            (None, Some(CredentialsFault::Invalid)) => write!(f, ", {whose} are invalid"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock { ours, service } => {
                f.write_str("the signature is of another time: the clock of this machine ")?;
                let Some(service) = service else {
                    return f.write_str("may be wrong");
                };
                let seconds = difference(*ours, *service).as_secs();
                let way = if ours < service { "behind" } else { "ahead of" };
                write!(f, "is {seconds} s {way} the service's")
            }
            Self::NoMmdsV2 => f.write_str(
                "the runtime does not require MMDSv2, without which it cannot be invoked: \
                 UpdateAgentRuntime with requireMMDSV2 makes it so",
            ),
            Self::OtherAuthorization => f.write_str(
                "the runtime takes the other way of saying who calls: bearer tokens (JWT) where \
                 we signed, or a signature where we sent a token",
            ),
        }
    }
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

    /// The tests' clock shows 08:49:30.5 of that day.
    #[test]
    fn a_signature_of_another_time_is_the_clocks_fault() {
        let expired = r#"{"message":"Signature expired: 19941106T084930Z is now earlier than x"}"#;
        let early = r#"{"message":"Signature not yet current: 19941106T084930Z is still later"}"#;
        let far = "Sun, 06 Nov 1994 09:49:30 GMT";
        let near = "Sun, 06 Nov 1994 08:50:30 GMT";
        let past = "Sun, 06 Nov 1994 08:48:29 GMT";
        for (error_type, date, body, says) in [
            (
                "InvalidSignatureException",
                far,
                "",
                "is 3599 s behind the service's",
            ),
            (
                "InvalidSignatureException",
                past,
                "",
                "is 61 s ahead of the service's",
            ),
            (
                "InvalidSignatureException",
                far,
                expired,
                "is 3599 s behind the service's",
            ),
            (
                "AccessDeniedException",
                past,
                early,
                "is 61 s ahead of the service's",
            ),
            ("", near, expired, "is 59 s behind the service's"),
            ("InvalidSignatureException", "", expired, "may be wrong"),
            ("", "yesterday", early, "may be wrong"),
        ] {
            for status in [400, 401, 403] {
                let refused = refused(status, &[(ERROR_TYPE, error_type), ("date", date)], body);
                let text = refused.to_string();
                let expected = format!(
                    "status {status}, the signature is of another time: the clock of this machine {says}"
                );
                assert_eq!(text, expected, "{error_type} {date} {body}");
            }
        }
        for (error_type, date) in [
            ("InvalidSignatureException", near),
            ("InvalidSignatureException", ""),
            ("UnrecognizedClientException", far),
            ("AccessDeniedException", far),
        ] {
            let refused = refused(403, &[(ERROR_TYPE, error_type), ("date", date)], "");
            assert_eq!(refused.reason, None, "{error_type} {date}");
        }
        let refused = refused(503, &[("date", far)], expired);
        assert_eq!(refused.reason, None);
    }

    #[test]
    fn what_we_have_words_for_is_said_in_them() {
        let text = r#"{"message":"MARKER: enable mmdsV2 (requireMMDSV2)"}"#;
        let of_400 = refused(400, &[(ERROR_TYPE, "ValidationException")], text);
        assert_eq!(of_400.reason, Some(Reason::NoMmdsV2));
        let shown = of_400.to_string();
        assert!(
            shown.contains("MMDSv2") && !shown.contains("MARKER"),
            "{shown}"
        );
        assert_eq!(refused(404, &[], text).reason, None);
        let text = r#"{"message":"MARKER: Authorization method mismatch. The agent is"}"#;
        let of_403 = refused(403, &[(ERROR_TYPE, "AccessDeniedException")], text);
        assert_eq!(of_403.reason, Some(Reason::OtherAuthorization));
        assert_eq!(of_403.kind(), RefusalKind::Denied);
        let shown = of_403.to_string();
        assert!(
            shown.contains("JWT") && !shown.contains("MARKER"),
            "{shown}"
        );
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
