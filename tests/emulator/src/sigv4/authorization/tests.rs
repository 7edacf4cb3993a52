//! Examples of AWS, for other services. `tests/authorization` covers requests signed by botocore
//! for this service, and tampering with them.

use super::*;

const TIME: u64 = 1_440_938_160;

fn documented(access_key_id: &str) -> [Credentials; 1] {
    [Credentials {
        access_key_id: access_key_id.into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    }]
}

fn headers(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The example of the AWS documentation, "Create a signed AWS API request":
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
#[test]
fn the_request_of_the_documentation_is_accepted() {
    let headers = headers(&[
        ("host", "iam.amazonaws.com"),
        (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ]);
    let request = Request {
        method: "GET",
        target: "/?Action=ListUsers&Version=2010-05-08",
        headers: &headers,
        body: b"",
    };
    let known = documented("AKIDEXAMPLE");
    let regions = ["eu-west-1", "us-east-1"];
    let signer = verify_for("iam", &request, regions, &known, TIME);
    let expected = Signer {
        credentials: &known[0],
        region: "us-east-1",
    };
    assert_eq!(signer, Ok(expected));

    let other = verify_request(&request, regions, &known, TIME);
    let scope = Refusal::InvalidSignature("its scope is not that of the request");
    assert_eq!(other, Err(scope));
}

/// `post-x-www-form-urlencoded` and `get-header-value-trim` of the "Signature Version 4 test suite"
/// that AWS published with the documentation.
#[test]
fn requests_of_the_test_suite_are_accepted() {
    let cases = [
        (
            "POST",
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-other", "not signed"),
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            "Param1=value1",
        ),
        (
            "GET",
            ("my-header1", " value1"),
            ("my-header2", " \"a   b   c\""),
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            "",
        ),
    ];
    for (method, one, other, signed, signature, body) in cases {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        let headers = headers(&[
            one,
            ("host", "example.amazonaws.com"),
            other,
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", &authorization),
        ]);
        let request = Request {
            method,
            target: "/",
            headers: &headers,
            body: body.as_bytes(),
        };
        let known = documented("AKIDEXAMPLE");
        let signer = verify_for("service", &request, ["us-east-1"], &known, TIME);
        assert!(signer.is_ok(), "{signer:?} {signed}");
    }
}
