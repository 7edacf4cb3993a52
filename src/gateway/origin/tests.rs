use serde_json::{Value, json};

use super::super::request::headers;
use super::*;

/// Reads an event, or what of one tells who calls.
fn of_event(event: &str) -> Origin {
    let read = || {
        let event = Object::parse(event)?;
        let headers = headers(&event, Gateway::LoadBalancer);
        Some(super::origin(&event.object("requestContext")?, &headers))
    };
    read().unwrap_or_default()
}

fn origin(event: &Value) -> Origin {
    of_event(&event.to_string())
}

fn parts(context: &Value) -> Option<[String; 3]> {
    let caller = origin(&json!({ "requestContext": context })).caller;
    caller.map(|caller| caller.parts().map(str::to_owned))
}

fn expect(context: &Value, expected: Option<[&str; 3]>) {
    let expected = expected.map(|parts| parts.map(str::to_owned));
    assert_eq!(parts(context), expected, "{context}");
}

#[test]
fn each_gateway_tells_of_each_kind_of_caller() {
    let claims = json!({ "iss": "i", "sub": "s", "aud": ["x"] });
    let jwt = Some(["jwt", "i", "s"]);
    expect(&json!({ "authorizer": { "claims": claims } }), jwt);
    expect(
        &json!({ "authorizer": { "jwt": { "claims": claims } } }),
        jwt,
    );

    let cognito = Some(["cognito", "p", "c"]);
    let rest = json!({ "cognitoIdentityId": "c", "cognitoIdentityPoolId": "p" });
    expect(&json!({ "identity": rest }), cognito);
    let http = json!({ "cognitoIdentity": { "identityId": "c", "identityPoolId": "p" } });
    expect(&json!({ "authorizer": { "iam": http } }), cognito);

    let iam = Some(["iam", "arn:aws:sts::1:assumed-role/r/session", ""]);
    let arn = json!({ "userArn": "arn:aws:sts::1:assumed-role/r/session" });
    expect(&json!({ "identity": arn }), iam);
    expect(&json!({ "authorizer": { "iam": arn } }), iam);

    let key = json!({ "apiKeyId": "k", "apiKey": "the key itself" });
    expect(&json!({ "identity": key }), Some(["api-key", "k", ""]));
}

#[test]
fn a_token_comes_before_an_identity_before_a_principal_before_a_key() {
    let mut context = json!({
        "authorizer": { "claims": { "iss": "i", "sub": "s" } },
        "identity": { "cognitoIdentityId": "c", "userArn": "a", "apiKeyId": "k" },
    });
    expect(&context, Some(["jwt", "i", "s"]));
    context["authorizer"] = Value::Null;
    expect(&context, Some(["cognito", "", "c"]));
    context["identity"]["cognitoIdentityId"] = Value::Null;
    expect(&context, Some(["iam", "a", ""]));
    context["identity"]["userArn"] = Value::Null;
    expect(&context, Some(["api-key", "k", ""]));
    context["identity"]["apiKeyId"] = Value::Null;
    expect(&context, None);

    let mut iam = json!({ "userArn": "a", "cognitoIdentity": { "identityId": "c" } });
    expect(
        &json!({ "authorizer": { "iam": iam } }),
        Some(["cognito", "", "c"]),
    );
    iam["cognitoIdentity"] = Value::Null;
    expect(
        &json!({ "authorizer": { "iam": iam } }),
        Some(["iam", "a", ""]),
    );
}

#[test]
fn half_a_token_is_none_and_what_comes_after_it_counts() {
    let with_key = |claims: Value| {
        json!({
            "authorizer": { "jwt": { "claims": claims } },
            "identity": { "apiKeyId": "k" },
        })
    };
    let key = Some(["api-key", "k", ""]);
    for claims in [
        json!({ "iss": "i" }),
        json!("iss sub"),
        json!(null),
        json!({ "iss": "i", "Sub": "s" }),
    ] {
        expect(&with_key(claims), key);
    }
}

/// Whoever has an odd subject is not one of those of whom nobody knows who they are, nor of those
/// who share a key.
#[test]
fn a_subject_that_is_no_text_or_blank_is_a_caller_of_its_own() {
    let mut seen = std::collections::HashSet::new();
    for (issuer, subject) in [
        (json!("i"), json!({ "id": "s" })),
        (json!("i"), json!({})),
        (json!("i"), json!(["s"])),
        (json!("i"), json!("")),
        (json!("i"), json!(" \u{2003}\t")),
        (json!("i"), json!(null)),
        (json!("j"), json!({})),
        (json!(""), json!("s")),
        (json!({ "a": "i" }), json!("s")),
        (json!(null), json!("s")),
    ] {
        let claims = json!({ "claims": { "iss": issuer, "sub": subject } });
        let expected = [
            "odd jwt".to_owned(),
            issuer.to_string(),
            subject.to_string(),
        ];
        for context in [
            json!({ "authorizer": claims }),
            json!({ "authorizer": { "jwt": claims }, "identity": { "apiKeyId": "k" } }),
        ] {
            assert_eq!(parts(&context), Some(expected.clone()), "{context}");
        }
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 10);
    let context =
        json!({ "authorizer": { "claims": { "sub": "s" } }, "identity": { "apiKeyId": "k" } });
    let without_issuer = ["odd jwt", "null", "\"s\""].map(str::to_owned);
    assert_eq!(parts(&context), Some(without_issuer));
}

