//! AWS Signature Version 4 in the query of a URL, seen from the service's side.
//!
//! Written from the AWS documentation alone ("Create a signed AWS API request" and "Authenticating
//! requests: using query parameters" in the IAM user guide), so that it is a second opinion on
//! whoever signs. Pure: the credentials and the time are arguments.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{
    Credentials,
    encoding::{encode, encode_path, parameters, split_target},
};

mod date;
mod refusal;

pub use refusal::Refusal;

/// The service's name in a credential scope.
pub const SERVICE: &str = "bedrock-agentcore";

/// How long a presigned URL may live at most, in seconds.
pub const MAX_EXPIRES: u64 = 300;

/// How far ahead of the service a client's clock may be, in seconds.
const MAX_CLOCK_SKEW: u64 = 300;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What was signed: everything that a signature depends on, beside the secret key.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query as on the wire; an `X-Amz-Signature` in the query is left out.
    pub target: &'a str,
    /// The signed headers, lower-cased names, sorted.
    pub headers: &'a [(&'a str, &'a str)],
    /// The time of the signature, `YYYYMMDDTHHMMSSZ`.
    pub amz_date: &'a str,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
}

/// Computes a signature for a request with an empty body, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn signature(signed: &Signed<'_>, secret_access_key: &str) -> String {
    let day = signed.amz_date.get(..8).unwrap_or(signed.amz_date);
    let scope = format!("{day}/{}/{}/aws4_request", signed.region, signed.service);
    let request = hex(&Sha256::digest(canonical_request(signed)));
    let string_to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{request}", signed.amz_date);

    let secret = format!("AWS4{secret_access_key}");
    let key = [day, signed.region, signed.service, "aws4_request"]
        .into_iter()
        .fold(secret.into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &string_to_sign))
}

/// Checks the signature in the query of a `GET` with an empty body.
///
/// `region` is the one that the credential scope must name, and `now` is in seconds since the
/// epoch. Returns the credentials that signed.
///
/// # Errors
/// The refusal that the service would answer with.
pub fn verify<'a>(
    target: &str,
    host: &str,
    region: &str,
    accepted: &'a [Credentials],
    now: u64,
) -> Result<&'a Credentials, Refusal> {
    let query = Query::parse(target)?;
    let credentials = query.credentials(accepted)?;
    query.check_scope(region)?;
    query.check_time(now)?;

    let signed = Signed {
        method: "GET",
        target,
        headers: &[("host", host)],
        amz_date: &query.date,
        region,
        service: SERVICE,
    };
    // Both sides are on this machine, so that a comparison in constant time would protect nothing.
    if signature(&signed, &credentials.secret_access_key) == query.signature {
        Ok(credentials)
    } else {
        Err(Refusal::InvalidSignature("it does not match the request"))
    }
}

/// The authentication parameters of a query.
struct Query {
    access_key_id: String,
    /// Day, region, service and terminator.
    scope: Vec<String>,
    date: String,
    signed_at: u64,
    expires: u64,
    session_token: Option<String>,
    signature: String,
}

impl Query {
    fn parse(target: &str) -> Result<Self, Refusal> {
        let parameters = parameters(split_target(target).1);
        let required = [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Amz-SignedHeaders",
            "X-Amz-Signature",
        ];
        if !parameters
            .iter()
            .any(|(name, _)| required.contains(&name.as_str()))
        {
            return Err(Refusal::MissingAuthenticationToken);
        }
        let optional = |wanted: &'static str| {
            let mut values = parameters.iter().filter(|(name, _)| name == wanted);
            match (values.next(), values.next()) {
                (Some(_), Some(_)) => Err(Refusal::IncompleteSignature(wanted)),
                (value, _) => Ok(value.map(|(_, value)| value.clone())),
            }
        };
        let value = |wanted| optional(wanted)?.ok_or(Refusal::IncompleteSignature(wanted));

        if value("X-Amz-Algorithm")? != ALGORITHM {
            return Err(Refusal::IncompleteSignature("X-Amz-Algorithm"));
        }
        if value("X-Amz-SignedHeaders")? != "host" {
            return Err(Refusal::IncompleteSignature("X-Amz-SignedHeaders"));
        }
        let credential = value("X-Amz-Credential")?;
        let mut scope = credential.split('/').map(str::to_owned);
        let access_key_id = scope.next().unwrap_or_default();
        let scope: Vec<_> = scope.collect();
        if scope.len() != 4 {
            return Err(Refusal::IncompleteSignature("X-Amz-Credential"));
        }
        let date = value("X-Amz-Date")?;
        Ok(Self {
            access_key_id,
            scope,
            signed_at: date::epoch_seconds(&date)
                .ok_or(Refusal::IncompleteSignature("X-Amz-Date"))?,
            date,
            expires: value("X-Amz-Expires")?
                .parse()
                .map_err(|_| Refusal::IncompleteSignature("X-Amz-Expires"))?,
            session_token: optional("X-Amz-Security-Token")?,
            signature: value("X-Amz-Signature")?,
        })
    }

    fn credentials<'a>(&self, accepted: &'a [Credentials]) -> Result<&'a Credentials, Refusal> {
        accepted
            .iter()
            .find(|known| {
                known.access_key_id == self.access_key_id
                    && known.session_token == self.session_token
            })
            .ok_or(Refusal::UnrecognizedClient)
    }

    fn check_scope(&self, region: &str) -> Result<(), Refusal> {
        let day = self.date.get(..8).unwrap_or_default();
        if self.scope == [day, region, SERVICE, "aws4_request"] {
            Ok(())
        } else {
            Err(Refusal::InvalidSignature(
                "its scope is not that of the request",
            ))
        }
    }

    fn check_time(&self, now: u64) -> Result<(), Refusal> {
        if self.expires == 0 || self.expires > MAX_EXPIRES {
            return Err(Refusal::InvalidSignature("X-Amz-Expires must be 1 to 300"));
        }
        if self.signed_at > now + MAX_CLOCK_SKEW {
            return Err(Refusal::InvalidSignature("it is not yet current"));
        }
        if self.signed_at + self.expires < now {
            return Err(Refusal::InvalidSignature("it has expired"));
        }
        Ok(())
    }
}

/// Method, path, query, headers, names of the headers, hash of the body, a line each.
fn canonical_request(signed: &Signed<'_>) -> String {
    let (path, query) = split_target(signed.target);
    let mut pairs: Vec<_> = parameters(query)
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    let query: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let names: Vec<_> = signed.headers.iter().map(|(name, _)| *name).collect();
    let headers = signed
        .headers
        .iter()
        .fold(String::new(), |lines, (name, value)| {
            lines + name + ":" + value.trim() + "\n"
        });
    [
        signed.method,
        // Every service but S3 encodes the path that is on the wire once more.
        &encode_path(path),
        &query.join("&"),
        &headers,
        &names.join(";"),
        &hex(&Sha256::digest(b"")),
    ]
    .join("\n")
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests;
