//! The state that all connections of an emulator share.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{Agent, Credentials, Handshake, Session, Turn, arn, observation::Log};

/// The time, in seconds since the epoch.
pub(crate) type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

pub(crate) struct State {
    pub(crate) credentials: Vec<Credentials>,
    pub(crate) now: Clock,
    pub(crate) log: Arc<Log>,
    agents: Mutex<BTreeMap<String, Registered>>,
    /// The access key ids that are known but no longer valid.
    expired: Mutex<HashSet<String>>,
    /// The prompts of each runtime session, by ARN and session id.
    sessions: Mutex<BTreeMap<(String, String), Vec<String>>>,
}

struct Registered {
    agent: Agent,
    /// The number of attempts to connect so far.
    attempts: usize,
    /// The number of attempts to stop a session so far.
    stops: usize,
}

impl State {
    pub(crate) fn new(credentials: Vec<Credentials>, now: Clock, log: Log) -> Self {
        Self {
            credentials,
            now,
            log: Arc::new(log),
            agents: Mutex::default(),
            expired: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    pub(crate) fn register(&self, arn: String, agent: Agent) {
        let registered = Registered {
            agent,
            attempts: 0,
            stops: 0,
        };
        lock(&self.agents).insert(arn, registered);
    }

    pub(crate) fn agent(&self, arn: &str) -> Option<Agent> {
        lock(&self.agents).get(arn).map(|known| known.agent.clone())
    }

    /// The token that the agent of that ARN takes in place of a signature.
    pub(crate) fn bearer(&self, arn: &str) -> Option<String> {
        let agents = lock(&self.agents);
        agents.get(arn).and_then(|known| known.agent.bearer.clone())
    }

    /// The regions in which there are agents.
    pub(crate) fn regions(&self) -> BTreeSet<String> {
        let agents = lock(&self.agents);
        agents.keys().map(|arn| arn::region(arn).into()).collect()
    }

    /// The ARN of a runtime in a region, and its agent.
    pub(crate) fn runtime(&self, region: &str, id: &str) -> Option<(String, Agent)> {
        lock(&self.agents)
            .iter()
            .find(|(arn, _)| arn::region(arn) == region && arn::runtime_id(arn) == id)
            .map(|(arn, known)| (arn.clone(), known.agent.clone()))
    }

    /// Counts an attempt to connect. Returns the agent of the ARN, and how it handles this attempt.
    pub(crate) fn attempt(&self, arn: &str) -> Option<(Agent, Handshake)> {
        let mut agents = lock(&self.agents);
        let registered = agents.get_mut(arn)?;
        let handshake = registered.agent.handshake.at(registered.attempts).clone();
        registered.attempts += 1;
        Some((registered.agent.clone(), handshake))
    }

    /// Counts an attempt to stop a session. Returns how the agent of the ARN handles this attempt.
    pub(crate) fn stop_attempt(&self, arn: &str) -> Option<Handshake> {
        let mut agents = lock(&self.agents);
        let registered = agents.get_mut(arn)?;
        let stopping = registered.agent.stopping.at(registered.stops).clone();
        registered.stops += 1;
        Some(stopping)
    }

    pub(crate) fn expire(&self, access_key_id: String) {
        lock(&self.expired).insert(access_key_id);
    }

    pub(crate) fn is_expired(&self, access_key_id: &str) -> bool {
        lock(&self.expired).contains(access_key_id)
    }

    /// Adds a message to its runtime session. Returns the turn.
    pub(crate) fn turn(&self, arn: &str, runtime_session_id: &str, message: String) -> Turn {
        let (prompt, session_id) = read_message(&message);
        let mut sessions = lock(&self.sessions);
        let session = (arn.to_owned(), runtime_session_id.to_owned());
        let history = sessions.entry(session).or_default();
        let turn = Turn {
            prompt: prompt.clone(),
            session_id,
            message,
            runtime_session_id: runtime_session_id.to_owned(),
            turn_number: history.len() + 1,
            history: history.clone(),
        };
        history.push(prompt);
        turn
    }

    /// Removes a runtime session. Returns whether it existed.
    pub(crate) fn forget(&self, arn: &str, runtime_session_id: &str) -> bool {
        let session = (arn.to_owned(), runtime_session_id.to_owned());
        lock(&self.sessions).remove(&session).is_some()
    }

    /// All runtime sessions, in order.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        let sessions = lock(&self.sessions);
        sessions
            .iter()
            .map(|((arn, runtime_session_id), prompts)| Session {
                arn: arn.clone(),
                runtime_session_id: runtime_session_id.clone(),
                turns: prompts.len(),
            })
            .collect()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// The clock of this machine.
#[expect(clippy::disallowed_methods, reason = "the emulator's one clock")]
pub(crate) fn system_clock() -> u64 {
    // A clock before 1970 makes every signature invalid, which is right.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A message's prompt and session id.
fn read_message(message: &str) -> (String, String) {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        prompt: String,
        #[serde(default)]
        session_id: String,
    }
    match serde_json::from_str(message) {
        Ok(Wire { prompt, session_id }) => (prompt, session_id),
        Err(_) => (message.to_owned(), String::new()),
    }
}

/// Ignores poisoning: no lock is held across code that can panic, so the data is always consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_its_own_prompts_only() {
        let state = State::new(Vec::new(), Box::new(|| 0), Log::new(true));
        let message = |prompt: &str| format!(r#"{{"prompt":"{prompt}","sessionId":"s"}}"#);
        let first = state.turn("a", "1", message("one"));
        assert_eq!(
            (first.turn_number, first.history),
            (1, Vec::<String>::new())
        );
        let second = state.turn("a", "1", message("two"));
        assert_eq!(
            (second.turn_number, second.history),
            (2, vec!["one".to_owned()])
        );
        assert_eq!(
            (second.prompt, second.session_id),
            ("two".to_owned(), "s".to_owned())
        );
        assert_eq!(state.turn("a", "2", message("x")).turn_number, 1);
        assert_eq!(state.turn("b", "1", message("x")).turn_number, 1);
    }

    #[test]
    fn forgetting_a_session_affects_only_that_one() {
        let state = State::new(Vec::new(), Box::new(|| 0), Log::new(true));
        for (arn, session) in [("b", "1"), ("a", "2"), ("a", "1"), ("a", "1")] {
            state.turn(arn, session, String::new());
        }
        let known = |state: &State| -> Vec<_> {
            let sessions = state.sessions().into_iter();
            sessions
                .map(|one| (one.arn, one.runtime_session_id, one.turns))
                .collect()
        };
        let session = |arn: &str, id: &str, turns| (arn.to_owned(), id.to_owned(), turns);
        let all = [
            session("a", "1", 2),
            session("a", "2", 1),
            session("b", "1", 1),
        ];
        assert_eq!(known(&state), all);
        assert!(state.forget("a", "1"));
        assert!(!state.forget("a", "1"));
        assert_eq!(known(&state), all[1..]);
        assert_eq!(state.turn("a", "1", String::new()).turn_number, 1);
    }

    #[test]
    fn a_runtime_is_found_by_its_region_and_id() {
        let state = State::new(Vec::new(), Box::new(|| 0), Log::new(true));
        for arn in ["arn:aws:s:one:1:runtime/x", "arn:aws:s:two:1:runtime/x"] {
            state.register(arn.to_owned(), Agent::echo());
        }
        let found = |region, id| state.runtime(region, id).map(|(arn, _)| arn);
        assert_eq!(
            found("two", "x").as_deref(),
            Some("arn:aws:s:two:1:runtime/x")
        );
        assert_eq!((found("two", "y"), found("three", "x")), (None, None));
        assert!(state.regions().iter().eq(["one", "two"]));
    }

    #[test]
    fn a_message_that_is_not_json_is_the_prompt() {
        for message in ["hello", "{}", r#"{"prompt": 1}"#, ""] {
            assert_eq!(read_message(message), (message.to_owned(), String::new()));
        }
    }
}