#[test]
fn claims_may_be_any_scalar_and_no_two_numbers_are_one_caller() {
    let subject = |json: &str| {
        let context = format!(r#"{{"authorizer":{{"claims":{{"iss":"i","sub":{json}}}}}}}"#);
        let event = format!(r#"{{"requestContext":{context}}}"#);
        let caller = of_event(&event).caller;
        caller.map(|caller| caller.parts()[2].to_owned())
    };
    for (json, expected) in [
        ("7", Some("7")),
        ("\"7\"", Some("7")),
        ("true", Some("true")),
        (
            "10000000000000000000000001",
            Some("10000000000000000000000001"),
        ),
        (
            "10000000000000000000000002",
            Some("10000000000000000000000002"),
        ),
        ("1.50", Some("1.50")),
        ("\" s \"", Some(" s ")),
        ("\"\\u00e9\"", Some("é")),
        ("\"\\ud800\"", Some("\"\\ud800\"")),
    ] {
        assert_eq!(subject(json).as_deref(), expected, "{json}");
    }
}

#[test]
fn nothing_else_is_a_caller() {
    for context in [
        json!({ "authorizer": { "principalId": "p", "iss": "i", "sub": "s" } }),
        json!({ "authorizer": { "claims": "{\"iss\":\"i\",\"sub\":\"s\"}" } }),
        json!({ "authorizer": { "lambda": { "claims": { "iss": "i", "sub": "s" } } } }),
        json!({ "authorizer": { "lambda": { "userArn": "a" } } }),
        json!({ "identity": { "user": "u", "caller": "c", "accessKey": "AKID", "apiKey": "k" } }),
        json!({ "identity": { "clientCert": { "subjectDN": "s" } } }),
        json!({ "userArn": "a", "apiKeyId": "k", "claims": { "iss": "i", "sub": "s" } }),
        // A load balancer's context has none of these, so they would be somebody else's words.
        json!({ "elb": {}, "authorizer": { "claims": { "iss": "i", "sub": "s" } } }),
        json!([]),
        json!("x"),
    ] {
        expect(&context, None);
    }
    let claims = json!({ "claims": { "iss": "i", "sub": "s" } });
    let event = json!({
        "authorizer": claims,
        "requestContext": {},
        "identity": { "apiKeyId": "k" },
        "headers": { "requestContext": "x", "x-amzn-oidc-identity": "s", "x-api-key": "k" },
        "body": json!({ "requestContext": { "authorizer": claims } }).to_string(),
    });
    assert_eq!(origin(&event), Origin::default());
    for event in ["", "null", "[]", "{}", "{\"requestContext\":", "\"x\""] {
        assert_eq!(of_event(event), Origin::default(), "{event}");
    }
}

#[test]
fn the_address_is_the_gateways_word() {
    let address = |event: Value| origin(&event).address.map(|address| address.to_string());
    let rest = json!({ "requestContext": { "identity": { "sourceIp": "192.0.2.1" } } });
    assert_eq!(address(rest).as_deref(), Some("192.0.2.1"));
    let http = json!({
        "requestContext": { "http": { "sourceIp": "2001:db8::1" } },
        "headers": { "x-forwarded-for": "198.51.100.1" },
    });
    assert_eq!(address(http).as_deref(), Some("2001:db8::1"));
    for odd in [json!("test-invoke-source-ip"), json!(7), json!(null)] {
        let event = json!({ "requestContext": { "identity": { "sourceIp": odd } } });
        assert_eq!(address(event), None);
    }
}

#[test]
fn behind_a_load_balancer_the_last_forwarded_address_counts() {
    let address = |headers: Value, multi: Value| {
        let event = json!({
            "requestContext": { "elb": { "targetGroupArn": "a" } },
            "headers": headers,
            "multiValueHeaders": multi,
        });
        origin(&event).address.map(|address| address.to_string())
    };
    for (value, expected) in [
        ("192.0.2.1", Some("192.0.2.1")),
        ("203.0.113.9, 192.0.2.1", Some("192.0.2.1")),
        ("203.0.113.9,2001:db8::1", Some("2001:db8::1")),
        ("a, 192.0.2.1:443", Some("192.0.2.1")),
        ("a, [2001:db8::1]:443", Some("2001:db8::1")),
        ("192.0.2.1, unknown", None),
        ("192.0.2.1,", None),
        ("", None),
    ] {
        let headers = json!({ "X-Forwarded-For": value });
        assert_eq!(
            address(headers, Value::Null).as_deref(),
            expected,
            "{value}"
        );
        let multi = json!({ "x-forwarded-for": ["198.51.100.7", value] });
        assert_eq!(address(Value::Null, multi).as_deref(), expected, "{value}");
    }
    assert_eq!(address(Value::Null, Value::Null), None);
}

#[test]
fn of_a_name_that_is_there_twice_the_last_counts() {
    let context = r#"{"identity":{"apiKeyId":"k"}}"#;
    let once = of_event(&format!(r#"{{"requestContext":{context}}}"#));
    for event in [
        format!(r#"{{"headers":{{}},"requestContext":{context},"headers":null}}"#),
        format!(r#"{{"requestContext":{{}},"requestContext":{context}}}"#),
        format!(r#"{{"n":1e400,"requestContext":{{"n":1e400}},"requestContext":{context}}}"#),
    ] {
        assert_eq!(of_event(&event), once, "{event}");
    }
    assert!(once.caller.is_some());
}
