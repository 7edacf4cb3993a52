//! The check of the `Authorization` header against requests that botocore has signed, and against
//! tampering with them.

mod case;
mod cases;
mod tampering;

use agentcore_emulator::{
    Credentials,
    sigv4::{Refusal, SERVICE, Signed, Signer, signature_with_body, verify_request},
};

use cases::{CASES, NOW};

#[test]
fn what_botocore_signs_is_accepted() {
    for case in CASES {
        let known = [Credentials::example(), case.credentials()];
        let request = case.request();
        let regions = ["xx-north-9", case.region];
        let signer = verify_request(&request.whole(), regions, &known, NOW).unwrap();
        let expected = Signer {
            credentials: &case.credentials(),
            region: case.region,
        };
        assert_eq!(signer, expected, "{}", case.name);
    }
}

#[test]
fn neither_the_order_of_headers_nor_spaces_between_parameters_matter() {
    for case in CASES {
        let mut request = case.request();
        request.headers.reverse();
        let tight = request.header("authorization").replace(", ", ",");
        request.set("authorization", tight);
        request.set("user-agent", "not signed");
        assert_eq!(request.check(), Ok(()), "{}", case.name);
    }
}

/// RFC 9110, section 5.2: a header that comes in several lines is one, with commas.
#[test]
fn lines_of_one_header_belong_together() {
    let mut request = CASES[4].request();
    for value in ["a,b", "other"] {
        request.set("x-spaces", value);
        let headers: Vec<_> = ["content-type", "host", "x-amz-date", "x-spaces"]
            .map(|name| (name, request.header(name)))
            .into();
        let signed = Signed {
            method: &request.method,
            target: &request.target,
            headers: &headers,
            amz_date: request.header("x-amz-date"),
            region: &request.region,
            service: SERVICE,
        };
        let secret = &request.credentials.secret_access_key;
        let signature = signature_with_body(&signed, &request.body, secret);

        let mut lines = CASES[4].request();
        lines.set_parameter("Signature", &signature);
        lines.set("x-spaces", "a");
        lines
            .headers
            .push(("x-spaces".to_owned(), "  b".to_owned()));
        assert_eq!(lines.check().is_ok(), value == "a,b");
    }
}

#[test]
fn a_signature_is_valid_for_five_minutes_either_way() {
    for case in CASES {
        let check_at = |now| case.request().check_at(now);
        for now in [NOW - 300, NOW + 300] {
            assert_eq!(check_at(now), Ok(()), "{}", case.name);
        }
        let early = Err(Refusal::InvalidSignature("it is not yet current"));
        assert_eq!(check_at(NOW - 301), early, "{}", case.name);
        let late = Err(Refusal::InvalidSignature("it has expired"));
        assert_eq!(check_at(NOW + 301), late, "{}", case.name);
    }
}
