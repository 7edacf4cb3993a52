//! What a caller asks for: a prompt, in a session. Each type can only be made by its parser, so no
//! other code checks it again.

use std::fmt;

use ring::digest::{Context, SHA256};
use uuid::Uuid;

use crate::hex::hex;
use crate::trace::TraceHeaders;

/// What the caller says to the agent: not blank, within the limit, free of control characters
/// other than tab, newline and carriage return.
///
/// Neither `Debug` nor any error shows its text: prompts are private.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt(String);

/// Why a text is no [`Prompt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// Nothing but Unicode white space and control characters.
    #[error("the prompt is blank")]
    Blank,
    /// Longer than the limit, in bytes of UTF-8.
    #[error("the prompt is longer than {max_bytes} bytes")]
    TooLong {
        /// The limit.
        max_bytes: usize,
    },
}

impl Prompt {
    /// Parses a prompt of at most `max_bytes` bytes of UTF-8, measured as it came.
    ///
    /// # Errors
    /// [`PromptError::Blank`] comes before [`PromptError::TooLong`].
    pub fn parse(text: String, max_bytes: usize) -> Result<Self, PromptError> {
        if text.chars().all(|c| c.is_whitespace() || is_removed(c)) {
            return Err(PromptError::Blank);
        }
        if text.len() > max_bytes {
            return Err(PromptError::TooLong { max_bytes });
        }
        let mut text = text;
        text.retain(|c| !is_removed(c));
        Ok(Self(text))
    }

    /// The text that the agent gets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({} bytes)", self.0.len())
    }
}

/// Control characters (Unicode Cc) carry no meaning for an agent and can steer terminals and logs.
fn is_removed(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// A conversation's id as the caller knows it: 1 to 256 characters of `[A-Za-z0-9_-]`, the first a
/// letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// A text is no [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sessionId must be 1 to 256 characters of A-Z, a-z, 0-9, _ and -, beginning with a letter or digit"
)]
pub struct SessionIdError;

impl SessionId {
    /// Parses an id that a caller sent.
    ///
    /// # Errors
    /// [`SessionIdError`] where the text is not of the form.
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

    /// Makes a fresh id, `session-<uuid v4>`.
    pub fn generate() -> Self {
        Self(format!("session-{}", Uuid::new_v4()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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
    pub(crate) fn bound(digest: &[u8]) -> Self {
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

/// One turn of a conversation, ready for an agent.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// What to say.
    pub prompt: Prompt,
    /// The session as the caller knows it.
    pub session: SessionId,
    /// The session as the runtime knows it.
    pub runtime_session: RuntimeSessionId,
    /// What ties it to a trace.
    pub trace: TraceHeaders,
}

impl Invocation {
    /// The session that the agent is told: the caller's own id, but for a bound session the
    /// runtime's. Agents keep their memory by it, and two callers may use the same id.
    pub fn agent_session(&self) -> &str {
        if self.runtime_session.is_bound {
            self.runtime_session.as_str()
        } else {
            self.session.as_str()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_loses_its_control_characters_and_nothing_else() {
        let prompt = Prompt::parse("a\u{0}\u{7f}\u{85}\u{1b}[1m\tb\r\n é\u{200b}".into(), 100);
        assert_eq!(prompt.unwrap().as_str(), "a[1m\tb\r\n é\u{200b}");
    }

    #[test]
    fn a_prompt_of_white_space_and_controls_is_blank_however_long() {
        for blank in [
            "",
            " ",
            "\t\r\n",
            "\u{2003}\u{a0}",
            "\u{0}\u{1b}",
            "\u{85} \u{7f}",
        ] {
            assert_eq!(
                Prompt::parse(blank.into(), 1),
                Err(PromptError::Blank),
                "{blank:?}"
            );
        }
    }

    #[test]
    fn a_prompt_is_measured_in_bytes_before_anything_is_removed() {
        assert!(Prompt::parse("éé".into(), 4).is_ok());
        assert_eq!(
            Prompt::parse("éé".into(), 3),
            Err(PromptError::TooLong { max_bytes: 3 })
        );
        assert!(Prompt::parse("a\u{0}\u{0}\u{0}".into(), 3).is_err());
    }

    #[test]
    fn a_prompt_is_not_shown() {
        let shown = format!("{:?}", Prompt::parse("secret".into(), 10).unwrap());
        assert_eq!(shown, "Prompt(6 bytes)");
    }

    #[test]
    fn session_ids_are_of_the_form() {
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
