//! The signature check against URLs that botocore has presigned, and against tampering with them.

use std::{fs, path::Path};

use agentcore_emulator::{
    Credentials,
    sigv4::{Refusal, SERVICE, Signed, signature, verify},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    epoch_seconds: u64,
    amz_date: String,
    host: String,
    path: String,
    signature: String,
    url: String,
}

impl Case {
    fn all() -> Vec<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/presign-cases.json");
        let cases: Vec<Self> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert!(cases.len() >= 200, "there are only {} cases", cases.len());
        cases
    }

    fn target(&self) -> &str {
        let start = self
            .url
            .find(&self.path)
            .expect("the path is a part of the URL");
        &self.url[start..]
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
            session_token: self.session_token.clone(),
        }
    }

    /// Checks a target in place of the case's own, at the time of the signature.
    fn check(&self, target: &str) -> Result<(), Refusal> {
        self.check_at(target, self.epoch_seconds)
    }

    fn check_at(&self, target: &str, now: u64) -> Result<(), Refusal> {
        verify(target, &self.host, &self.region, &[self.credentials()], now).map(drop)
    }

    /// Checks the case's own target against another host, region or credentials.
    fn check_for(&self, host: &str, region: &str, known: &[Credentials]) -> Result<(), Refusal> {
        verify(self.target(), host, region, known, self.epoch_seconds).map(drop)
    }

    /// The target without one of its parameters.
    fn without(&self, parameter: &str) -> String {
        let (path, query) = self.target().split_once('?').unwrap();
        let named = format!("{parameter}=");
        let kept: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.starts_with(&named))
            .collect();
        assert_ne!(kept.join("&"), query, "{parameter} is not there");
        format!("{path}?{}", kept.join("&"))
    }

    /// The target with another value of one of its parameters.
    fn with(&self, parameter: &str, value: &str) -> String {
        format!("{}&{parameter}={value}", self.without(parameter))
    }
}

fn is_invalid(result: Result<(), Refusal>) -> bool {
    matches!(result, Err(Refusal::InvalidSignature(_)))
}

#[test]
fn what_botocore_signs_is_accepted() {
    for case in Case::all() {
        assert_eq!(case.check(case.target()), Ok(()), "{}", case.name);
    }
}

#[test]
fn signatures_equal_those_of_botocore() {
    for case in Case::all() {
        let signed = Signed {
            method: "GET",
            target: case.target(),
            headers: &[("host", &case.host)],
            amz_date: &case.amz_date,
            region: &case.region,
            service: SERVICE,
        };
        assert_eq!(
            signature(&signed, &case.secret_access_key),
            case.signature,
            "{}",
            case.name
        );
    }
}

#[test]
fn the_order_of_the_parameters_does_not_matter() {
    for case in Case::all() {
        let (path, query) = case.target().split_once('?').unwrap();
        let reversed: Vec<_> = query.split('&').rev().collect();
        let target = format!("{path}?{}", reversed.join("&"));
        assert_eq!(case.check(&target), Ok(()), "{}", case.name);
    }
}

#[test]
fn a_change_of_what_was_signed_is_an_invalid_signature() {
    const SESSION: &str = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";
    for case in Case::all() {
        let target = case.target();
        let last = if target.ends_with('0') { "1" } else { "0" };
        for tampered in [
            target.replacen("/runtimes/", "/runtime/", 1),
            // The same path to a server that decodes it, but not the one that was signed.
            target.replacen("%3A", ":", 1),
            format!("{target}&qualifier=other"),
            case.with(SESSION, "another-session-another-session-another"),
            case.without(SESSION),
            format!("{}{last}", &target[..target.len() - 1]),
            case.with("X-Amz-Expires", "299"),
            case.with("X-Amz-Signature", ""),
        ] {
            assert!(
                is_invalid(case.check(&tampered)),
                "{}: {tampered}",
                case.name
            );
        }
        let other_host = case.check_for("other.example.com", &case.region, &[case.credentials()]);
        assert!(is_invalid(other_host), "{}", case.name);

        let secret_access_key = "another/EXAMPLEKEY".to_owned();
        let other = Credentials {
            secret_access_key,
            ..case.credentials()
        };
        let other_secret = case.check_for(&case.host, &case.region, &[other]);
        assert!(is_invalid(other_secret), "{}", case.name);
    }
}

