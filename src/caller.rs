//! Who calls, and the runtime's session that follows from it.
//!
//! Only the gateway tells who calls: by what it puts into an event's request context after it has
//! checked a token, a signature or a key. Headers and bodies are the client's to write, and are not
//! looked at, those included that a load balancer adds (`x-amzn-oidc-*`): whoever reaches the
//! function by another way can send them too.

use std::fmt;
use std::net::IpAddr;

use ring::digest::SHA256;

mod event;

/// Where a request comes from, as far as the gateway tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who calls, where the gateway has made sure of it.
    pub caller: Option<Caller>,
    /// The address that the gateway was called from.
    pub address: Option<IpAddr>,
}

impl Origin {
    /// Reads an event of any gateway. What is not as the gateway writes it is not there; of a name
    /// that is there twice the last counts, as it does for the rest of the event.
    pub fn of_event(event: &str) -> Self {
        let with_names_once = || {
            let value: serde_json::Value = serde_json::from_str(event).ok()?;
            event::read(&value.to_string())
        };
        event::read(event)
            .or_else(with_names_once)
            .unwrap_or_default()
    }
}

/// A caller that the gateway has made sure of. `Debug` does not show it: it is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller(Identity);

#[derive(Clone, PartialEq, Eq)]
enum Identity {
    /// The subject of a token, which is one's own with its issuer alone (RFC 7519, section 4.1.2).
    Jwt { issuer: String, subject: String },
    /// An identity of a Cognito identity pool.
    Cognito { pool: String, identity: String },
    /// An IAM principal. A session of a role is one of its own: the ARN names the session.
    Iam { arn: String },
    /// The id of an API key, not the key.
    ApiKey { id: String },
}

impl Caller {
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

    #[cfg(test)]
    pub(crate) fn jwt(issuer: &str, subject: &str) -> Self {
        Self(Identity::Jwt {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        })
    }

    #[cfg(test)]
    pub(crate) fn iam(arn: &str) -> Self {
        let arn = arn.to_owned();
        Self(Identity::Iam { arn })
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
        Caller::jwt(issuer, subject)
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
            Caller(Identity::Iam { arn: arn() }),
            Caller(Identity::ApiKey { id: arn() }),
            Caller(Identity::Cognito {
                pool: arn(),
                identity: String::new(),
            }),
        ];
        let mut all: Vec<_> = callers.iter().map(Caller::fingerprint).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), callers.len());
        assert_eq!(jwt("a", "b").fingerprint(), jwt("a", "b").fingerprint());
    }

    #[test]
    fn a_name_that_is_there_twice_makes_nobody_of_a_caller() {
        let context = r#"{"identity":{"apiKeyId":"k"}}"#;
        let once = Origin::of_event(&format!(r#"{{"requestContext":{context}}}"#));
        for event in [
            format!(r#"{{"headers":{{}},"requestContext":{context},"headers":null}}"#),
            format!(r#"{{"requestContext":{{}},"requestContext":{context}}}"#),
        ] {
            assert_eq!(Origin::of_event(&event), once, "{event}");
        }
        assert!(once.caller.is_some());
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
