//! A caller that the gateway has made sure of.

use std::fmt;
use std::net::IpAddr;

use ring::digest::SHA256;

use crate::hex::hex;

/// What a caller's id is made for, so that no other value of ours is one. A change of it would give
/// every caller another id.
const ID_PURPOSE: &str = "agentcore-bridge id of a caller 1";

/// Where a request comes from, as far as the gateway tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who calls, where the gateway has made sure of it.
    pub caller: Option<Caller>,
    /// The address that the gateway was called from.
    pub address: Option<IpAddr>,
}

/// A caller that the gateway has made sure of. `Debug` does not show it: it is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller(Identity);

#[derive(Clone, PartialEq, Eq)]
enum Identity {
    Jwt { issuer: String, subject: String },
    OddJwt { issuer: String, subject: String },
    Cognito { pool: String, identity: String },
    Iam { arn: String },
    ApiKey { id: String },
}

impl Caller {
    /// The subject of a token, which is one's own with its issuer alone (RFC 7519, section 4.1.2).
    pub fn jwt(issuer: String, subject: String) -> Self {
        Self(Identity::Jwt { issuer, subject })
    }

    /// The subject of a token whose issuer or subject is no text, or a blank one: both as JSON. Whoever
    /// they belong to is not told by them, but it is nobody else.
    pub fn odd_jwt(issuer: String, subject: String) -> Self {
        Self(Identity::OddJwt { issuer, subject })
    }

    /// An identity of a Cognito identity pool.
    pub fn cognito(pool: String, identity: String) -> Self {
        Self(Identity::Cognito { pool, identity })
    }

    /// An IAM principal. A session of a role is one of its own: the ARN names the session.
    pub fn iam(arn: String) -> Self {
        Self(Identity::Iam { arn })
    }

    /// The id of an API key, not the key.
    pub fn api_key(id: String) -> Self {
        Self(Identity::ApiKey { id })
    }

    /// What tells this caller from all others. The first part says how many there are that matter:
    /// no value of one kind of caller is one of another kind.
    pub(crate) fn parts(&self) -> [&str; 3] {
        match &self.0 {
            Identity::Jwt { issuer, subject } => ["jwt", issuer, subject],
            Identity::OddJwt { issuer, subject } => ["odd jwt", issuer, subject],
            Identity::Cognito { pool, identity } => ["cognito", pool, identity],
            Identity::Iam { arn } => ["iam", arn, ""],
            Identity::ApiKey { id } => ["api-key", id, ""],
        }
    }

    /// What agents, runtimes and the log know this caller by.
    pub fn id(&self) -> CallerId {
        let [kind, first, second] = self.parts();
        let digest = sha256(&length_prefixed(&[ID_PURPOSE, kind, first, second]));
        CallerId(format!("caller-{}", hex(&digest)))
    }

    /// A value of this caller's own, of one size whoever calls.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let [kind, first, second] = self.parts();
        let parts = ["agentcore-bridge caller", kind, first, second];
        sha256(&length_prefixed(&parts))
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, ..] = self.parts();
        f.debug_tuple("Caller").field(&kind).finish()
    }
}

/// A caller's id: `caller-` and 64 hexadecimal digits, which are no name and no address. It is the
/// same in all sessions, for all agents, behind all gateways and in all processes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallerId(String);

impl CallerId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 (FIPS 180-4).
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&SHA256, bytes).as_ref());
    digest
}

/// Texts one after the other, each after its length: no other texts give the same bytes.
pub(crate) fn length_prefixed(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(issuer: &str, subject: &str) -> Caller {
        Caller::jwt(issuer.to_owned(), subject.to_owned())
    }

    #[test]
    fn parts_that_join_to_the_same_text_are_different_bytes() {
        assert_ne!(length_prefixed(&["ab", "c"]), length_prefixed(&["a", "bc"]));
        assert_ne!(length_prefixed(&["ab"]), length_prefixed(&["ab", ""]));
        assert_ne!(length_prefixed(&["", "ab"]), length_prefixed(&["ab", ""]));
    }

    #[test]
    fn no_two_callers_have_one_fingerprint() {
        let arn = || "x".to_owned();
        let callers = [
            jwt("x", ""),
            jwt("", "x"),
            jwt("a", "bc"),
            jwt("ab", "c"),
            Caller::odd_jwt("x".to_owned(), String::new()),
            Caller::iam(arn()),
            Caller::api_key(arn()),
            Caller::cognito(arn(), String::new()),
        ];
        let mut all: Vec<_> = callers.iter().map(Caller::fingerprint).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), callers.len());
        assert_eq!(jwt("a", "b").fingerprint(), jwt("a", "b").fingerprint());

        let ids: std::collections::HashSet<_> = callers.iter().map(Caller::id).collect();
        assert_eq!(ids.len(), callers.len());
    }

    /// The bytes are fixed: another derivation would give every caller another memory. The value was
    /// computed with Python's hashlib.
    #[test]
    fn a_callers_id_is_this_one() {
        let id = jwt("https://issuer.example.com/", "user-1").id();
        assert_eq!(
            id.as_str(),
            "caller-3dee440e4bad1ff99ff33650005b0f4acf7c11f0c80660c717b9e81b151f3435"
        );
    }

    #[test]
    fn a_caller_is_not_shown() {
        let origin = Origin {
            caller: Some(jwt("MARKER", "MARKER")),
            address: None,
        };
        let shown = format!("{origin:?}");
        assert!(
            shown.contains("jwt") && !shown.contains("MARKER"),
            "{shown}"
        );
    }
}
