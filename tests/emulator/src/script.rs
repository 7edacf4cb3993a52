//! The elements of an agent's script.

use std::time::Duration;

use serde_json::json;

/// How an agent handles a request to connect or to stop a session that the service has admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// Upgrades the connection, or stops the session.
    Accept,
    /// Responds with an HTTP status, and closes the connection.
    Status {
        /// The status, for instance 424.
        status: u16,
        /// The value of the `x-amzn-ErrorType` header; `None` omits the header.
        error_type: Option<String>,
        /// Further headers. `content-length` is added if it is missing.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Reads the request and never responds.
    Stall,
    /// Resets the TCP connection instead of responding.
    Reset,
    /// Closes the connection with a FIN, without a response.
    CloseSilently,
    /// Responds with raw bytes.
    Raw {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether the connection stays open afterwards, or is closed with a FIN.
        keep_open: bool,
    },
    /// Waits, then does something else.
    Delayed {
        /// How long to wait.
        by: Duration,
        /// What to do after the wait.
        then: Box<Handshake>,
    },
    /// One for each attempt; the last one for all further attempts. Attempts are counted from the
    /// registration of the agent.
    Sequence(Vec<Handshake>),
}

impl Handshake {
    /// A refusal as the service sends it: the type in a header, a message in a JSON body.
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

    /// Adds a header to a `Status`; has no effect on other variants.
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

/// A step that an agent performs on an open connection.
///
/// After the last step of a reply the agent waits for the next message on the same connection,
/// unless a step has ended it. Between steps and during a `Pause`, pings of the client are
/// answered, and a close frame ends the script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Sends a text message in one frame.
    Text(String),
    /// Sends a binary message in one frame.
    Binary(Vec<u8>),
    /// Sends one text message in several frames, which may split a character.
    Fragments(Vec<Vec<u8>>),
    /// Sends a ping.
    Ping(Vec<u8>),
    /// Sends a close frame with or without a code, waits for the client's, and closes the
    /// connection.
    Close(Option<u16>),
    /// Waits before the next step.
    Pause(Duration),
    /// Closes the connection with a FIN, without a close frame.
    Fin,
    /// Resets the TCP connection.
    Reset,
    /// Sends raw bytes, frames or not; see [`crate::frame::Frame`].
    Bytes(Vec<u8>),
    /// Waits for a close frame of the client, and answers it.
    AwaitClose,
    /// Never sends anything again, not even a pong or a close frame.
    Silence,
}

impl Step {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// One text message in the given pieces.
    #[must_use]
    pub fn fragments<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::Fragments(pieces.into_iter().map(Into::into).collect())
    }

    /// A pause, in milliseconds.
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
