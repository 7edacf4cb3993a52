//! Every change of a signed request is refused.

use agentcore_emulator::{Credentials, sigv4::Refusal};

use crate::{case::Request, cases::CASES};

/// Expects that refusal of each case after a change.
fn expect(refusal: Refusal, change: impl Fn(&mut Request)) {
    for case in CASES {
        let mut request = case.request();
        change(&mut request);
        assert_eq!(request.check(), Err(refusal), "{}", case.name);
    }
}

const MISMATCH: Refusal = Refusal::InvalidSignature("it does not match the request");
const SCOPE: Refusal = Refusal::InvalidSignature("its scope is not that of the request");

#[test]
fn a_change_of_what_was_signed_is_an_invalid_signature() {
    expect(MISMATCH, |request| request.method = "PUT".to_owned());
    expect(MISMATCH, |request| request.target.insert(1, 'x'));
    expect(MISMATCH, |request| {
        let and = if request.target.contains('?') {
            "&"
        } else {
            "?"
        };
        request.target.extend([and, "qualifier=other"]);
    });
    // Nothing was signed but the empty body, where there is none.
    expect(MISMATCH, |request| request.body.push(b' '));
    expect(MISMATCH, |request| request.set("host", "other.example.com"));
    expect(MISMATCH, |request| {
        request.set("x-amz-date", "20240229T120001Z");
    });
    expect(MISMATCH, |request| {
        let host = request.header("host").to_owned();
        request.headers.push(("host".to_owned(), host));
    });
    expect(MISMATCH, |request| {
        request.credentials.secret_access_key.push('x');
    });
    expect(MISMATCH, |request| request.set_parameter("Signature", ""));
    expect(MISMATCH, |request| {
        let upper = request.parameter("Signature").to_ascii_uppercase();
        request.set_parameter("Signature", &upper);
    });
}

#[test]
fn a_body_that_is_not_the_signed_one_is_an_invalid_signature() {
    for case in CASES.iter().filter(|case| !case.body.is_empty()) {
        let mut request = case.request();
        request.body.clear();
        assert_eq!(request.check(), Err(MISMATCH), "{}", case.name);
        // As S3 alone takes it.
        let mut request = case.request();
        request.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        let unsigned = Refusal::InvalidSignature("an x-amz header is not signed");
        assert_eq!(request.check(), Err(unsigned), "{}", case.name);
    }
}

#[test]
fn a_session_id_that_was_signed_cannot_be_changed() {
    const SESSION: &str = "x-amzn-bedrock-agentcore-runtime-session-id";
    for case in &CASES[..2] {
        let mut request = case.request();
        request.set(SESSION, "another-session-another-session-another");
        assert_eq!(request.check(), Err(MISMATCH), "{}", case.name);
        request.remove(SESSION);
        let missing = Refusal::InvalidSignature("a signed header is not there");
        assert_eq!(request.check(), Err(missing), "{}", case.name);
    }
}

#[test]
fn each_header_that_is_named_must_be_there() {
    expect(
        Refusal::InvalidSignature("a signed header is not there"),
        |request| request.remove("host"),
    );
    expect(
        Refusal::InvalidSignature("a signed header is not there"),
        |request| {
            let names = format!("{};z", request.parameter("SignedHeaders"));
            request.set_parameter("SignedHeaders", &names);
        },
    );
}

#[test]
fn host_and_the_headers_of_aws_must_be_signed() {
    let without = |name: &'static str| {
        move |request: &mut Request| {
            let names: Vec<_> = request.parameter("SignedHeaders").split(';').collect();
            let names: Vec<_> = names.into_iter().filter(|known| *known != name).collect();
            let names = names.join(";");
            request.set_parameter("SignedHeaders", &names);
        }
    };
    let host = Refusal::InvalidSignature("host is not a signed header");
    expect(host, without("host"));
    let unsigned = Refusal::InvalidSignature("an x-amz header is not signed");
    expect(unsigned, without("x-amz-date"));
    expect(unsigned, |request| request.set("x-amz-meta", "x"));
    for case in CASES.iter().filter(|case| case.session_token.is_some()) {
        let mut request = case.request();
        without("x-amz-security-token")(&mut request);
        assert_eq!(request.check(), Err(unsigned), "{}", case.name);
    }
    // One that was signed and is then left out of the list is one change too many.
    for case in CASES.iter().filter(|case| case.method == "POST") {
        let mut request = case.request();
        without("content-type")(&mut request);
        assert_eq!(request.check(), Err(MISMATCH), "{}", case.name);
    }
}

