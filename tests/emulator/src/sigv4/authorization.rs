//! Verifies the signature in the `Authorization` header of a request.

use super::{
    ALGORITHM, MAX_CLOCK_SKEW, Refusal, SERVICE, Signed, credential::Credential, date,
    signature_with_body,
};
use crate::Credentials;

/// A complete request, as received.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query as on the wire.
    pub target: &'a str,
    /// All headers in order, their names in lower case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// The verified signer of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer<'a> {
    /// The credentials that signed.
    pub credentials: &'a Credentials,
    /// The region of the credential scope.
    pub region: &'a str,
}

/// Verifies the signature in the `Authorization` header of a request.
///
/// The credential scope must name one of `regions`; `now` is in seconds since the epoch. `host` and
/// every `x-amz-…` header of the request must be signed.
///
/// # Errors
/// The [`Refusal`] with which the service would respond.
pub fn verify_request<'a>(
    request: &Request<'_>,
    regions: impl IntoIterator<Item = &'a str>,
    accepted: &'a [Credentials],
    now: u64,
) -> Result<Signer<'a>, Refusal> {
    verify_for(SERVICE, request, regions, accepted, now)
}

/// The service is an argument, since the examples of the AWS documentation are for other services.
fn verify_for<'a>(
    service: &str,
    request: &Request<'_>,
    regions: impl IntoIterator<Item = &'a str>,
    accepted: &'a [Credentials],
    now: u64,
) -> Result<Signer<'a>, Refusal> {
    let authorization = Authorization::parse(request)?;
    let amz_date = authorization.amz_date;
    let credentials = authorization
        .credential
        .known(request.single("x-amz-security-token")?, accepted)?;
    let region = authorization
        .credential
        .region(regions, amz_date, service)?;
    authorization.check_time(now)?;

    let headers = request.signed_headers(&authorization.signed_headers)?;
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let signed = Signed {
        method: request.method,
        target: request.target,
        headers: &headers,
        amz_date,
        region,
        service,
    };
    let expected = signature_with_body(&signed, request.body, &credentials.secret_access_key);
    if expected == authorization.signature {
        Ok(Signer {
            credentials,
            region,
        })
    } else {
        Err(Refusal::InvalidSignature("it does not match the request"))
    }
}

impl<'a> Request<'a> {
    fn values(&self, name: &str) -> Vec<&'a str> {
        self.headers
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The value of a header that may occur only once.
    fn single(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.values(name)[..] {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(Refusal::IncompleteSignature(name)),
        }
    }

    /// The headers with these names. Fails if one that must be signed is missing.
    fn signed_headers<'n>(&self, names: &[&'n str]) -> Result<Vec<(&'n str, String)>, Refusal> {
        if !names.contains(&"host") {
            return Err(Refusal::InvalidSignature("host is not a signed header"));
        }
        // "Any x-amz-* headers that you plan to include in your request must also be added":
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
        let unsigned =
            |name: &String| name.starts_with("x-amz-") && !names.contains(&name.as_str());
        if self.headers.iter().any(|(name, _)| unsigned(name)) {
            return Err(Refusal::InvalidSignature("an x-amz header is not signed"));
        }
        names
            .iter()
            .map(|name| match self.values(name)[..] {
                [] => Err(Refusal::InvalidSignature("a signed header is not there")),
                ref values => Ok((*name, values.join(","))),
            })
            .collect()
    }
}

/// The parsed `Authorization` header, with the date that belongs to it.
struct Authorization<'a> {
    credential: Credential,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
    amz_date: &'a str,
    signed_at: u64,
}

impl<'a> Authorization<'a> {
    /// Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    fn parse(request: &Request<'a>) -> Result<Self, Refusal> {
        let header = request
            .single("authorization")?
            .ok_or(Refusal::MissingAuthenticationToken)?;
        let Some((ALGORITHM, parameters)) = header.split_once(' ') else {
            return Err(Refusal::IncompleteSignature("authorization"));
        };
        let value = |wanted: &'static str| {
            let mut values = parameters
                .split(',')
                .filter_map(|parameter| parameter.trim().split_once('='))
                .filter(|(name, _)| *name == wanted);
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Ok(value),
                _ => Err(Refusal::IncompleteSignature(wanted)),
            }
        };
        let credential = Credential::parse(value("Credential")?)
            .ok_or(Refusal::IncompleteSignature("Credential"))?;
        let signed_headers: Vec<_> = value("SignedHeaders")?.split(';').collect();
        if !signed_headers.is_sorted_by(|a, b| a < b) {
            return Err(Refusal::IncompleteSignature("SignedHeaders"));
        }
        let signature = value("Signature")?;
        let amz_date = request.single("x-amz-date")?;
        let (amz_date, signed_at) = amz_date
            .and_then(|text| Some((text, date::epoch_seconds(text)?)))
            .ok_or(Refusal::IncompleteSignature("x-amz-date"))?;
        Ok(Self {
            credential,
            signed_headers,
            signature,
            amz_date,
            signed_at,
        })
    }

    fn check_time(&self, now: u64) -> Result<(), Refusal> {
        if self.signed_at > now + MAX_CLOCK_SKEW {
            return Err(Refusal::InvalidSignature("it is not yet current"));
        }
        if self.signed_at + MAX_CLOCK_SKEW < now {
            return Err(Refusal::InvalidSignature("it has expired"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
