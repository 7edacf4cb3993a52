//! What ends an agent's reply.

use std::time::Duration;

/// The longest silence that can be configured, in milliseconds.
const LONGEST_SILENCE_MS: u64 = 900_000;

/// What ends the replies of an agent. `<NAME>_AGENT_REPLY_END`
///
/// Agents that say no end and keep the socket open need help: without it their callers wait until a
/// timeout, and are told that the reply is incomplete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyEnd {
    /// The agent says so, or closes the connection.
    #[default]
    Explicit,
    /// The first message that gives text is the whole reply, besides what ends an explicit one.
    Message,
    /// So much silence after text, besides what ends an explicit one.
    Silence(Duration),
}

impl ReplyEnd {
    /// What [`Self::parse`] takes.
    pub const ACCEPTED: &str =
        "explicit, message, or silence:<ms> with a whole number from 1 to 900000";

    /// Parses `explicit`, `message` or `silence:<ms>`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if let Some(number) = text.strip_prefix("silence:") {
            let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.parse().ok().filter(|_| is_plain);
            return number
                .filter(|number| (1..=LONGEST_SILENCE_MS).contains(number))
                .map(|number| Self::Silence(Duration::from_millis(number)));
        }
        match text.as_str() {
            "explicit" => Some(Self::Explicit),
            "message" => Some(Self::Message),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_one_of_three() {
        let silence = |ms| Some(ReplyEnd::Silence(Duration::from_millis(ms)));
        for (text, expected) in [
            ("explicit", Some(ReplyEnd::Explicit)),
            ("Message", Some(ReplyEnd::Message)),
            ("silence:1", silence(1)),
            ("silence:900000", silence(900_000)),
            ("silence:0", None),
            ("silence:900001", None),
            ("silence:+5", None),
            ("silence: 5", None),
            ("silence:", None),
            ("silence", None),
            ("end", None),
        ] {
            assert_eq!(ReplyEnd::parse(text), expected, "{text}");
        }
    }
}
