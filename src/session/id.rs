//! The session id that a caller sends and receives.

use ring::digest::{Context, SHA256};
use uuid::Uuid;

use crate::hex::hex;

/// The session id that a caller sends and receives: 1 to 256 characters of `[A-Za-z0-9_-]`, the
/// first a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// A string is not a valid [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sessionId must be 1 to 256 characters of A-Z, a-z, 0-9, _ and -, beginning with a letter or digit"
)]
pub struct SessionIdError;

impl SessionId {
    /// Parses an id that a caller sent.
    ///
    /// # Errors
    /// [`SessionIdError`] if the string does not have this form.
    pub fn parse(text: &str) -> Result<Self, SessionIdError> {
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let of_the_alphabet = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if begins_well && of_the_alphabet && text.len() <= 256 {
            Ok(Self(text.to_owned()))
        } else {
            Err(SessionIdError)
        }
    }

    /// The id of a thread that a caller of AG-UI names: the thread's own, or one that is made of it
    /// by SHA-256 where it has not the form of one. The same thread always has the same id.
    pub fn of_thread(thread: &str) -> Self {
        Self::parse(thread).unwrap_or_else(|_| {
            let mut digest = Context::new(&SHA256);
            digest.update(b"agentcore-bridge thread\0");
            digest.update(thread.as_bytes());
            Self(format!("thread-{}", hex(digest.finish().as_ref())))
        })
    }

    /// Generates a new id, `session-<uuid v4>`.
    pub fn generate() -> Self {
        Self(format!("session-{}", Uuid::new_v4()))
    }

    /// The id as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_of_another_form_has_an_id_of_its_own() {
        assert_eq!(SessionId::of_thread("t-1").as_str(), "t-1");
        let made = SessionId::of_thread("a thread / é");
        assert_eq!(made, SessionId::of_thread("a thread / é"));
        assert_ne!(made, SessionId::of_thread("a thread / e"));
        assert_eq!(SessionId::parse(made.as_str()), Ok(made.clone()));
        assert_ne!(
            SessionId::of_thread("thread "),
            SessionId::of_thread("thread")
        );
    }

    #[test]
    fn session_ids_are_accepted_or_refused_by_their_form() {
        let longest = "a".repeat(256);
        for id in ["a", "0", "A_-9", longest.as_str()] {
            assert_eq!(SessionId::parse(id).unwrap().as_str(), id);
        }
        let too_long = "a".repeat(257);
        for id in [
            "",
            "-a",
            "_a",
            "a b",
            "a.b",
            "é",
            "a\n",
            "a\0",
            "\u{ff41}",
            too_long.as_str(),
        ] {
            assert!(SessionId::parse(id).is_err(), "{id:?}");
        }
    }
}
