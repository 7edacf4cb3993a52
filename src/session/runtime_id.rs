//! The session id that AgentCore Runtime receives.

use ring::digest::{Context, SHA256};

use super::SessionId;
use crate::hex::hex;

/// The session id that AgentCore Runtime receives: 33 to 100 characters, since the runtime requires
/// at least 33 and AgentCore Memory allows at most 100. If it differs from the caller's
/// [`SessionId`], the caller never sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuntimeSessionId {
    id: String,
    is_bound: bool,
}

/// The prefix of a bound session's id; 64 hexadecimal digits follow.
const BOUND_PREFIX: &str = "bound-";

impl RuntimeSessionId {
    /// The runtime's id for a session without a known caller: the caller's own id if its length
    /// fits, else one derived from it by SHA-256. The same id always gives the same result.
    pub fn of(session: &SessionId) -> Self {
        let id = session.as_str();
        if (33..=100).contains(&id.len()) {
            return Self::unbound(id.to_owned());
        }
        Self::derived(id)
    }

    /// Like [`Self::of`], for a deployment that also has bound sessions. An id that looks like a
    /// bound one is never passed through: whoever learns or computes such an id must not get into
    /// that session.
    pub fn beside_bound_ones(session: &SessionId) -> Self {
        if is_bound(session.as_str()) {
            return Self::derived(session.as_str());
        }
        Self::of(session)
    }

    /// The runtime's id for a known caller's session, made of a digest that only this caller has.
    pub(super) fn bound(digest: &[u8]) -> Self {
        Self {
            id: format!("{BOUND_PREFIX}{}", hex(digest)),
            is_bound: true,
        }
    }

    fn derived(id: &str) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(b"agentcore-bridge session\0");
        digest.update(id.as_bytes());
        Self::unbound(format!("derived-{}", hex(digest.finish().as_ref())))
    }

    fn unbound(id: String) -> Self {
        Self {
            id,
            is_bound: false,
        }
    }

    /// Whether only one caller can get into the session.
    pub fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// The id as a string.
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

/// Whether an id looks like a bound one, in any case.
fn is_bound(id: &str) -> bool {
    let digits = id
        .split_at_checked(BOUND_PREFIX.len())
        .filter(|(begin, _)| begin.eq_ignore_ascii_case(BOUND_PREFIX))
        .map(|(_, digits)| digits);
    digits.is_some_and(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_id_is_valid_and_passed_through() {
        let id = SessionId::generate();
        assert!(id.as_str().starts_with("session-"));
        assert_eq!(SessionId::parse(id.as_str()), Ok(id.clone()));
        assert_eq!(RuntimeSessionId::of(&id).as_str(), id.as_str());
    }

    #[test]
    fn ids_that_fit_are_passed_through_and_others_are_derived() {
        let of = |id: &str| RuntimeSessionId::of(&SessionId::parse(id).unwrap());
        for fits in [33, 100].map(|n| "a".repeat(n)) {
            assert_eq!(of(&fits).as_str(), fits);
        }
        for other in [1, 32, 101, 256].map(|n| "a".repeat(n)) {
            let derived = of(&other);
            assert_eq!(derived, of(&other));
            assert!((33..=100).contains(&derived.as_str().len()));
            assert!(SessionId::parse(derived.as_str()).is_ok());
        }
        assert_ne!(of("a"), of("b"));
        assert_ne!(of("abc"), of("ABC"));
    }

    #[test]
    fn an_id_that_looks_bound_is_not_passed_through() {
        let bound = RuntimeSessionId::bound(&[0xab; 32]);
        assert!((33..=100).contains(&bound.as_str().len()));
        for id in [
            bound.as_str().to_owned(),
            bound.as_str().to_ascii_uppercase(),
        ] {
            let sent = SessionId::parse(&id).unwrap();
            let beside = RuntimeSessionId::beside_bound_ones(&sent);
            assert!(beside.as_str().starts_with("derived-"), "{beside:?}");
            assert_eq!(RuntimeSessionId::of(&sent).as_str(), id);
        }
        for id in [
            "a".repeat(33),
            format!("bound-{}", "a".repeat(63)),
            format!("bound-{}", "g".repeat(64)),
            format!("round-{}", "a".repeat(64)),
            "short".to_owned(),
        ] {
            let sent = SessionId::parse(&id).unwrap();
            let beside = RuntimeSessionId::beside_bound_ones(&sent);
            assert_eq!(beside, RuntimeSessionId::of(&sent), "{id}");
        }
    }
}
