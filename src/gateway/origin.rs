//! The caller as an event's request context tells it.
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

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use serde_json::value::RawValue;

use super::Gateway;
use super::json::{self, Object};
use crate::caller::{Caller, Origin};

/// Who calls, by the event's request context; the request's headers are for a load balancer alone.
pub(super) fn origin(context: &Object<'_>, headers: &HeaderMap) -> Origin {
    if Gateway::of(context) == Gateway::LoadBalancer {
        // It tells of no caller, and of the address in a header.
        return Origin {
            caller: None,
            address: forwarded_for(headers),
        };
    }
    let address = ["identity", "http"]
        .into_iter()
        .find_map(|part| scalar(&context.object(part)?, "sourceIp"));
    Origin {
        caller: caller(context),
        address: address.and_then(|address| address.parse().ok()),
    }
}

/// The first of: a token's subject, a Cognito identity, an IAM principal, an API key. Identities of
/// a pool share a role, and so a principal; those who share a key are told apart by anything else.
fn caller(context: &Object<'_>) -> Option<Caller> {
    let authorizer = context.object("authorizer").unwrap_or_default();
    let identity = context.object("identity").unwrap_or_default();
    let iam = authorizer.object("iam").unwrap_or_default();
    let nested = authorizer.object("jwt").unwrap_or_default();

    let claims = [authorizer.object("claims"), nested.object("claims")];
    claims
        .iter()
        .flatten()
        .find_map(jwt)
        .or_else(|| cognito(&identity, "cognitoIdentityPoolId", "cognitoIdentityId"))
        .or_else(|| {
            let identity = iam.object("cognitoIdentity")?;
            cognito(&identity, "identityPoolId", "identityId")
        })
        .or_else(|| scalar(&identity, "userArn").map(Caller::iam))
        .or_else(|| scalar(&iam, "userArn").map(Caller::iam))
        .or_else(|| scalar(&identity, "apiKeyId").map(Caller::api_key))
}

/// Without a subject an issuer is everybody's. Where there is one somebody calls, be it ever so odd: an
/// object, a list, null, blank, or without an issuer.
fn jwt(claims: &Object<'_>) -> Option<Caller> {
    let (issuer, subject) = (claims.get("iss"), claims.get_or_null("sub")?);
    if let (Some(issuer), Some(subject)) = (issuer.and_then(as_scalar), as_scalar(subject)) {
        return Some(Caller::jwt(issuer, subject));
    }
    let issuer = issuer.map_or("null", RawValue::get);
    Some(Caller::odd_jwt(issuer.to_owned(), subject.get().to_owned()))
}

fn cognito(object: &Object<'_>, pool: &str, identity: &str) -> Option<Caller> {
    let identity = scalar(object, identity)?;
    let pool = scalar(object, pool).unwrap_or_default();
    Some(Caller::cognito(pool, identity))
}

/// The right-most address of `X-Forwarded-For`: the load balancer appends the one that it was called
/// from, with a port if so configured, and what is before it is the client's to write.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let value = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = value.to_str().ok()?.rsplit(',').next()?.trim();
    let with_port = || last.parse().ok().map(|address: SocketAddr| address.ip());
    last.parse().ok().or_else(with_port)
}

fn scalar(object: &Object<'_>, name: &str) -> Option<String> {
    as_scalar(object.get(name)?)
}

/// A scalar as text, unless it is blank. A number stays as it is written: as a floating-point number
/// it could become another caller's.
fn as_scalar(value: &RawValue) -> Option<String> {
    let text = match value.get().as_bytes().first()? {
        b'"' => json::text(value)?.into_owned(),
        b'{' | b'[' | b'n' => return None,
        _ => value.get().to_owned(),
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
