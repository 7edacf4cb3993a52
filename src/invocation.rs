//! What a caller asks for: a prompt, in a session.

use std::fmt;

use crate::agent::RequestFields;
use crate::caller::{BearerToken, CallerId};
use crate::members::Members;
use crate::session::{RuntimeSessionId, SessionId};
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

/// One turn of a conversation, ready for an agent.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// What the agent is sent.
    pub content: Content,
    /// Who says it, in which session.
    pub visit: Visit,
}

/// What an agent is sent of a request.
#[derive(Clone, Debug)]
pub enum Content {
    /// A prompt, written into the agent's message.
    Prompt {
        /// What to say.
        prompt: Prompt,
        /// What else of the request goes to the agent.
        fields: RequestFields,
    },
    /// A whole `RunAgentInput`, for an agent that speaks AG-UI itself.
    Run(RunInput),
}

impl Content {
    /// How long what the caller says is, in bytes of UTF-8.
    pub fn prompt_bytes(&self) -> usize {
        match self {
            Self::Prompt { prompt, .. } => prompt.as_str().len(),
            Self::Run(input) => input.prompt_bytes,
        }
    }
}

/// The names of a thread's id. Python's types take it in snake case too: a session that is not the
/// caller's must not reach an agent by that way.
const THREAD: [&str; 2] = ["threadId", "thread_id"];

/// A `RunAgentInput` as it came, but for the session. `Debug` does not show it.
#[derive(Clone)]
pub struct RunInput {
    /// What stands around the values of its `threadId`.
    around_thread: Vec<String>,
    /// How long the text of its last message is, in bytes of UTF-8.
    prompt_bytes: usize,
}

impl RunInput {
    /// Takes a JSON object that has a `threadId`; `None` for any other text. `prompt_bytes` is how
    /// long the text of its last message is.
    pub fn parse(json: &str, prompt_bytes: usize) -> Option<Self> {
        let mut around_thread = Vec::new();
        let mut part = String::from("{");
        for (n, (name, value)) in Members::of(json)?.iter().enumerate() {
            if n > 0 {
                part.push(',');
            }
            // A text always serializes.
            part.push_str(&serde_json::to_string(name).unwrap_or_default());
            part.push(':');
            if THREAD.contains(&name) {
                around_thread.push(std::mem::take(&mut part));
            } else {
                part.push_str(value);
            }
        }
        part.push('}');
        around_thread.push(part);
        (around_thread.len() > 1).then_some(Self {
            around_thread,
            prompt_bytes,
        })
    }

    /// The input with a session's id as its `threadId`.
    pub fn in_session(&self, session: &str) -> String {
        // A text always serializes.
        let session = serde_json::to_string(session).unwrap_or_default();
        self.around_thread.join(&session)
    }
}

impl fmt::Debug for RunInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: usize = self.around_thread.iter().map(String::len).sum();
        write!(f, "RunInput({bytes} bytes)")
    }
}

/// A caller's way into a session of an agent's.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The session as the caller knows it.
    pub session: SessionId,
    /// The session as the runtime knows it.
    pub runtime_session: RuntimeSessionId,
    /// Who calls, where that is known.
    pub caller: Option<CallerId>,
    /// The caller's own token, for a runtime that takes no other leave.
    pub token: Option<BearerToken>,
    /// What ties it to a trace.
    pub trace: TraceHeaders,
}

impl Visit {
    /// The session that the agent is told: the caller's own id, but for a bound session the
    /// runtime's. Agents keep their memory by it, and two callers may use the same id.
    pub fn agent_session(&self) -> &str {
        if self.runtime_session.is_bound() {
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
    fn a_runs_input_stays_as_it_came_but_for_its_thread() {
        let json = r#"{"a": [1.50], "threadId" : "x", "é":{"threadId":"y"},"thread_id":1}"#;
        let input = RunInput::parse(json, 3).unwrap();
        assert_eq!(
            input.in_session("s\"1"),
            r#"{"a":[1.50],"threadId":"s\"1","é":{"threadId":"y"},"thread_id":"s\"1"}"#
        );
        assert_eq!(Content::Run(input.clone()).prompt_bytes(), 3);
        assert!(!format!("{input:?}").contains("1.50"));
        assert!(RunInput::parse("{}", 0).is_none());
        assert!(RunInput::parse("[]", 0).is_none());
    }

    #[test]
    fn a_prompt_is_not_shown() {
        let shown = format!("{:?}", Prompt::parse("secret".into(), 10).unwrap());
        assert_eq!(shown, "Prompt(6 bytes)");
    }
}
