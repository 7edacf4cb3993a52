//! The caller as an event's request context tells it.
//!
//! `lambda_http` types this part of an event more narrowly than gateways write it, so the JSON itself
//! is read. Each field is parsed where it is looked at: what is odd about one hurts no other.
//!
//! | caller | REST API, and HTTP API with payload format 1.0 | HTTP API, function URL |
//! |---|---|---|
//! | JWT | `authorizer.claims` | `authorizer.jwt.claims` |
//! | Cognito identity | `identity.cognitoIdentityId` | `authorizer.iam.cognitoIdentity` |
//! | IAM principal | `identity.userArn` | `authorizer.iam.userArn` |
//! | API key | `identity.apiKeyId` | |
//!
//! What a Lambda authorizer returns is none of these: `principalId` and the flat values that a REST
//! API puts beside it, and whatever is below `authorizer.lambda`. Nothing is known of what such code
//! has made sure of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Caller, Identity, Origin};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow)]
    request_context: &'a RawValue,
    #[serde(borrow, default)]
    headers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    multi_value_headers: Option<&'a RawValue>,
}

/// Reads an event; `None` where there is no request context.
pub(super) fn read(event: &str) -> Option<Origin> {
    let event: Event<'_> = serde_json::from_str(event).ok()?;
    let context = Object::parse(event.request_context)?;
    if context.get("elb").is_some() {
        // A load balancer tells of no caller, and of the address in a header.
        let address = forwarded_for(&event);
        return Some(Origin {
            caller: None,
            address,
        });
    }
    let address = ["identity", "http"]
        .into_iter()
        .find_map(|part| context.object(part)?.text("sourceIp"));
    Some(Origin {
        caller: caller(&context).map(Caller),
        address: address.and_then(|address| address.parse().ok()),
    })
}

/// The first of: a token's subject, a Cognito identity, an IAM principal, an API key. Identities of
/// a pool share a role, and so a principal; those who share a key are told apart by anything else.
fn caller(context: &Object<'_>) -> Option<Identity> {
    let authorizer = context.object("authorizer").unwrap_or_default();
    let identity = context.object("identity").unwrap_or_default();
    let iam = authorizer.object("iam").unwrap_or_default();

    let claims = [authorizer.object("claims"), nested_claims(&authorizer)];
    claims
        .iter()
        .flatten()
        .find_map(jwt)
        .or_else(|| cognito(&identity, "cognitoIdentityPoolId", "cognitoIdentityId"))
        .or_else(|| {
            let identity = iam.object("cognitoIdentity")?;
            cognito(&identity, "identityPoolId", "identityId")
        })
        .or_else(|| {
            let arn = identity.text("userArn").or_else(|| iam.text("userArn"))?;
            Some(Identity::Iam { arn })
        })
        .or_else(|| {
            let id = identity.text("apiKeyId")?;
            Some(Identity::ApiKey { id })
        })
}

fn nested_claims<'a>(authorizer: &Object<'a>) -> Option<Object<'a>> {
    authorizer.object("jwt")?.object("claims")
}

/// Without its issuer a subject is anybody's, and without a subject an issuer is everybody's.
fn jwt(claims: &Object<'_>) -> Option<Identity> {
    Some(Identity::Jwt {
        issuer: claims.text("iss")?,
        subject: claims.text("sub")?,
    })
}

fn cognito(object: &Object<'_>, pool: &str, identity: &str) -> Option<Identity> {
    Some(Identity::Cognito {
        identity: object.text(identity)?,
        pool: object.text(pool).unwrap_or_default(),
    })
}

/// The right-most address of `X-Forwarded-For`: the load balancer appends the one that it was called
/// from, with a port if so configured, and what is before it is the client's to write.
fn forwarded_for(event: &Event<'_>) -> Option<IpAddr> {
    let several = named(event.multi_value_headers, "x-forwarded-for")
        .and_then(|values| serde_json::from_str::<Vec<String>>(values.get()).ok())
        .and_then(|mut values| values.pop());
    let value = several.or_else(|| text(named(event.headers, "x-forwarded-for")?))?;
    let last = value.rsplit(',').next()?.trim();
    let with_port = || last.parse().ok().map(|address: SocketAddr| address.ip());
    last.parse().ok().or_else(with_port)
}

/// A header's value, or its values.
fn named<'a>(headers: Option<&'a RawValue>, wanted: &str) -> Option<&'a RawValue> {
    let mut headers = Object::parse(headers?)?.0.into_iter();
    headers.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
}

/// An object whose values are not yet parsed.
#[derive(Default)]
struct Object<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Object<'a> {
    fn parse(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let value = self.0.get(name).copied();
        value.filter(|value| value.get() != "null")
    }

    fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?)
    }

    fn text(&self, name: &str) -> Option<String> {
        text(self.get(name)?)
    }
}

/// A scalar as text, unless it is blank. A number stays as it is written: as a floating-point number
/// it could become another caller's.
fn text(value: &RawValue) -> Option<String> {
    let json = value.get();
    let text = match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok()?,
        b'{' | b'[' | b'n' => return None,
        _ => json.to_owned(),
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn origin(event: &Value) -> Origin {
        Origin::of_event(&event.to_string())
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
            json!({ "sub": "s" }),
            json!({ "iss": "i" }),
            json!({ "iss": "", "sub": "s" }),
            json!({ "iss": "i", "sub": " \u{2003}\t" }),
            json!({ "iss": "i", "sub": null }),
            json!({ "iss": "i", "sub": ["s"] }),
            json!({ "iss": { "a": "i" }, "sub": "s" }),
            json!("iss sub"),
            json!(null),
            json!({ "iss": "i", "Sub": "s" }),
        ] {
            expect(&with_key(claims), key);
        }
    }

    #[test]
    fn claims_may_be_any_scalar_and_no_two_numbers_are_one_caller() {
        let subject = |json: &str| {
            let context = format!(r#"{{"authorizer":{{"claims":{{"iss":"i","sub":{json}}}}}}}"#);
            let event = format!(r#"{{"requestContext":{context}}}"#);
            let caller = Origin::of_event(&event).caller;
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
            ("\"\\ud800\"", None),
            ("null", None),
            ("{}", None),
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
            assert_eq!(Origin::of_event(event), Origin::default(), "{event}");
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
}
