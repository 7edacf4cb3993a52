//! The loop of a worker: take an invocation, send its response, repeat.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::deadline::deadline;
use super::response::StreamedResponse;
use super::runtime_api::{Body, Context, RuntimeApi, RuntimeApiError};
use super::shutdown::Shutdown;
use crate::telemetry::{self, Output};

/// The delay after the first failure. It doubles with each failure in a row, up to [`MAX_DELAY`].
const INITIAL_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// After this many failures in a row (some 20 s) a worker counts as failing. It goes on trying.
const FAILING_AFTER: u32 = 10;

/// The pause before polling again after an empty poll, or after a panic of the loop.
const POLL_PAUSE: Duration = Duration::from_millis(50);

/// A response that its caller does not read is given up this long before Lambda's deadline, so that
/// the outcome is still logged while the process runs.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// An invocation of the function, without its event.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) context: Context,
    pub(super) received: Instant,
    /// When Lambda ends the invocation; `None` if unknown.
    pub(super) deadline: Option<Instant>,
}

/// What a handler returns for an event.
#[derive(Debug)]
pub(super) enum FunctionResponse {
    /// A complete response, as JSON.
    Whole(Bytes),
    /// A response whose body is still being produced.
    Streamed(Response<Body>),
}

/// Turns events into responses. The loop does not look into either.
pub(super) trait Handler: Clone + Send + Sync + 'static {
    /// Handles an event, whether it is well-formed or not.
    fn respond(
        &self,
        event: Bytes,
        invocation: &Invocation,
    ) -> impl Future<Output = FunctionResponse> + Send;

    /// The response to an invocation whose handling panicked.
    fn panicked(&self, invocation: &Invocation) -> FunctionResponse;

    /// The response to an invocation that is aborted by the shutdown.
    fn shutting_down(&self, invocation: &Invocation) -> FunctionResponse;
}

/// Serves one invocation after another.
pub(super) struct Worker<H> {
    pub(super) api: RuntimeApi,
    pub(super) handler: H,
    pub(super) shutdown: Shutdown,
    pub(super) health: WorkerHealth,
    pub(super) now: fn() -> SystemTime,
}

impl<H: Handler> Worker<H> {
    /// Runs until the shutdown. A panic ends neither this worker nor the others.
    ///
    /// # Errors
    /// [`RuntimeApiError`] once no worker gets invocations any more.
    pub(super) async fn run(mut self) -> Result<(), RuntimeApiError> {
        loop {
            match AssertUnwindSafe(self.serve()).catch_unwind().await {
                Ok(result) => return result,
                // Panics of an invocation are caught in `handle`, so this one is the loop's own.
                Err(_) => sleep(POLL_PAUSE).await,
            }
        }
    }

    async fn serve(&mut self) -> Result<(), RuntimeApiError> {
        let mut failures = 0;
        loop {
            let mut shutdown = self.shutdown.clone();
            let next = tokio::select! {
                biased;
                () = shutdown.draining() => return Ok(()),
                next = self.api.next() => next,
            };
            let delay = match next {
                Ok(next) => {
                    self.health.record_success(failures);
                    failures = 0;
                    match next {
                        Some((event, context)) => {
                            pin!(self.handle(event, context)).await;
                            continue;
                        }
                        None => POLL_PAUSE,
                    }
                }
                Err(failure) => {
                    failures += 1;
                    if self.health.record_failure(failures) {
                        return Err(failure);
                    }
                    let delay = delay(failures, rand::random());
                    telemetry::no_invocation(failures, delay, &failure);
                    delay
                }
            };
            tokio::select! {
                () = shutdown.draining() => return Ok(()),
                () = sleep(delay) => {}
            }
        }
    }

    async fn handle(&mut self, event: Bytes, context: Context) {
        let received = Instant::now();
        let given = context.deadline_ms;
        let invocation = Invocation {
            context,
            received,
            deadline: given.and_then(|given| deadline(given, received, (self.now)())),
        };
        let response = pin!(self.response(event, &invocation)).await;
        // Lambda may freeze the process right after the response, so log lines are written first.
        Output.flush();
        if let Err(failure) = self.send(&invocation, response).await {
            telemetry::response_not_accepted(&invocation.context.request_id, &failure);
        }
    }

    /// The handler's response, or another one where the handler panics or is aborted.
    async fn response(&self, event: Bytes, invocation: &Invocation) -> FunctionResponse {
        let mut shutdown = self.shutdown.clone();
        // Pinned where it is made: it is large, and would be moved into the future that waits for it.
        let responding = pin!(self.handler.respond(event, invocation));
        tokio::select! {
            biased;
            response = AssertUnwindSafe(responding).catch_unwind() => {
                response.unwrap_or_else(|_| self.handler.panicked(invocation))
            }
            () = shutdown.aborting() => self.handler.shutting_down(invocation),
        }
    }

