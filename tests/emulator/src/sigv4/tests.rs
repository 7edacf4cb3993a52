use super::*;

/// The example of the AWS documentation, "Signature calculation: example" of the general reference:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
#[test]
fn a_signature_is_that_of_the_documentation() {
    let signed = Signed {
        method: "GET",
        target: "/?Action=ListUsers&Version=2010-05-08",
        headers: &[
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        amz_date: "20150830T123600Z",
        region: "us-east-1",
        service: "iam",
    };
    assert_eq!(
        signature(&signed, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

#[test]
fn refusals_have_the_names_of_the_service() {
    let names = [
        Refusal::MissingAuthenticationToken,
        Refusal::IncompleteSignature("X-Amz-Date"),
        Refusal::InvalidSignature("it has expired"),
        Refusal::UnrecognizedClient,
        Refusal::ExpiredToken,
    ]
    .map(Refusal::error_type);
    let expected = [
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    ];
    assert_eq!(names, expected);
}
