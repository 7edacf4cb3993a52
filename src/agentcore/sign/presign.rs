//! The address of an agent's WebSocket, signed. No I/O, no clock: time and credentials are
//! arguments, and the same arguments give the same URL.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use ring::digest::{Context, Digest, SHA256};
use ring::hmac;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{SERVICE, encode};
use crate::agent::Runtime;
use crate::agentcore::wire::endpoint::Endpoint;
use crate::hex::hex;
use crate::session::RuntimeSessionId;

/// How long a signed URL can be used. The service refuses more than this.
pub const EXPIRES_IN: Duration = Duration::from_mins(5);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const SESSION_ID_PARAMETER: &str = "&X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

/// A signed address: who has it can talk to the agent for five minutes, so neither `Debug` nor
/// any error shows more than the host, and dropped it is wiped from memory.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUrl {
    endpoint: Endpoint,
    /// Path and query, percent-encoded, as signed and as sent.
    target: Zeroizing<String>,
}

impl PresignedUrl {
    /// Where to connect to, and the value of the `Host` header.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Path and query for the request line. It holds the signature: for the wire alone.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The whole URL. It holds the signature: for the wire alone.
    pub fn to_url(&self) -> Zeroizing<String> {
        let origin = self.endpoint.websocket_origin();
        Zeroizing::new(format!("{origin}{}", self.target.as_str()))
    }
}

impl fmt::Debug for PresignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresignedUrl")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Signs the address of a runtime's WebSocket for one session.
///
/// The URL is `wss://bedrock-agentcore.<region>.<suffix>/runtimes/<ARN>/ws`, or that path below an
/// `endpoint` of the operator's, with the qualifier and the session id in its query beside the
/// parameters of AWS Signature Version 4. The signature equals that of botocore's `SigV4QueryAuth`.
///
/// It is written out here, and not asked of `aws-sigv4`, since it is made for each invocation: the
/// query goes out as it is signed, and no copies of the session token are left behind.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
pub fn presign(
    runtime: &Runtime,
    session: &RuntimeSessionId,
    endpoint: Option<&Endpoint>,
    credentials: &Credentials,
    time: SystemTime,
) -> PresignedUrl {
    let arn = &runtime.arn;
    let endpoint = endpoint_of(runtime, endpoint);
    let scope = Scope::new(arn.region(), time);
    // With room for all of it: a text that grows leaves copies of itself behind.
    let token = credentials.session_token();
    let mut target = String::with_capacity(2_048 + 3 * token.map_or(0, str::len));
    push_path(&mut target, runtime, &endpoint);
    let path_bytes = target.len();

    // In the order in which they are signed, by name.
    let credential = scope.credential(credentials.access_key_id());
    let expires = EXPIRES_IN.as_secs().to_string();
    push(&mut target, "?X-Amz-Algorithm", ALGORITHM);
    push(&mut target, "&X-Amz-Credential", &credential);
    push(&mut target, "&X-Amz-Date", &scope.time);
    push(&mut target, "&X-Amz-Expires", &expires);
    if let Some(token) = token {
        push(&mut target, "&X-Amz-Security-Token", token);
    }
    push(&mut target, "&X-Amz-SignedHeaders", "host");
    push(&mut target, SESSION_ID_PARAMETER, session.as_str());
    if let Some(qualifier) = &runtime.qualifier {
        push(&mut target, "&qualifier", qualifier);
    }
    let (path, query) = target.split_at(path_bytes);
    let request = canonical_request(&endpoint, path, &query[1..]);
    let signature = scope.sign(credentials.secret_access_key(), request);
    push(&mut target, "&X-Amz-Signature", &signature);
    PresignedUrl {
        endpoint,
        target: Zeroizing::new(target),
    }
}

/// The same address without a signature, and without the session, for a runtime that takes none.
pub(in crate::agentcore) fn unsigned(
    runtime: &Runtime,
    endpoint: Option<&Endpoint>,
) -> PresignedUrl {
    let endpoint = endpoint_of(runtime, endpoint);
    let mut target = String::new();
    push_path(&mut target, runtime, &endpoint);
    if let Some(qualifier) = &runtime.qualifier {
        push(&mut target, "?qualifier", qualifier);
    }
    PresignedUrl {
        endpoint,
        target: Zeroizing::new(target),
    }
}

fn endpoint_of(runtime: &Runtime, endpoint: Option<&Endpoint>) -> Endpoint {
    match endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Endpoint::public(SERVICE, &runtime.arn),
    }
}

fn push_path(target: &mut String, runtime: &Runtime, endpoint: &Endpoint) {
    target.push_str(endpoint.path_prefix());
    target.push_str("/runtimes/");
    target.extend(encode(runtime.arn.as_str()));
    target.push_str("/ws");
}

/// Adds a parameter, whose name comes with what is before it.
fn push(target: &mut String, name: &str, value: &str) {
    target.push_str(name);
    target.push('=');
    target.extend(encode(value));
}

/// The digest of the request in the form in which it is signed: a GET without a body, of which the
/// host is the only header.
fn canonical_request(endpoint: &Endpoint, path: &str, query: &str) -> Digest {
    let mut request = Context::new(&SHA256);
    let mut update = |text: &str| request.update(text.as_bytes());
    update("GET\n");
    // The path on the wire is encoded once more (only S3's is not), and slashes in a row count as one.
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        update("/");
        encode(segment).for_each(&mut update);
    }
    update("\n");
    update(query);
    update("\nhost:");
    update(endpoint.authority());
    update("\n\nhost\n");
    update(SHA256_OF_NOTHING);
    request.finish()
}

/// Where and when a signature holds.
struct Scope<'a> {
    /// `20250101T000000Z`
    time: String,
    region: &'a str,
}