#[test]
fn a_scope_that_is_not_the_requests_is_an_invalid_signature() {
    expect(SCOPE, |request| request.region = "xx-north-9".to_owned());
    for (part, other) in [
        (1, "20010101"),
        (2, "xx-north-9"),
        (3, "bedrock-agentcore-control"),
        (4, "aws5_request"),
    ] {
        expect(SCOPE, |request| {
            let mut scope: Vec<_> = request.parameter("Credential").split('/').collect();
            scope[part] = other;
            let scope = scope.join("/");
            request.set_parameter("Credential", &scope);
        });
    }
    // A date of another day than that of the scope.
    expect(SCOPE, |request| {
        request.set("x-amz-date", "20240301T000000Z");
    });
}

#[test]
fn unknown_keys_and_wrong_session_tokens_are_an_unrecognized_client() {
    let unknown = Refusal::UnrecognizedClient;
    expect(unknown, |request| {
        request.credentials.access_key_id = "AKIAANOTHEREXAMPLE".to_owned();
    });
    expect(unknown, |request| {
        request.set("x-amz-security-token", "ANOTHER/TOKEN");
    });
    expect(unknown, |request| {
        request.credentials.session_token = Some("ANOTHER/TOKEN".to_owned());
    });
    for case in CASES.iter().filter(|case| case.session_token.is_some()) {
        let mut request = case.request();
        request.remove("x-amz-security-token");
        assert_eq!(request.check(), Err(unknown), "{}", case.name);
        let mut request = case.request();
        request.credentials = Credentials::example();
        assert_eq!(request.check(), Err(unknown), "{}", case.name);
    }
}

#[test]
fn missing_malformed_and_repeated_parts_are_an_incomplete_signature() {
    for (parameter, wrong) in [
        ("Credential", "AKIAIOSFODNN7EXAMPLE"),
        ("SignedHeaders", "x-amz-date;host"),
        ("SignedHeaders", "host;host;x-amz-date"),
    ] {
        let incomplete = Refusal::IncompleteSignature(parameter);
        expect(incomplete, |request| {
            request.set_parameter(parameter, wrong);
        });
    }
    for parameter in ["Credential", "SignedHeaders", "Signature"] {
        let incomplete = Refusal::IncompleteSignature(parameter);
        expect(incomplete, |request| {
            let renamed = request.header("authorization").replace(parameter, "Other");
            request.set("authorization", renamed);
        });
        expect(incomplete, |request| {
            let twice = format!("{}, {parameter}=x", request.header("authorization"));
            request.set("authorization", twice);
        });
    }
    for wrong in ["AWS4-HMAC-SHA1 Credential=x", "Bearer x", "x", ""] {
        let incomplete = Refusal::IncompleteSignature("authorization");
        expect(incomplete, |request| request.set("authorization", wrong));
    }
    let date = Refusal::IncompleteSignature("x-amz-date");
    expect(date, |request| request.set("x-amz-date", "2024-02-29"));
    expect(date, |request| request.remove("x-amz-date"));
    for header in ["authorization", "x-amz-date"] {
        expect(Refusal::IncompleteSignature(header), |request| {
            let again = request.header(header).to_owned();
            request.headers.push((header.to_owned(), again));
        });
    }
}

#[test]
fn a_request_without_a_signature_has_no_authentication_token() {
    let missing = Refusal::MissingAuthenticationToken;
    expect(missing, |request| request.remove("authorization"));
}
