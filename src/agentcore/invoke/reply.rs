//! A reply that has begun.

use std::fmt;

use agentcore_reply::{Counts, Step};

use super::exchange::{Exchange, ReplyEvent};
use super::pool::Home;

/// A reply that has begun. Its socket is closed when it ends, and when it is dropped.
pub struct ReplyStream {
    exchange: Box<Exchange>,
    first: Option<ReplyEvent>,
    /// Where the socket goes when the reply has ended, if it is kept.
    home: Option<Home>,
    is_kept: bool,
}

impl ReplyStream {
    /// A reply with the first that came of it.
    pub(super) fn new(exchange: Box<Exchange>, first: ReplyEvent, home: Option<Home>) -> Self {
        Self {
            exchange,
            first: Some(first),
            home,
            is_kept: false,
        }
    }

    /// The next piece, or how the reply ended, when the socket is closed already.
    pub async fn next(&mut self) -> ReplyEvent {
        let event = match self.first.take() {
            Some(first) => first,
            None => self.exchange.next().await,
        };
        if let (ReplyEvent::Complete, Some(home)) = (&event, &self.home)
            && let Some(socket) = self.exchange.take_kept()
        {
            home.pool.keep(home.owner, socket);
            self.is_kept = true;
        }
        event
    }

    /// Whether text was the first that came, and has not been taken yet.
    pub fn begins_with_text(&self) -> bool {
        match &self.first {
            Some(ReplyEvent::Piece(_)) => true,
            Some(ReplyEvent::Step(Step::AgUiEvent { text, .. })) => !text.is_empty(),
            _ => false,
        }
    }

    /// Whether the socket is open still, for the session's next turn.
    pub fn is_kept(&self) -> bool {
        self.is_kept
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
