//! What the name of an object or an SSE event says of it.

use std::borrow::Cow;

use crate::json::Str;

/// Only so many characters at the end of a name are looked at: a name's last word says what it is.
const MAX_CHARACTERS: usize = 96;

/// A name in the form in which names are compared: in lower case, without `-`, `_`, `.` and spaces.
#[derive(Debug)]
pub(crate) struct Name<'a>(Cow<'a, str>);

/// What a name says of what has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing that matters here.
    Plain,
    /// The agent failed.
    Error,
    /// A step of the agent's failed, and it goes on.
    StepError,
    /// The words are the user's or the operator's.
    NotTheAgent,
    /// The words are a tool's.
    ToolsWords,
    /// A tool is called, or has answered.
    Tool,
    Reasoning,
    /// It is of interest to a user interface at most.
    Housekeeping,
    /// The reply is whole.
    End,
}

impl<'a> Name<'a> {
    pub(crate) fn of(name: Str<'a>) -> Self {
        Self::new(name.decode())
    }

    pub(crate) fn plain(name: &'a str) -> Self {
        Self::new(Cow::Borrowed(name))
    }

    fn new(mut name: Cow<'a, str>) -> Self {
        if name.len() > MAX_CHARACTERS {
            let too_much = name.char_indices().rev().nth(MAX_CHARACTERS);
            let start = too_much.map_or(0, |(at, _)| at);
            name = Cow::Owned(name[start..].to_owned());
        }
        if name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        {
            return Self(name);
        }
        let letters = name
            .chars()
            .filter(|character| !matches!(character, '-' | '_' | '.' | ' '));
        Self(Cow::Owned(letters.flat_map(char::to_lowercase).collect()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of the words is somewhere in the name.
    pub(crate) fn speaks_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.0.contains(word))
    }

    fn ends_with(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.0.ends_with(word))
    }

    pub(crate) fn is_failure(&self) -> bool {
        self.ends_with(&["error", "exception", "failed", "failure"])
    }

    pub(crate) fn meaning(&self) -> Meaning {
        match self.as_str() {
            // What most objects are called.
            "" | "chunk" | "token" | "text" | "content" | "delta" | "message" | "data"
            | "textdelta" | "answer" | "response" | "result" | "contentblockdelta" => {
                return Meaning::Plain;
            }
            "done" | "end" | "complete" | "completed" | "stop" | "finish" | "finished"
            | "final" | "streamcomplete" | "streamend" | "messageend" => return Meaning::End,
            "think" => return Meaning::Reasoning,
            role => {
                if let Some(whose) = role_meaning(role) {
                    return whose;
                }
            }
        }
        if self.speaks_of(&["tool", "function"]) {
            return Meaning::Tool;
        }
        if self.is_failure() {
            let is_step = self.speaks_of(&["step"]);
            return if is_step {
                Meaning::StepError
            } else {
                Meaning::Error
            };
        }
        if self.speaks_of(&["reasoning", "thinking", "thought"]) {
            return Meaning::Reasoning;
        }
        if self.is_housekeeping() {
            return Meaning::Housekeeping;
        }
        Meaning::Plain
    }

    fn is_housekeeping(&self) -> bool {
        let name = self.as_str();
        let mut begins = HOUSEKEEPING_BEGINS.iter();
        HOUSEKEEPING.contains(&name)
            || begins.any(|word| name.starts_with(word))
            || self.ends_with(HOUSEKEEPING_ENDS)
    }
}

/// Names of housekeeping.
const HOUSEKEEPING: &[&str] = &[
    "ping",
    "pong",
    "ack",
    "meta",
    "ready",
    "open",
    "opened",
    "connection",
    "connecting",
    "connectionestablished",
    "connectionack",
    "handshake",
    "welcome",
    "source",
    "sources",
    "citation",
    "citations",
    "reference",
    "references",
    "log",
    "logs",
    "trace",
    "info",
    "notice",
    "notification",
    "warning",
    "queued",
    "processing",
    "typing",
    "loading",
    "metrics",
    "stats",
    "telemetry",
    "config",
];

/// How other names of housekeeping begin, and how they end.
const HOUSEKEEPING_BEGINS: &[&str] =
    &["status", "progress", "session", "usage", "metadata", "init"];
const HOUSEKEEPING_ENDS: &[&str] = &[
    "heartbeat",
    "keepalive",
    "status",
    "progress",
    "metadata",
    "usage",
    "start",
    "started",
    "begin",
    "connected",
    "title",
    "debug",
];

/// Whose words those of a role are, where they are not the agent's.
fn role_meaning(role: &str) -> Option<Meaning> {
    match role {
        "user" | "human" | "system" | "developer" => Some(Meaning::NotTheAgent),
        "tool" | "function" => Some(Meaning::ToolsWords),
        _ => None,
    }
}

/// Whose words they are by the value of a `role`, `source` or `author`, where not the agent's.
pub(crate) fn whose(role: Str<'_>) -> Option<Meaning> {
    role_meaning(Name::of(role).as_str())
}

/// Whether words are the agent's by the value of a `role`, where there is one. Models, bots and agents
/// call theirs what they like.
pub(crate) fn is_agents(role: Option<Str<'_>>) -> bool {
    role.and_then(whose).is_none()
}

/// Whether nothing comes after an object or an SSE event of this name.
pub(crate) fn is_terminal_name(name: &str) -> bool {
    Name::plain(name).meaning() == Meaning::End
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_signs() {
        for name in [
            "done",
            "DONE",
            "Stream-Complete",
            "message_end",
            "stream end",
        ] {
            assert!(is_terminal_name(name), "{name}");
        }
        for name in ["", "message", "done?", "response.completed", "message_stop"] {
            assert!(!is_terminal_name(name), "{name}");
        }
        assert!(!is_terminal_name(&"done".repeat(1 << 16)));
    }

    #[test]
    fn a_name_says_what_its_words_say() {
        for (name, meaning) in [
            ("text_delta", Meaning::Plain),
            ("content_block_delta", Meaning::Plain),
            ("final_answer", Meaning::Plain),
            ("RunError", Meaning::Error),
            ("task.failed", Meaning::Error),
            ("ToolExecutionException", Meaning::Tool),
            ("step_failed", Meaning::StepError),
            ("Human", Meaning::NotTheAgent),
            ("tool", Meaning::ToolsWords),
            ("function_call_output", Meaning::Tool),
            ("on_reasoning_delta", Meaning::Reasoning),
            ("AgentThought", Meaning::Reasoning),
            ("message_start", Meaning::Housekeeping),
            ("Keep-Alive", Meaning::Housekeeping),
            ("token_usage", Meaning::Housekeeping),
            ("session_id", Meaning::Housekeeping),
        ] {
            assert_eq!(Name::plain(name).meaning(), meaning, "{name}");
        }
        let long = "a.".repeat(1 << 10) + "some_error";
        assert_eq!(Name::plain(&long).meaning(), Meaning::Error);
    }
}
