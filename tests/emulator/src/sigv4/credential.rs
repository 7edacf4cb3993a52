//! The `Credential` of a signature: an access key id and a scope.

use super::Refusal;
use crate::Credentials;

/// An access key id with a credential scope: day, region, service and terminator.
#[derive(Debug)]
pub(super) struct Credential {
    access_key_id: String,
    scope: [String; 4],
}

impl Credential {
    /// Parses `<access key id>/<day>/<region>/<service>/aws4_request`; `None` if the number of
    /// parts differs.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let access_key_id = parts.next()?;
        let scope: Vec<_> = parts.collect();
        Some(Self {
            access_key_id,
            scope: scope.try_into().ok()?,
        })
    }

    /// Finds the named credentials, if the session token belongs to them.
    pub(super) fn known<'a>(
        &self,
        session_token: Option<&str>,
        accepted: &'a [Credentials],
    ) -> Result<&'a Credentials, Refusal> {
        accepted
            .iter()
            .find(|known| {
                known.access_key_id == self.access_key_id
                    && known.session_token.as_deref() == session_token
            })
            .ok_or(Refusal::UnrecognizedClient)
    }

    /// The region of the scope if it is one of `regions` and the rest of the scope is right.
    pub(super) fn region<'a>(
        &self,
        regions: impl IntoIterator<Item = &'a str>,
        amz_date: &str,
        service: &str,
    ) -> Result<&'a str, Refusal> {
        let day = amz_date.get(..8).unwrap_or_default();
        regions
            .into_iter()
            .find(|region| self.scope == [day, region, service, "aws4_request"])
            .ok_or(Refusal::InvalidSignature(
                "its scope is not that of the request",
            ))
    }
}