#[test]
fn a_scope_that_is_not_the_requests_is_an_invalid_signature() {
    for case in Case::all() {
        let (key, day, region) = (&case.access_key_id, &case.amz_date[..8], &case.region);
        for scope in [
            format!("{day}%2Fxx-north-9%2F{SERVICE}%2Faws4_request"),
            format!("{day}%2F{region}%2Fexecute-api%2Faws4_request"),
            format!("20010101%2F{region}%2F{SERVICE}%2Faws4_request"),
            format!("{day}%2F{region}%2F{SERVICE}%2Faws5_request"),
        ] {
            let target = case.with("X-Amz-Credential", &format!("{key}%2F{scope}"));
            assert!(is_invalid(case.check(&target)), "{}: {target}", case.name);
        }
        let elsewhere = case.check_for(&case.host, "xx-north-9", &[case.credentials()]);
        assert!(is_invalid(elsewhere), "{}", case.name);
    }
}

#[test]
fn a_url_is_valid_for_its_time_and_no_longer() {
    for case in Case::all() {
        let check_at = |now| case.check_at(case.target(), now);
        assert_eq!(check_at(case.epoch_seconds + 300), Ok(()), "{}", case.name);
        assert!(
            is_invalid(check_at(case.epoch_seconds + 301)),
            "{}",
            case.name
        );
        assert_eq!(check_at(case.epoch_seconds - 300), Ok(()), "{}", case.name);
        assert!(
            is_invalid(check_at(case.epoch_seconds - 301)),
            "{}",
            case.name
        );
    }
}

#[test]
fn a_url_may_not_ask_for_more_than_five_minutes() {
    let case = &Case::all()[0];
    for expires in ["0", "301", "3600"] {
        let target = case.with("X-Amz-Expires", expires);
        let expected = Err(Refusal::InvalidSignature("X-Amz-Expires must be 1 to 300"));
        assert_eq!(case.check(&target), expected);
    }
}

#[test]
fn unknown_keys_and_wrong_session_tokens_are_an_unrecognized_client() {
    for case in Case::all() {
        let with =
            |known| case.check_for(&case.host, &case.region, &[Credentials::example(), known]);
        assert_eq!(with(case.credentials()), Ok(()), "{}", case.name);
        let access_key_id = "AKIAANOTHEREXAMPLE".to_owned();
        let other = Credentials {
            access_key_id,
            ..case.credentials()
        };
        assert_eq!(
            with(other),
            Err(Refusal::UnrecognizedClient),
            "{}",
            case.name
        );
        let session_token = Some("ANOTHER/TOKEN".to_owned());
        let other = Credentials {
            session_token,
            ..case.credentials()
        };
        assert_eq!(
            with(other),
            Err(Refusal::UnrecognizedClient),
            "{}",
            case.name
        );
        if case.session_token.is_some() {
            let other = Credentials {
                session_token: None,
                ..case.credentials()
            };
            assert_eq!(
                with(other),
                Err(Refusal::UnrecognizedClient),
                "{}",
                case.name
            );
            let bare = case.without("X-Amz-Security-Token");
            assert_eq!(
                case.check(&bare),
                Err(Refusal::UnrecognizedClient),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn missing_malformed_and_repeated_parameters_are_an_incomplete_signature() {
    let case = &Case::all()[0];
    let wrong = [
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA1"),
        ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE"),
        ("X-Amz-Date", "2024-02-29"),
        ("X-Amz-Expires", "soon"),
        ("X-Amz-SignedHeaders", "date"),
    ];
    for (parameter, value) in wrong {
        let expected = Err(Refusal::IncompleteSignature(parameter));
        assert_eq!(case.check(&case.without(parameter)), expected);
        assert_eq!(case.check(&case.with(parameter, value)), expected);
        let twice = format!("{}&{parameter}=x", case.target());
        assert_eq!(case.check(&twice), expected);
    }
    let expected = Err(Refusal::IncompleteSignature("X-Amz-Signature"));
    assert_eq!(case.check(&case.without("X-Amz-Signature")), expected);
}

#[test]
fn a_url_without_a_signature_has_no_authentication_token() {
    let case = &Case::all()[0];
    let (path, _) = case.target().split_once('?').unwrap();
    assert_eq!(case.check(path), Err(Refusal::MissingAuthenticationToken));
    let unsigned = format!("{path}?qualifier=DEFAULT");
    assert_eq!(
        case.check(&unsigned),
        Err(Refusal::MissingAuthenticationToken)
    );
}
