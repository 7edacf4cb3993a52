//! A conversation's id as AgentCore Runtime knows it.

use ring::digest::{Context, SHA256};

use super::SessionId;
use crate::hex::hex;

/// A conversation's id as AgentCore Runtime knows it: 33 to 100 characters, since the runtime takes
/// no fewer than 33 and AgentCore Memory no more than 100. The caller never sees it where it
/// differs from its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuntimeSessionId {
    id: String,
    is_bound: bool,
}

/// What the id of a bound session begins with; 64 hexadecimal digits follow.
const BOUND: &str = "bound-";

impl RuntimeSessionId {
    /// The runtime's id for a session of no known caller: the caller's own where it fits, else one
    /// that follows from it by SHA-256, the same for the same id.
    pub fn of(session: &SessionId) -> Self {
        let id = session.as_str();
        if (33..=100).contains(&id.len()) {
            return Self::unbound(id.to_owned());
        }
        Self::derived(id)
    }

    /// The same where other callers' sessions are bound. An id that has the form of a bound one is
    /// never taken as it stands: who learnt one, or computed it, is not let into that session.
    pub fn beside_bound_ones(session: &SessionId) -> Self {
        if is_bound(session.as_str()) {
            return Self::derived(session.as_str());
        }
        Self::of(session)
    }

    /// The runtime's id for a session of a known caller, who alone has this digest.
    pub(super) fn bound(digest: &[u8]) -> Self {
        Self {
            id: format!("{BOUND}{}", hex(digest)),
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

    /// Whether nobody but one caller is let into the session.
    pub fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

/// Whether an id has the form of a bound one, in any case.
fn is_bound(id: &str) -> bool {
    let digits = id
        .split_at_checked(BOUND.len())
        .filter(|(begin, _)| begin.eq_ignore_ascii_case(BOUND))
        .map(|(_, digits)| digits);
    digits.is_some_and(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_id_is_one_that_a_caller_could_send() {
        let id = SessionId::generate();
        assert!(id.as_str().starts_with("session-"));
        assert_eq!(SessionId::parse(id.as_str()), Ok(id.clone()));
        assert_eq!(RuntimeSessionId::of(&id).as_str(), id.as_str());
    }

    #[test]
    fn runtime_ids_stand_where_they_fit_and_are_derived_where_not() {
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
    fn an_id_like_a_bound_one_does_not_stand_beside_bound_ones() {
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
