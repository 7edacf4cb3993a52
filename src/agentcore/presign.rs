//! The address of an agent's WebSocket, signed. No I/O, no clock: time and credentials are
//! arguments, and the same arguments give the same URL.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use crate::agent::RuntimeArn;
use crate::invocation::RuntimeSessionId;

/// The service's name in a signature.
pub(super) const SERVICE: &str = "bedrock-agentcore";

/// How long a signed URL can be used. The service refuses more than this.
const EXPIRES_IN: Duration = Duration::from_mins(5);

const SESSION_ID_PARAMETER: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

/// All but the unreserved characters of RFC 3986, section 2.3, as SigV4 wants it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

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

/// The address could not be signed, which no input of ours should bring about.
#[derive(Debug, thiserror::Error)]
#[error("the address could not be signed")]
pub struct PresignError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Signs the address of a runtime's WebSocket for one session.
///
/// The URL is `wss://bedrock-agentcore.<region>.<suffix>/runtimes/<ARN>/ws`, or that path below an
/// `endpoint` of the operator's, with the qualifier and the session id in its query, then the
/// parameters of AWS Signature Version 4. The signature equals that of botocore's `SigV4QueryAuth`.
///
/// # Errors
/// [`PresignError`] where `aws-sigv4` refuses to sign.
pub fn presign(
    arn: &RuntimeArn,
    qualifier: Option<&str>,
    session: &RuntimeSessionId,
    endpoint: Option<&Endpoint>,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<PresignedUrl, PresignError> {
    let endpoint = match endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Endpoint::public(SERVICE, arn),
    };
    // With room for all of it: a text that grows leaves copies of itself behind.
    let token_bytes = credentials.session_token().map_or(0, str::len);
    let mut target = Zeroizing::new(String::with_capacity(2_048 + 3 * token_bytes));
    target.push_str(endpoint.path_prefix());
    // Writing to a String cannot fail.
    let _ = write!(target, "/runtimes/{}/ws?", encode(arn.as_str()));
    if let Some(qualifier) = qualifier {
        push_parameter(&mut target, "qualifier", qualifier);
    }
    push_parameter(&mut target, SESSION_ID_PARAMETER, session.as_str());

    for (name, value) in signature(&endpoint, &target, arn.region(), credentials, time)? {
        push_parameter(&mut target, &name, &value);
    }
    Ok(PresignedUrl { endpoint, target })
}

/// The query parameters that sign a GET of `target`, not yet encoded.
fn signature(
    endpoint: &Endpoint,
    target: &str,
    region: &str,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<Vec<(String, Zeroizing<String>)>, PresignError> {
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| PresignError(error);

    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES_IN);
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| refused(error.into()))?
        .into();

    // The signer takes the host from the URL. It knows http and https alone; the scheme itself is
    // not part of what is signed.
    let url = format!("https://{}{target}", endpoint.authority());
    let headers = std::iter::once(("host", endpoint.authority()));
    let request = SignableRequest::new("GET", url, headers, SignableBody::Bytes(&[]))
        .map_err(|error| refused(error.into()))?;
    let (instructions, _) = sign(request, &parameters)
        .map_err(|error| refused(error.into()))?
        .into_parts();
    let parameters = instructions.params().iter();
    Ok(parameters
        .map(|(name, value)| ((*name).to_owned(), Zeroizing::new(value.to_string())))
        .collect())
}

/// Percent-encodes every reserved character, the slash and the colon of an ARN too.
pub(super) fn encode(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

fn push_parameter(target: &mut String, name: &str, value: &str) {
    let separator = if target.ends_with('?') { "" } else { "&" };
    // Writing to a String cannot fail.
    let _ = write!(target, "{separator}{}={}", encode(name), encode(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::SessionId;

    fn presigned(token: Option<&str>) -> PresignedUrl {
        let arn = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/Agent-Pgs8nUGuuS";
        let session = SessionId::parse("session-0123456789-0123456789-0123").unwrap();
        let token = token.map(str::to_owned);
        presign(
            &RuntimeArn::parse(arn).unwrap(),
            Some("prod"),
            &RuntimeSessionId::of(&session),
            None,
            &Credentials::new("AKIDEXAMPLE", "MARKER-SECRET", token, None, "test"),
            SystemTime::UNIX_EPOCH + Duration::from_hours(482_136),
        )
        .unwrap()
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
        assert_eq!(names[..2], ["qualifier", SESSION_ID_PARAMETER]);
        for expected in [
            "qualifier=prod",
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
}
