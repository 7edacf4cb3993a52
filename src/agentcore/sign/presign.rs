//! The address of an agent's WebSocket, signed. No I/O, no clock: time and credentials are
//! arguments, and the same arguments give the same URL.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use zeroize::Zeroizing;

use super::{SERVICE, Signer, SigningError, encode};
use crate::agent::RuntimeArn;
use crate::agentcore::wire::endpoint::Endpoint;
use crate::invocation::RuntimeSessionId;

/// How long a signed URL can be used. The service refuses more than this.
const EXPIRES_IN: Duration = Duration::from_mins(5);

const SESSION_ID_PARAMETER: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

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
/// `endpoint` of the operator's, with the qualifier and the session id in its query, then the
/// parameters of AWS Signature Version 4. The signature equals that of botocore's `SigV4QueryAuth`.
///
/// # Errors
/// [`SigningError`] where `aws-sigv4` refuses to sign.
pub fn presign(
    arn: &RuntimeArn,
    qualifier: Option<&str>,
    session: &RuntimeSessionId,
    endpoint: Option<&Endpoint>,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<PresignedUrl, SigningError> {
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

    let signer = Signer {
        credentials,
        region: arn.region(),
        time,
    };
    for (name, value) in signer.query(&endpoint, &target, EXPIRES_IN)?.params() {
        push_parameter(&mut target, name, value);
    }
    Ok(PresignedUrl { endpoint, target })
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
