//! The runtime's session of a caller: nobody else's session id leads to it.

use ring::digest::{SHA256, digest};
use ring::hmac;

use super::{RuntimeSessionId, SessionId};
use crate::agent::AgentId;
use crate::caller::{Caller, length_prefixed};
use crate::secret::Secret;

/// What this derivation is for, so that no other one of ours gives its values. A change of the
/// derivation changes the number: it ends every conversation that there is.
const PURPOSE: &str = "agentcore-bridge session of a caller 1";

/// Whether the runtime's session id depends on who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionBinding {
    /// A known caller's sessions are its own; with a key, none can compute their ids without it.
    Caller(Option<Secret>),
    /// Who knows a session's id can use the session.
    Off,
}

impl SessionBinding {
    /// The runtime's session for the session id that somebody sent.
    ///
    /// AgentCore Runtime lets everybody into a session who knows its id. Where callers are known, the
    /// id that it gets follows from the caller, the agent and the id sent: SHA-256 over these, each
    /// after its length, or HMAC-SHA-256 (RFC 2104) with the operator's key.
    pub fn runtime_session(
        &self,
        caller: Option<&Caller>,
        agent: &AgentId,
        session: &SessionId,
    ) -> RuntimeSessionId {
        let (key, caller) = match (self, caller) {
            (Self::Off, _) => return RuntimeSessionId::of(session),
            (Self::Caller(_), None) => return RuntimeSessionId::beside_bound_ones(session),
            (Self::Caller(key), Some(caller)) => (key, caller),
        };
        let [kind, first, second] = caller.parts();
        let (agent, session) = (agent.as_str(), session.as_str());
        let bytes = length_prefixed(&[PURPOSE, kind, first, second, agent, session]);
        match key {
            Some(key) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
                RuntimeSessionId::bound(hmac::sign(&key, &bytes).as_ref())
            }
            None => RuntimeSessionId::bound(digest(&SHA256, &bytes).as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const KEYLESS: SessionBinding = SessionBinding::Caller(None);

    fn keyed(key: &str) -> SessionBinding {
        SessionBinding::Caller(Some(Secret::new(key.to_owned())))
    }

    fn jwt(issuer: &str, subject: &str) -> Caller {
        Caller::jwt(issuer.to_owned(), subject.to_owned())
    }

    fn iam(arn: &str) -> Caller {
        Caller::iam(arn.to_owned())
    }

    fn of(
        binding: &SessionBinding,
        caller: Option<&Caller>,
        agent: &str,
        session: &str,
    ) -> RuntimeSessionId {
        let agent = AgentId::from_variable_name(agent).unwrap();
        let session = SessionId::parse(session).unwrap();
        binding.runtime_session(caller, &agent, &session)
    }

    /// The bytes are fixed: another derivation would end the conversations that there are. Both
    /// values were computed with Python's hashlib and hmac.
    #[test]
    fn the_derivation_is_this_one() {
        let caller = jwt("https://issuer.example.com/", "user-1");
        let id = of(&KEYLESS, Some(&caller), "ECHO", "mine");
        assert_eq!(
            id.as_str(),
            "bound-d56f6f4ba1ca8051798b562257f61bc0627f4b11927fa9b42fee3526369b5e9a"
        );
        let id = of(&keyed("key"), Some(&caller), "ECHO", "mine");
        assert_eq!(
            id.as_str(),
            "bound-cbbc47df3e826c1d82bbc66c87d945578f803eb739a9df69cf90cd7c58815829"
        );
    }

    #[test]
    fn each_part_makes_another_session() {
        let long = "k".repeat(200);
        let bindings = [KEYLESS, keyed("a"), keyed("b"), keyed(&long)];
        let callers = [
            jwt("i", "s"),
            jwt("is", ""),
            jwt("", "is"),
            jwt("s", "i"),
            iam("i"),
            iam("is"),
        ];
        let mut all = HashSet::new();
        let mut count = 0;
        for binding in &bindings {
            for caller in &callers {
                for agent in ["A", "AB"] {
                    for session in ["c", "bc", &"c".repeat(50), &"c".repeat(256)] {
                        let id = of(binding, Some(caller), agent, session);
                        assert_eq!(id, of(binding, Some(caller), agent, session));
                        assert!((33..=100).contains(&id.as_str().len()));
                        assert!(SessionId::parse(id.as_str()).is_ok());
                        all.insert(id.as_str().to_owned());
                        count += 1;
                    }
                }
            }
        }
        assert_eq!(all.len(), count);
    }

    #[test]
    fn without_a_caller_or_with_binding_off_the_callers_id_stands() {
        let fits = "a".repeat(40);
        for (binding, caller) in [
            (&SessionBinding::Off, Some(jwt("i", "s"))),
            (&SessionBinding::Off, None),
            (&KEYLESS, None),
            (&keyed("key"), None),
        ] {
            for session in [&fits, "short"] {
                let id = of(binding, caller.as_ref(), "A", session);
                let expected = RuntimeSessionId::of(&SessionId::parse(session).unwrap());
                assert_eq!(id, expected);
            }
        }
    }

    #[test]
    fn who_learns_a_bound_id_is_not_let_in() {
        let bound = of(&KEYLESS, Some(&jwt("i", "s")), "A", "mine");
        for caller in [None, Some(jwt("i", "other"))] {
            let reached = of(&KEYLESS, caller.as_ref(), "A", bound.as_str());
            assert_ne!(reached.as_str(), bound.as_str());
        }
    }
}
