//! Who calls, and the runtime's session that follows from it.
//!
//! Only the gateway tells who calls: by what it puts into an event's request context after it has
//! checked a token, a signature or a key. Headers and bodies are the client's to write, and are not
//! looked at, those included that a load balancer adds (`x-amzn-oidc-*`): whoever reaches the
//! function by another way can send them too.

use std::fmt;
use std::net::IpAddr;

use ring::digest::SHA256;

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
    Cognito { pool: String, identity: String },
    Iam { arn: String },
    ApiKey { id: String },
}

impl Caller {
    /// The subject of a token, which is one's own with its issuer alone (RFC 7519, section 4.1.2).
    pub fn jwt(issuer: String, subject: String) -> Self {
        Self(Identity::Jwt { issuer, subject })
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
            Identity::Cognito { pool, identity } => ["cognito", pool, identity],
            Identity::Iam { arn } => ["iam", arn, ""],
            Identity::ApiKey { id } => ["api-key", id, ""],
        }
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

/// SHA-256 (FIPS 180-4).
fn sha256(bytes: &[u8]) -> [u8; 32] {
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
            Caller::iam(arn()),
            Caller::api_key(arn()),
            Caller::cognito(arn(), String::new()),
        ];
        let mut all: Vec<_> = callers.iter().map(Caller::fingerprint).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), callers.len());
        assert_eq!(jwt("a", "b").fingerprint(), jwt("a", "b").fingerprint());
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
