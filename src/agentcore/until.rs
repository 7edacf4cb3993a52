//! A time that runs out, and what that means.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::error::Timeout;

/// Until when something may take, and what it means where it takes longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until<M = Timeout> {
    at: Instant,
    meaning: M,
}

impl<M: From<Timeout>> Until<M> {
    /// For so long, beginning at `start`, or until the invocation's deadline if that is sooner.
    pub(super) fn sooner(deadline: Instant, start: Instant, time: Duration, meaning: M) -> Self {
        Self::deadline(deadline).or_sooner(start, time, meaning)
    }

    /// Until so long after `start`, if that is sooner.
    pub(super) fn or_sooner(self, start: Instant, time: Duration, meaning: M) -> Self {
        match start.checked_add(time) {
            Some(at) if at < self.at => Self { at, meaning },
            _ => self,
        }
    }

    /// Until the invocation's deadline.
    pub(super) fn deadline(at: Instant) -> Self {
        let meaning = Timeout::Invocation.into();
        Self { at, meaning }
    }

    /// What comes of the future, if it comes in time.
    pub(super) async fn wait<T>(self, future: impl Future<Output = T>) -> Result<T, M> {
        timeout_at(self.at, future).await.map_err(|_| self.meaning)
    }
}
