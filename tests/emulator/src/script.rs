//! The words of which an agent's script is made.

use std::time::Duration;

use serde_json::json;

/// What an agent does with a request to connect or to stop a session, after the service has let it
/// through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// Upgrades the connection, or stops the session.
    Accept,
    /// Answers with an HTTP status, and ends the connection.
    Status {
        /// The status, for instance 424.
        status: u16,
        /// The value of `x-amzn-ErrorType`; without one the header is not sent.
        error_type: Option<String>,
        /// Further headers. `content-length` is added unless it is among them.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Reads the request and never answers.
    Stall,
    /// Ends the connection with a TCP reset in place of an answer.
    Reset,
    /// Ends the connection in the ordinary way without an answer.
    CloseSilently,
    /// Answers with bytes of any kind.
    Raw {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether the connection then stays open, or ends in the ordinary way.
        keep_open: bool,
    },
    /// Waits, and then does something else.
    Delayed {
        /// How long to wait.
        by: Duration,
        /// What to do then.
        then: Box<Handshake>,
    },
    /// One after the other, an attempt each; the last is for all attempts that follow. Attempts
    /// are counted from when the agent was registered.
    Sequence(Vec<Handshake>),
}

impl Handshake {
    /// A refusal in the service's usual form: the type in the header, a message in a JSON body.
    #[must_use]
    pub fn status(status: u16, error_type: &str) -> Self {
        Self::Status {
            status,
            error_type: Some(error_type.to_owned()),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: json!({ "message": format!("{error_type} of the agent") })
                .to_string()
                .into(),
        }
    }

    /// The same with a further header, if it is a `Status`.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// What to do at an attempt, counted from 0.
    pub(crate) fn at(&self, attempt: usize) -> &Self {
        match self {
            Self::Sequence(all) => match all.get(attempt).or(all.last()) {
                Some(one) => one.at(attempt),
                None => &Self::Accept,
            },
            one => one,
        }
    }
}

/// One thing that an agent does on an open connection.
///
/// After the last step of a reply the agent waits for the next message on the same connection,
/// unless a step has ended it. Pings of the client are answered, and a close frame of the client
/// ends the script, between steps and during a `Pause`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Sends a message of text in one frame.
    Text(String),
    /// Sends a message of bytes in one frame.
    Binary(Vec<u8>),
    /// Sends one message of text in several frames, which may cut a character in two.
    Fragments(Vec<Vec<u8>>),
    /// Sends a ping.
    Ping(Vec<u8>),
    /// Sends a close frame, with or without a code, waits for the client's, and ends the connection.
    Close(Option<u16>),
    /// Waits before the next step.
    Pause(Duration),
    /// Ends the connection in the ordinary way of TCP, without a close frame.
    Fin,
    /// Ends the connection with a TCP reset.
    Reset,
    /// Sends bytes as they are, frames or not; see [`crate::frame::Frame`].
    Bytes(Vec<u8>),
    /// Sends nothing until the client sends a close frame, and answers that.
    AwaitClose,
    /// Sends nothing ever again, not even in answer to a ping or a close frame.
    Silence,
}

impl Step {
    /// A message of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// One message of text in the given pieces.
    #[must_use]
    pub fn fragments<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::Fragments(pieces.into_iter().map(Into::into).collect())
    }

    /// A wait, in milliseconds.
    #[must_use]
    pub fn pause_ms(milliseconds: u64) -> Self {
        Self::Pause(Duration::from_millis(milliseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_handshake_of_a_sequence_repeats() {
        let sequence = Handshake::Sequence(vec![Handshake::Stall, Handshake::Reset]);
        let attempts = [0, 1, 2, 9].map(|attempt| sequence.at(attempt).clone());
        let [first, later @ ..] = attempts;
        assert_eq!(first, Handshake::Stall);
        assert_eq!(later, [const { Handshake::Reset }; 3]);
        assert_eq!(Handshake::Sequence(Vec::new()).at(0), &Handshake::Accept);
    }

    #[test]
    fn a_status_takes_further_headers() {
        let throttled =
            Handshake::status(429, "ThrottlingException").with_header("retry-after", "2");
        let Handshake::Status { headers, .. } = throttled else {
            panic!("a status stays one");
        };
        assert_eq!(
            headers.last(),
            Some(&("retry-after".to_owned(), "2".to_owned()))
        );
    }
}