impl<'a> Scope<'a> {
    fn new(region: &'a str, time: SystemTime) -> Self {
        let time = OffsetDateTime::from(time);
        let time = format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            time.year(),
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        Self { time, region }
    }

    fn date(&self) -> &str {
        &self.time[.."YYYYMMDD".len()]
    }

    /// The scope behind a key's id.
    fn credential(&self, access_key_id: &str) -> String {
        let (date, region) = (self.date(), self.region);
        format!("{access_key_id}/{date}/{region}/{SERVICE}/{TERMINATOR}")
    }

    /// The signature of a request's digest, in hexadecimal digits.
    fn sign(&self, secret_access_key: &str, request: Digest) -> String {
        let (date, region) = (self.date(), self.region);
        let secret = Zeroizing::new(format!("AWS4{secret_access_key}"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let key = [date, region, SERVICE, TERMINATOR]
            .into_iter()
            .fold(key, |key, part| {
                let next = hmac::sign(&key, part.as_bytes());
                hmac::Key::new(hmac::HMAC_SHA256, next.as_ref())
            });
        let text = format!(
            "{ALGORITHM}\n{}\n{date}/{region}/{SERVICE}/{TERMINATOR}\n{}",
            self.time,
            hex(request.as_ref())
        );
        hex(hmac::sign(&key, text.as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use aws_sigv4::http_request::{
        SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
    };
    use aws_sigv4::sign::v4;
    use proptest::prelude::*;

    use super::*;
    use crate::agent::RuntimeArn;
    use crate::session::SessionId;

    fn presigned(token: Option<&str>) -> PresignedUrl {
        let arn = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/Agent-Pgs8nUGuuS";
        let session = SessionId::parse("session-0123456789-0123456789-0123").unwrap();
        let token = token.map(str::to_owned);
        presign(
            &Runtime {
                qualifier: Some("prod".to_owned()),
                ..Runtime::of(RuntimeArn::parse(arn).unwrap())
            },
            &RuntimeSessionId::of(&session),
            None,
            &Credentials::new("AKIDEXAMPLE", "MARKER-SECRET", token, None, "test"),
            SystemTime::UNIX_EPOCH + Duration::from_hours(482_136),
        )
    }

    #[test]
    fn the_url_holds_what_the_service_wants() {
        let url = presigned(Some("MARKER/TOKEN+=")).to_url();
        let path = "wss://bedrock-agentcore.eu-west-1.amazonaws.com/runtimes/arn%3Aaws%3A\
                    bedrock-agentcore%3Aeu-west-1%3A123456789012%3Aruntime%2FAgent-Pgs8nUGuuS/ws";
        let (before, query) = url.split_once('?').unwrap();
        assert_eq!(before, path);
        let names: Vec<_> = query
            .split('&')
            .map(|pair| pair.split('=').next().unwrap())
            .collect();
        assert!(names[..names.len() - 1].is_sorted(), "{names:?}");
        assert_eq!(*names.last().unwrap(), "X-Amz-Signature");
        for expected in [
            "qualifier=prod",
            "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id=session-0123456789-0123456789-0123",
            "X-Amz-Expires=300",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Date=20250101T000000Z",
            "X-Amz-Security-Token=MARKER%2FTOKEN%2B%3D",
            "X-Amz-Credential=AKIDEXAMPLE%2F20250101%2Feu-west-1%2Fbedrock-agentcore%2Faws4_request",
        ] {
            assert!(
                query.split('&').any(|pair| pair == expected),
                "{expected} in {query}"
            );
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", presigned(Some("MARKER-TOKEN")));
        assert!(
            !shown.contains("MARKER") && !shown.contains("Signature"),
            "{shown}"
        );
        assert!(!shown.contains("123456789012"), "{shown}");
    }

    /// The signature of `aws-sigv4` for the same address, without the parameters that sign it.
    fn of_the_library(url: &PresignedUrl, credentials: &Credentials, time: SystemTime) -> String {
        let (path, query) = url.target().split_once('?').unwrap();
        let unsigned: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.starts_with("X-Amz-"))
            .collect();
        let authority = url.endpoint().authority();
        let unsigned = format!("https://{authority}{path}?{}", unsigned.join("&"));
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(EXPIRES_IN);
        let identity = credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name(SERVICE)
            .time(time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = std::iter::once(("host", authority));
        let request =
            SignableRequest::new("GET", unsigned, headers, SignableBody::Bytes(&[])).unwrap();
        sign(request, &parameters).unwrap().into_parts().1
    }

    proptest! {
        #[test]
        fn the_signature_is_that_of_the_library(
            session in "[a-zA-Z0-9][a-zA-Z0-9_-]{32,99}",
            qualifier in prop::option::of(any::<String>().prop_filter("not empty", |q| !q.is_empty())),
            prefix in "(/[a-z%. +~ü-]{0,5}){0,4}",
            secret in "[!-~]{1,60}",
            token in prop::option::of("[!-~]{1,2000}"),
            seconds in 0_u64..4_000_000_000,
        ) {
            let arn = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/Agent-Pgs8nUGuuS";
            let Ok(endpoint) = Endpoint::parse(&format!("https://localhost:8443{prefix}")) else {
                return Ok(());
            };
            let credentials = Credentials::new("AKIDEXAMPLE", secret, token, None, "test");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let url = presign(
                &Runtime {
                    qualifier,
                    ..Runtime::of(RuntimeArn::parse(arn).unwrap())
                },
                &RuntimeSessionId::of(&SessionId::parse(&session).unwrap()),
                Some(&endpoint),
                &credentials,
                time,
            );
            let signature = url.target().rsplit_once("X-Amz-Signature=").unwrap().1;
            prop_assert_eq!(signature, of_the_library(&url, &credentials, time));
        }
    }
}
