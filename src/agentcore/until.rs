//! A time that runs out, and what that means.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

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

/// A timer for many waits, of which most end long before their time. It is set only where it would ring
/// too late: to set a timer for each message takes as long as to read it.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// What comes of the future, if it comes in time.
    pub(super) async fn wait<T, M: Copy>(
        &mut self,
        until: Until<M>,
        future: impl Future<Output = T>,
    ) -> Result<T, M> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            let timer = self
                .0
                .get_or_insert_with(|| Box::pin(sleep_until(until.at)));
            if timer.deadline() > until.at {
                timer.as_mut().reset(until.at);
            }
            // Whatever the future has left of the task's budget: one that always has something to do
            // would leave nothing, and the time would never be over.
            while pin!(unconstrained(timer.as_mut())).poll(cx).is_ready() {
                if timer.deadline() >= until.at {
                    return Poll::Ready(Err(until.meaning));
                }
                // It was set for an earlier wait.
                timer.as_mut().reset(until.at);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    fn after(ms: u64) -> Until<u64> {
        let at = Instant::now() + Duration::from_millis(ms);
        Until { at, meaning: ms }
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_in_its_time_whatever_it_was_set_for_before() {
        let mut alarm = Alarm::default();
        let begin = Instant::now();
        for (wait, comes_after, total) in [
            (100, Some(40), 40),
            // It rings at 100 ms, and is set again.
            (200, None, 240),
            (50, Some(0), 240),
            (1_000, Some(10), 250),
            // It is set for 1,240 ms, which is too late.
            (100, None, 350),
            (100, None, 450),
            (0, None, 450),
        ] {
            let waited = match comes_after {
                Some(ms) => {
                    alarm
                        .wait(after(wait), sleep(Duration::from_millis(ms)))
                        .await
                }
                None => alarm.wait(after(wait), pending()).await,
            };
            let expected = comes_after.map(|_| ()).ok_or(wait);
            assert_eq!(waited, expected);
            assert_eq!(begin.elapsed().as_millis(), total, "{wait} {comes_after:?}");
        }
    }

    #[tokio::test]
    async fn an_alarm_rings_beside_a_future_that_is_never_idle() {
        let busy = async {
            loop {
                tokio::task::coop::consume_budget().await;
            }
        };
        let mut alarm = Alarm::default();
        let waited = alarm.wait(after(10), busy);
        let waited = timeout_at(Instant::now() + Duration::from_secs(5), waited).await;
        assert_eq!(waited, Ok(Err::<(), _>(10)));
    }
}
