//! Addresses of runtimes, and their signatures.

use std::time::{Duration, SystemTime};

use agentcore_bridge::agent::{Runtime, RuntimeArn};
use agentcore_bridge::agentcore::sign::presign::{PresignedUrl, presign};
use agentcore_bridge::agentcore::wire::endpoint::Endpoint;
use agentcore_bridge::session::{RuntimeSessionId, SessionId};
use agentcore_emulator::sigv4;
use aws_credential_types::Credentials;
use percent_encoding::percent_decode_str;
use url::Url;

/// The key pair of the AWS documentation.
const KEY: [&str; 2] = ["AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"];

const ARN: &str = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Agent-Abcdef1234";

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn signed(runtime: &Runtime, session: &str, token: Option<&str>, seconds: u64) -> PresignedUrl {
    let session = SessionId::parse(session).unwrap_or_else(|_| SessionId::of_thread(session));
    let session = RuntimeSessionId::of(&session);
    let [key, secret] = KEY;
    let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "fuzz");
    presign(runtime, &session, None, &credentials, time(seconds))
}

/// Any text as an ARN or an endpoint, a line each: what is taken for one makes an address that another
/// library reads as we meant it.
pub fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for line in text.lines() {
        if let Ok(arn) = RuntimeArn::parse(line) {
            assert_eq!(arn.as_str(), line);
            let url = signed(&Runtime::of(arn), "session", None, 0);
            let parsed = Url::parse(&url.to_url()).expect("an address");
            let segments: Vec<_> = parsed.path_segments().expect("a path").collect();
            assert_eq!(
                (segments.len(), segments[0], segments[2]),
                (3, "runtimes", "ws")
            );
            let decoded = percent_decode_str(segments[1]).decode_utf8().expect("text");
            assert_eq!(decoded, line);
            assert_eq!(parsed.scheme(), "wss");
            assert!(parsed.username().is_empty() && parsed.password().is_none());
            let host = parsed.host_str().expect("a host");
            assert!(host.starts_with("bedrock-agentcore."), "{host}");
        }
        if let Ok(endpoint) = Endpoint::parse(line) {
            let parsed = Url::parse(&endpoint.websocket_origin()).expect("an origin");
            let host = parsed.host_str().expect("a host");
            let host = host.trim_start_matches('[').trim_end_matches(']');
            assert_eq!(host, endpoint.host(), "{line:?}");
            assert_eq!(parsed.port_or_known_default(), Some(endpoint.port()));
            assert!(parsed.username().is_empty() && parsed.password().is_none());
            assert_eq!(parsed.scheme() == "wss", endpoint.is_secure());
        }
    }
}

/// What the presigner signs is what the service checks, and nothing else. Lines: a session, a
/// qualifier, a token, the target of somebody who has no key.
pub fn signature(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (session, qualifier, token, forged) = (line(), line(), line(), line());
    let mut runtime = Runtime::of(RuntimeArn::parse(ARN).expect("an ARN"));
    runtime.qualifier = (!qualifier.is_empty()).then(|| qualifier.to_owned());
    let token = (!token.is_empty()).then_some(token);
    let seconds = 1_700_000_000;
    let url = signed(&runtime, session, token, seconds);
    let [key, secret] = KEY;
    let accepted = [agentcore_emulator::Credentials {
        access_key_id: key.to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: token.map(str::to_owned),
    }];
    let host = url.endpoint().authority();
    let verify = |target: &str| sigv4::verify(target, host, "us-east-1", &accepted, seconds);
    assert!(verify(url.target()).is_ok(), "{}", url.target());
    if forged != url.target() {
        assert!(verify(forged).is_err(), "{forged:?}");
        let beside = format!("{}&{forged}", url.target());
        // Encoding is one and the same to the service: an addition of nothing changes nothing.
        let adds_something = forged.bytes().any(|byte| byte != b'&');
        assert!(!adds_something || verify(&beside).is_err(), "{beside:?}");
    }
}
