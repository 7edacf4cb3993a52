//! A reply that has begun.

use std::fmt;

use agentcore_reply::Counts;

use super::exchange::{Exchange, ReplyEvent};

/// A reply that has begun. Its socket is closed when it ends, and when it is dropped.
pub struct ReplyStream {
    exchange: Exchange,
    first: Option<ReplyEvent>,
}

impl ReplyStream {
    /// A reply with the first that came of it.
    pub(super) fn new(exchange: Exchange, first: ReplyEvent) -> Self {
        let first = Some(first);
        Self { exchange, first }
    }

    /// The next piece, or how the reply ended, when the socket is closed already.
    pub async fn next(&mut self) -> ReplyEvent {
        match self.first.take() {
            Some(first) => first,
            None => self.exchange.next().await,
        }
    }

    /// What the reply has consisted of so far.
    pub fn counts(&self) -> Counts {
        self.exchange.counts()
    }

    /// Ends the reply before it has ended.
    pub async fn close(&mut self) {
        self.exchange.close().await;
    }
}

impl fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").finish_non_exhaustive()
    }
}
