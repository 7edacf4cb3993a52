//! What all connections of an emulator share.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{Agent, Credentials, Handshake, Turn, observation::Log};

/// The time, in seconds since the epoch.
pub(crate) type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

pub(crate) struct State {
    pub(crate) credentials: Vec<Credentials>,
    pub(crate) now: Clock,
    pub(crate) log: Arc<Log>,
    agents: Mutex<HashMap<String, Registered>>,
    /// The access key ids that are known but no longer valid.
    expired: Mutex<HashSet<String>>,
    /// The prompts of each runtime session, by ARN and session id.
    sessions: Mutex<HashMap<(String, String), Vec<String>>>,
}

struct Registered {
    agent: Agent,
    attempts: usize,
}

impl State {
    pub(crate) fn new(credentials: Vec<Credentials>, now: Clock) -> Self {
        Self {
            credentials,
            now,
            log: Arc::default(),
            agents: Mutex::default(),
            expired: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    pub(crate) fn register(&self, arn: String, agent: Agent) {
        lock(&self.agents).insert(arn, Registered { agent, attempts: 0 });
    }

    pub(crate) fn is_registered(&self, arn: &str) -> bool {
        lock(&self.agents).contains_key(arn)
    }

    /// The agent of that ARN and what it does at this attempt to connect, which is counted.
    pub(crate) fn attempt(&self, arn: &str) -> Option<(Agent, Handshake)> {
        let mut agents = lock(&self.agents);
        let registered = agents.get_mut(arn)?;
        let handshake = registered.agent.handshake.at(registered.attempts).clone();
        registered.attempts += 1;
        Some((registered.agent.clone(), handshake))
    }

    pub(crate) fn expire(&self, access_key_id: String) {
        lock(&self.expired).insert(access_key_id);
    }

    pub(crate) fn is_expired(&self, access_key_id: &str) -> bool {
        lock(&self.expired).contains(access_key_id)
    }

    /// Remembers a message in its runtime session, and tells which turn it is there.
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
    // A clock that stands before 1970 makes every signature invalid, as it should.
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

/// No lock is held over code that can panic, so that what it guards is always whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_remembers_its_prompts_and_no_other_does() {
        let state = State::new(Vec::new(), Box::new(|| 0));
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
    fn a_message_of_another_form_is_a_prompt_itself() {
        for message in ["hello", "{}", r#"{"prompt": 1}"#, ""] {
            assert_eq!(read_message(message), (message.to_owned(), String::new()));
        }
    }
}
