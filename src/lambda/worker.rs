//! The loop: an invocation, its answer, the next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::StreamedAnswer;
use super::deadline::deadline;
use super::runtime_api::{Body, Context, Failure, RuntimeApi};
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

/// One invocation of the function, beside its event.
#[derive(Debug)]
pub(super) struct Invocation {
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

/// What answers events. The loop knows nothing of what is in them.
pub(super) trait Handler: Clone + Send + Sync + 'static {
    /// The answer, whatever arrives.
    fn answer(&self, event: Bytes, invocation: &Invocation) -> impl Future<Output = Answer> + Send;

    /// The answer to an invocation that panicked.
    fn panicked(&self, invocation: &Invocation) -> Answer;

    /// The answer to one that is given up since the process has to end.
    fn stopping(&self, invocation: &Invocation) -> Answer;
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
                        Some((event, context)) => {
                            self.answer(event, context).await;
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

    async fn answer(&mut self, event: Bytes, context: Context) {
        let received = Instant::now();
        let given = context.deadline_ms;
        let invocation = Invocation {
            context,
            received,
            deadline: given.and_then(|given| deadline(given, received, (self.now)())),
        };
        let mut stopping = self.stopping.clone();
        let answering = AssertUnwindSafe(self.handler.answer(event, &invocation));
        let answer = tokio::select! {
            biased;
            answer = answering.catch_unwind() => {
                answer.unwrap_or_else(|_| self.handler.panicked(&invocation))
            }
            () = stopping.cut() => self.handler.stopping(&invocation),
        };
        // What is said of an invocation is out before its answer.
        Output.flush();
        if let Err(failure) = self.hand_over(&invocation, answer).await {
            telemetry::answer_not_taken(&invocation.context.request_id, &failure);
        }
    }

    /// An answer that Lambda does not take, since its caller has gone, ends that invocation alone.
    async fn hand_over(&mut self, invocation: &Invocation, answer: Answer) -> Result<(), NotTaken> {
        let context = &invocation.context;
        let answer = match answer {
            Answer::Whole(answer) => return Ok(self.api.respond(context, answer).await?),
            Answer::Streamed(answer) => StreamedAnswer::new(answer, &self.stopping),
        };
        let streaming = self.api.stream(context, answer);
        let until = invocation.deadline;
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
    use axum::Router;
    use axum::routing::{get, post};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::super::runtime_api::Address;
    use super::super::stopping::stopping;
    use super::*;

    #[derive(Clone)]
    struct Panics;

    impl Handler for Panics {
        async fn answer(&self, event: Bytes, _: &Invocation) -> Answer {
            panic!("{event:?}")
        }

        fn panicked(&self, invocation: &Invocation) -> Answer {
            Answer::Whole(format!("{} panicked", invocation.context.request_id).into())
        }

        fn stopping(&self, _: &Invocation) -> Answer {
            Answer::Whole(Bytes::new())
        }
    }

    /// On the way in too: there is no other fence around the handler.
    #[tokio::test]
    async fn whatever_panics_there_is_an_answer() {
        let (answered, mut answers) = mpsc::unbounded_channel();
        let next = get(async || ([("lambda-runtime-aws-request-id", "id")], "event"));
        let response = post(async move |answer: String| answered.send(answer).unwrap());
        let lambda = Router::new()
            .route("/2018-06-01/runtime/invocation/next", next)
            .route("/2018-06-01/runtime/invocation/id/response", response);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(axum::serve(listener, lambda).into_future());

        let (_stop, stopping) = stopping();
        let mut worker = Worker {
            api: RuntimeApi::new(Address::parse(&address).unwrap()),
            handler: Panics,
            stopping,
            lost: Lost::of(1),
            now: || SystemTime::UNIX_EPOCH,
        };
        for _ in 0..2 {
            let (event, context) = worker.api.next().await.unwrap().unwrap();
            worker.answer(event, context).await;
            assert_eq!(answers.recv().await.unwrap(), "id panicked");
        }
    }

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
