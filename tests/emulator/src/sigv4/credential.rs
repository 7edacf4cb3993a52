//! The `Credential` of a signature: who signs, and for what.

use super::Refusal;
use crate::Credentials;

/// An access key id with a credential scope: day, region, service and terminator.
#[derive(Debug)]
pub(super) struct Credential {
    access_key_id: String,
    scope: [String; 4],
}

impl Credential {
    /// Reads `<access key id>/<day>/<region>/<service>/aws4_request`; nothing if it has not as many
    /// parts.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let access_key_id = parts.next()?;
        let scope: Vec<_> = parts.collect();
        Some(Self {
            access_key_id,
            scope: scope.try_into().ok()?,
        })
    }

    /// The credentials that it names, if the session token is theirs.
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

    /// The one of the regions that the scope names, where the rest of the scope is right too.
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
