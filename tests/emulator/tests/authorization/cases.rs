//! Requests that botocore 1.44.8 has signed at `NOW`, as they would be on the wire.
//!
//! Printed by `cases.py`, which lies beside this file.

use crate::case::Case;

pub(crate) const NOW: u64 = 1_709_208_000;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "stop",
        region: "us-east-1",
        session_token: None,
        method: "POST",
        target: "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2FTest_Agent-abcdefghij/stopruntimesession",
        headers: &[
            ("host", "bedrock-agentcore.us-east-1.amazonaws.com"),
            (
                "x-amzn-bedrock-agentcore-runtime-session-id",
                "session-0123456789-0123456789-0123456789",
            ),
            ("content-type", "application/json"),
            ("x-amz-date", "20240229T120000Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240229/us-east-1/bedrock-agentcore/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id, Signature=183283b6fc50bdf681fe86136a1cc2051f64d2776dda5c3b6414461cd2295813",
            ),
        ],
        body: "{\"clientToken\": \"6c0c2a6e-5f0b-4b0e-9a3c-2f1f0a7d9b11\"}",
    },
    Case {
        name: "stop, by temporary credentials, under a prefix",
        region: "us-gov-west-1",
        session_token: Some("EXAMPLETOKEN/+Ac5K=="),
        method: "POST",
        target: "/a/prefix/runtimes/arn%3Aaws-us-gov%3Abedrock-agentcore%3Aus-gov-west-1%3A123456789012%3Aruntime%2FTest_Agent-abcdefghij/stopruntimesession?qualifier=a%20b%2F%C3%A9%2B",
        headers: &[
            ("host", "127.0.0.1:8080"),
            (
                "x-amzn-bedrock-agentcore-runtime-session-id",
                "session-0123456789-0123456789-0123456789",
            ),
            ("content-type", "application/json"),
            ("x-amz-date", "20240229T120000Z"),
            ("x-amz-security-token", "EXAMPLETOKEN/+Ac5K=="),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240229/us-gov-west-1/bedrock-agentcore/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-agentcore-runtime-session-id, Signature=252159ded9b4e063caf06c713904cb54f6561515e6c85ffe9607127870b46886",
            ),
        ],
        body: "{\"clientToken\": \"6c0c2a6e-5f0b-4b0e-9a3c-2f1f0a7d9b11\"}",
    },
    Case {
        name: "endpoint",
        region: "eu-west-1",
        session_token: None,
        method: "GET",
        target: "/runtimes/Test_Agent-abcdefghij/runtime-endpoints/DEFAULT/",
        headers: &[
            ("host", "bedrock-agentcore-control.eu-west-1.amazonaws.com"),
            ("x-amz-date", "20240229T120000Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240229/eu-west-1/bedrock-agentcore/aws4_request, SignedHeaders=host;x-amz-date, Signature=56586b6b36042843390450825cade5e9f67483cb10518ae2d02868f2e5b2ae7b",
            ),
        ],
        body: "",
    },
    Case {
        name: "endpoint, by temporary credentials",
        region: "us-east-1",
        session_token: Some("EXAMPLETOKEN/+Ac5K=="),
        method: "GET",
        target: "/runtimes/Test_Agent-abcdefghij/runtime-endpoints/prod_1/",
        headers: &[
            ("host", "127.0.0.1:8080"),
            ("x-amz-date", "20240229T120000Z"),
            ("x-amz-security-token", "EXAMPLETOKEN/+Ac5K=="),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240229/us-east-1/bedrock-agentcore/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=c08a45f0e3ae303baea204486615d05d81a1a22b7088dbbbf816ab3ed062e3f3",
            ),
        ],
        body: "",
    },
    Case {
        name: "spaces in headers, a body of several bytes a character",
        region: "us-east-1",
        session_token: None,
        method: "POST",
        target: "/a%20b/~c?b=2&a=%2F&a=1",
        headers: &[
            ("host", "127.0.0.1:8080"),
            ("x-spaces", "  a \t b  "),
            ("content-type", "text/plain"),
            ("x-amz-date", "20240229T120000Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240229/us-east-1/bedrock-agentcore/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-spaces, Signature=2db351ec33f2356ceb579d7ae153e36a3b0d06fc1064b5cd764e46cd8884dd1d",
            ),
        ],
        body: "é\n",
    },
];
