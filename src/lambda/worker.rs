//! The loop: an invocation, its answer, the next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use lambda_http::Context;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::StreamedAnswer;
use super::deadline::deadline;
use super::runtime_api::{Failure, RuntimeApi, Ticket};
use super::stopping::Stopping;
use crate::telemetry::{self, Output};

/// Before the first new try, and before each further one twice as long, up to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// After so many failures in a row a worker counts as lost, though it goes on: some 20 s.
const FAILURES_OF_THE_LOST: u32 = 10;

/// Between two questions where there was nothing to be had.
const PAUSE: Duration = Duration::from_millis(50);

/// So much of Lambda's time is left where a caller takes nothing of an answer any more: what became
/// of it is to be said while the process still runs.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// One invocation of the function.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) event: Bytes,
    pub(super) context: Context,
    pub(super) received: Instant,
    /// When Lambda ends it, where that is known.
    pub(super) deadline: Option<Instant>,
}

/// An answer on its way to Lambda.
#[derive(Debug)]
pub(super) enum Answer {
    /// The whole of it, as JSON.
    Whole(Bytes),
    /// One that is still being made.
    Streamed(Response<Body>),
}

/// What answers invocations. The loop knows nothing of what is in them.
pub(super) trait Handler: Clone + Send + Sync + 'static {
    /// The answer, whatever arrives.
    fn answer(&self, invocation: Invocation) -> impl Future<Output = Answer> + Send;

    /// The answer to one that panicked.
    fn panicked(&self, context: &Context) -> Answer;

    /// The answer to one that is given up since the process has to end.
    fn stopping(&self, context: &Context) -> Answer;
}

/// Answers one invocation after the other.
pub(super) struct Worker<H> {
    pub(super) api: RuntimeApi,
    pub(super) handler: H,
    pub(super) stopping: Stopping,
    pub(super) lost: Lost,
    pub(super) now: fn() -> SystemTime,
}

impl<H: Handler> Worker<H> {
    /// Runs until the process has to end. A panic of one worker's is not the others'.
    ///
    /// # Errors
    /// [`Failure`] where neither this worker nor any other gets invocations any more.
    pub(super) async fn run(mut self) -> Result<(), Failure> {
        loop {
            match AssertUnwindSafe(self.serve()).catch_unwind().await {
                Ok(ended) => return ended,
                // Invocations are fenced in by themselves: here something of the loop has panicked.
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn serve(&mut self) -> Result<(), Failure> {
        let mut failures = 0;
        loop {
            let mut stopping = self.stopping.clone();
            // Whoever asks for the next has nothing more to say of this one.
            Output.flush();
            let next = tokio::select! {
                biased;
                () = stopping.begun() => return Ok(()),
                next = self.api.next() => next,
            };
            let delay = match next {
                Ok(next) => {
                    self.lost.found(failures);
                    failures = 0;
                    match next {
                        Some((event, context, ticket)) => {
                            self.answer(event, context, &ticket).await;
                            continue;
                        }
                        None => PAUSE,
                    }
                }
                Err(failure) => {
                    failures += 1;
                    if self.lost.is_last(failures) {
                        return Err(failure);
                    }
                    let delay = delay(failures, rand::random());
                    telemetry::no_invocation(failures, delay, &failure);
                    delay
                }
            };
            tokio::select! {
                () = stopping.begun() => return Ok(()),
                () = sleep(delay) => {}
            }
        }
    }

    async fn answer(&mut self, event: Bytes, context: Context, ticket: &Ticket) {
        let received = Instant::now();
        let invocation = Invocation {
            event,
            deadline: deadline(&context, received, (self.now)()),
            context: context.clone(),
            received,
        };
        let until = invocation.deadline;
        let mut stopping = self.stopping.clone();
        let answer = tokio::select! {
            biased;
            answer = AssertUnwindSafe(self.handler.answer(invocation)).catch_unwind() => {
                answer.unwrap_or_else(|_| self.handler.panicked(&context))
            }
            () = stopping.cut() => self.handler.stopping(&context),
        };
        if let Err(failure) = self.hand_over(ticket, answer, until).await {
            telemetry::answer_not_taken(&context.request_id, &failure);
        }
    }

    /// An answer that Lambda does not take, since its caller has gone, ends that invocation alone.
    async fn hand_over(
        &mut self,
        ticket: &Ticket,
        answer: Answer,
        until: Option<Instant>,
    ) -> Result<(), NotTaken> {
        let answer = match answer {
            Answer::Whole(answer) => return Ok(self.api.respond(ticket, answer).await?),
            Answer::Streamed(answer) => StreamedAnswer::new(answer, &self.stopping),
        };
        let streaming = self.api.stream(ticket, answer);
        let Some(until) = until.and_then(|until| until.checked_sub(LAST_MOMENT)) else {
            return Ok(streaming.await?);
        };
        // An answer that is late is handed over all the same.
        let until = until.max(Instant::now() + LAST_MOMENT);
        let streamed = timeout_at(until, streaming).await;
        Ok(streamed.map_err(|_| NotTaken::InTime)??)
    }
}

/// Why Lambda did not take an answer.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Failed(#[from] Failure),
    #[error("its caller did not read it in Lambda's time")]
    InTime,
}

/// With equal jitter, as the retries of agents have it; `random` is any number.
fn delay(failures: u32, random: u32) -> Duration {
    let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let half = doubled.min(LONGEST_DELAY) / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// How many workers have had no invocation for long. While there is one that gets some, or waits for
/// one, the process is of use.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    workers: usize,
    lost: Arc<AtomicUsize>,
}

impl Lost {
    pub(super) fn of(workers: usize) -> Self {
        Self {
            workers,
            lost: Arc::default(),
        }
    }

    /// Whether nobody is left after so many failures of a worker's in a row.
    fn is_last(&self, failures: u32) -> bool {
        if failures == FAILURES_OF_THE_LOST {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        failures >= FAILURES_OF_THE_LOST && self.lost.load(Ordering::Relaxed) == self.workers
    }

    fn found(&self, failures: u32) {
        if failures >= FAILURES_OF_THE_LOST {
            self.lost.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        for (failures, least, most) in [
            (1, 25, 50),
            (2, 50, 100),
            (5, 400, 800),
            (10, 2_500, 5_000),
            (u32::MAX, 2_500, 5_000),
        ] {
            assert_eq!(delay(failures, 0), Duration::from_millis(least));
            assert_eq!(delay(failures, u32::MAX), Duration::from_millis(most));
        }
    }

    #[test]
    fn only_when_all_are_lost_is_it_over() {
        let lost = Lost::of(2);
        assert!((1..100).all(|failures| !lost.is_last(failures)));
        assert!((1..10).all(|failures| !lost.clone().is_last(failures)));
        lost.found(99);
        assert!(!lost.is_last(10), "the other one has come back");
        assert!((1..10).all(|failures| !lost.is_last(failures)));
        assert!(lost.is_last(10));
    }
}