    /// Sends a response to Lambda. A failure, mostly since the caller has gone, concerns this
    /// invocation alone.
    async fn send(
        &mut self,
        invocation: &Invocation,
        response: FunctionResponse,
    ) -> Result<(), SendError> {
        let context = &invocation.context;
        let response = match response {
            FunctionResponse::Whole(response) => {
                return Ok(self.api.respond(context, response).await?);
            }
            FunctionResponse::Streamed(response) => StreamedResponse::new(response, &self.shutdown),
        };
        let response = response.boxed_unsync();
        let streaming = self.api.stream(context, response);
        let until = invocation.deadline;
        let Some(until) = until.and_then(|until| until.checked_sub(DEADLINE_MARGIN)) else {
            return Ok(streaming.await?);
        };
        // A response that comes late, or after the deadline, still gets some time.
        let until = until.max(Instant::now() + DEADLINE_MARGIN);
        let streamed = timeout_at(until, streaming).await;
        Ok(streamed.map_err(|_| SendError::Timeout)??)
    }
}

/// Why Lambda did not take a response.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Failed(#[from] RuntimeApiError),
    #[error("its caller did not read it in Lambda's time")]
    Timeout,
}

/// The delay after this many failures in a row, with equal jitter, as for retries of agents.
/// `random` is any number.
fn delay(failures: u32, random: u32) -> Duration {
    let doubled = INITIAL_DELAY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let half = doubled.min(MAX_DELAY) / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// Counts the workers that are failing. The process is of use while at least one worker gets
/// invocations, or waits for one.
#[derive(Clone, Debug)]
pub(super) struct WorkerHealth {
    workers: usize,
    failing: Arc<AtomicUsize>,
}

impl WorkerHealth {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers,
            failing: Arc::default(),
        }
    }

    /// Records a worker's n-th failure in a row. Returns whether all workers are failing.
    fn record_failure(&self, failures: u32) -> bool {
        if failures == FAILING_AFTER {
            self.failing.fetch_add(1, Ordering::Relaxed);
        }
        failures >= FAILING_AFTER && self.failing.load(Ordering::Relaxed) == self.workers
    }

    /// Records that a worker succeeded again, after this many failures in a row.
    fn record_success(&self, failures: u32) {
        if failures >= FAILING_AFTER {
            self.failing.fetch_sub(1, Ordering::Relaxed);
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
    use super::super::shutdown::shutdown_channel;
    use super::*;

    #[derive(Clone)]
    struct Panics;

    impl Handler for Panics {
        async fn respond(&self, event: Bytes, _: &Invocation) -> FunctionResponse {
            panic!("{event:?}")
        }

        fn panicked(&self, invocation: &Invocation) -> FunctionResponse {
            FunctionResponse::Whole(format!("{} panicked", invocation.context.request_id).into())
        }

        fn shutting_down(&self, _: &Invocation) -> FunctionResponse {
            FunctionResponse::Whole(Bytes::new())
        }
    }

    /// Nothing but the loop catches panics of a handler.
    #[tokio::test]
    async fn a_panicking_handler_still_gives_a_response() {
        let (answered, mut answers) = mpsc::unbounded_channel();
        let next = get(async || ([("lambda-runtime-aws-request-id", "id")], "event"));
        let response = post(async move |answer: String| answered.send(answer).unwrap());
        let lambda = Router::new()
            .route("/2018-06-01/runtime/invocation/next", next)
            .route("/2018-06-01/runtime/invocation/id/response", response);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(axum::serve(listener, lambda).into_future());

        let (_trigger, shutdown) = shutdown_channel();
        let mut worker = Worker {
            api: RuntimeApi::new(Address::parse(&address).unwrap()),
            handler: Panics,
            shutdown,
            health: WorkerHealth::new(1),
            now: || SystemTime::UNIX_EPOCH,
        };
        for _ in 0..2 {
            let (event, context) = worker.api.next().await.unwrap().unwrap();
            worker.handle(event, context).await;
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
    fn the_loop_ends_only_when_all_workers_are_failing() {
        let health = WorkerHealth::new(2);
        assert!((1..100).all(|failures| !health.record_failure(failures)));
        assert!((1..10).all(|failures| !health.clone().record_failure(failures)));
        health.record_success(99);
        assert!(!health.record_failure(10), "the other one has come back");
        assert!((1..10).all(|failures| !health.record_failure(failures)));
        assert!(health.record_failure(10));
    }
}
