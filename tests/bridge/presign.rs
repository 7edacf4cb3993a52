//! Presigned URLs against those of botocore, case by case.

use std::time::{Duration, SystemTime};

use agentcore_bridge::agent::{Runtime, RuntimeArn};
use agentcore_bridge::agentcore::sign::presign::presign;
use agentcore_bridge::agentcore::wire::endpoint::Endpoint;
use agentcore_bridge::session::{RuntimeSessionId, SessionId};
use aws_credential_types::Credentials;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    arn: String,
    qualifier: Option<String>,
    session_id: String,
    endpoint: Option<String>,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    epoch_seconds: u64,
    host: String,
    path: String,
    signature: String,
    url: String,
}

/// The sorted query parameters of a URL, since their order is not signed.
fn parameters(url: &str) -> Vec<&str> {
    let mut parameters: Vec<_> = url.split_once('?').unwrap().1.split('&').collect();
    parameters.sort_unstable();
    parameters
}

#[test]
fn presigned_urls_equal_those_of_botocore() {
    let cases = include_str!("../data/presign-cases.json");
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    assert!(cases.len() >= 200);
    for case in cases {
        let arn = RuntimeArn::parse(&case.arn).unwrap();
        let session = RuntimeSessionId::of(&SessionId::parse(&case.session_id).unwrap());
        let endpoint = case
            .endpoint
            .as_deref()
            .map(|url| Endpoint::parse(url).unwrap());
        let credentials = Credentials::new(
            case.access_key_id,
            case.secret_access_key,
            case.session_token,
            None,
            "botocore",
        );
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(case.epoch_seconds);
        let runtime = Runtime {
            qualifier: case.qualifier.clone(),
            ..Runtime::of(arn)
        };
        let signed = presign(&runtime, &session, endpoint.as_ref(), &credentials, time);

        assert_eq!(signed.endpoint().authority(), case.host, "{}", case.name);
        let (path, _) = signed.target().split_once('?').unwrap();
        assert_eq!(path, case.path, "{}", case.name);
        let signature = format!("X-Amz-Signature={}", case.signature);
        assert!(
            parameters(signed.target()).contains(&signature.as_str()),
            "{}",
            case.name
        );
        assert_eq!(
            parameters(signed.target()),
            parameters(&case.url),
            "{}",
            case.name
        );
    }
}
