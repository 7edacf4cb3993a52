//! Verifies the signature in the query of a presigned URL.

use super::{
    ALGORITHM, MAX_CLOCK_SKEW, Refusal, SERVICE, Signed, credential::Credential, date, signature,
};
use crate::{
    Credentials,
    encoding::{parameters, split_target},
};

/// The longest lifetime of a presigned URL, in seconds.
pub const MAX_EXPIRES: u64 = 300;

/// Verifies the signature in the query of a `GET` with an empty body.
///
/// The credential scope must name `region`; `now` is in seconds since the epoch. Returns the
/// credentials that signed.
///
/// # Errors
/// The [`Refusal`] with which the service would respond.
pub fn verify<'a>(
    target: &str,
    host: &str,
    region: &str,
    accepted: &'a [Credentials],
    now: u64,
) -> Result<&'a Credentials, Refusal> {
    let query = Query::parse(target)?;
    let credentials = query
        .credential
        .known(query.session_token.as_deref(), accepted)?;
    query.credential.region([region], &query.date, SERVICE)?;
    query.check_time(now)?;

    let signed = Signed {
        method: "GET",
        target,
        headers: &[("host", host)],
        amz_date: &query.date,
        region,
        service: SERVICE,
    };
    // Both sides run on one machine, so a constant-time comparison would protect nothing.
    if signature(&signed, &credentials.secret_access_key) == query.signature {
        Ok(credentials)
    } else {
        Err(Refusal::InvalidSignature("it does not match the request"))
    }
}

/// The authentication parameters of a query.
struct Query {
    credential: Credential,
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
        let credential = Credential::parse(&value("X-Amz-Credential")?)
            .ok_or(Refusal::IncompleteSignature("X-Amz-Credential"))?;
        let date = value("X-Amz-Date")?;
        Ok(Self {
            credential,
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
