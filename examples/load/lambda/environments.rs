//! Execution environments: processes of the function, and who waits for one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use super::runtime_api;

/// The function, and how many of it there may be.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) binary: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) most: usize,
    pub(crate) at_once: usize,
    pub(crate) timeout: Duration,
}

/// An event for the function.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) event: Bytes,
}

/// What the function made of an event.
#[derive(Debug)]
pub(crate) enum Outcome {
    Whole(Bytes),
    /// The body that is still coming. Dropping the sender says that it was taken, or left.
    Stream(Body, oneshot::Sender<()>),
    Failed,
}

/// All environments there may be are busy.
#[derive(Debug)]
pub(crate) struct Throttled;

/// An environment that asks for work.
type Worker = oneshot::Sender<Invocation>;

#[derive(Debug)]
pub(crate) struct Environments {
    pub(crate) function: Function,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Worker>,
    waiting: VecDeque<oneshot::Sender<Worker>>,
    callers: HashMap<String, oneshot::Sender<Outcome>>,
    /// Environments that there are, those that start included.
    environments: usize,
    /// How many of them have not asked for work yet.
    starting: usize,
    running: usize,
    cold_starts: Vec<Duration>,
    throttled: u64,
}

/// One invocation that runs, for as long as its answer is being sent.
#[derive(Debug)]
pub(crate) struct Running(Arc<Environments>);

impl Environments {
    pub(crate) fn new(function: Function) -> Arc<Self> {
        Arc::new(Self {
            function,
            state: Mutex::default(),
        })
    }

    /// Hands an event to an environment: one that is idle, else a new one.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        event: Bytes,
    ) -> Result<(Outcome, Running), Throttled> {
        let running = self.admit()?;
        let id = Uuid::new_v4().to_string();
        let (caller, outcome) = oneshot::channel();
        self.state().callers.insert(id.clone(), caller);
        let mut invocation = Invocation { id, event };
        loop {
            let Some(worker) = self.worker().await else {
                return Ok((Outcome::Failed, running));
            };
            match worker.send(invocation) {
                Ok(()) => break,
                // That environment has gone meanwhile.
                Err(unsent) => invocation = unsent,
            }
        }
        let outcome = outcome.await.unwrap_or(Outcome::Failed);
        Ok((outcome, running))
    }

    fn admit(self: &Arc<Self>) -> Result<Running, Throttled> {
        let mut state = self.state();
        if state.running == self.function.most * self.function.at_once {
            state.throttled += 1;
            return Err(Throttled);
        }
        state.running += 1;
        drop(state);
        Ok(Running(Arc::clone(self)))
    }

    /// Waits for an environment, and starts one if those that start are not enough.
    async fn worker(self: &Arc<Self>) -> Option<Worker> {
        let (waiter, worker) = oneshot::channel();
        let starts = {
            let mut state = self.state();
            if let Some(worker) = state.idle.pop() {
                return Some(worker);
            }
            state.waiting.push_back(waiter);
            state.waiting.len() > state.starting * self.function.at_once
                && state.environments < self.function.most
        };
        if starts && let Err(error) = self.start_one() {
            say(&format!("the function does not start: {error}"));
        }
        worker.await.ok()
    }

    /// Starts an environment.
    ///
    /// # Errors
    /// The binary cannot be run.
    pub(crate) fn start_one(self: &Arc<Self>) -> io::Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let mut command = Command::new(&self.function.binary);
        command
            .envs(&self.function.variables)
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bridge")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if !self.function.variables.contains_key("INVOKE_MODE") {
            command.env("INVOKE_MODE", "response_stream");
        }
        if self.function.at_once > 1 {
            let at_once = self.function.at_once.to_string();
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", at_once);
        }
        let began = Instant::now();
        let mut child = command.spawn()?;
        let id = child.id().unwrap_or_default();
        {
            let mut state = self.state();
            state.environments += 1;
            state.starting += 1;
        }
        let environments = Arc::clone(self);
        tokio::spawn(async move {
            let (ready, asked) = oneshot::channel();
            let serving = runtime_api::serve(listener, Arc::clone(&environments), ready);
            let awaited = async {
                let is_up = asked.await.is_ok();
                environments.started(is_up.then(|| began.elapsed()), id);
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = serving => {}
                () = awaited => {}
                status = child.wait() => {
                    let status = status.map_or_else(|error| error.to_string(), |it| it.to_string());
                    say(&format!("process {id} ended: {status}"));
                }
            }
            environments.ended();
        });
        Ok(())
    }

    fn started(&self, after: Option<Duration>, process: u32) {
        let mut state = self.state();
        state.starting -= 1;
        let Some(after) = after else { return };
        state.cold_starts.push(after);
        let number = state.cold_starts.len();
        drop(state);
        let ms = after.as_secs_f64() * 1000.0;
        say(&format!(
            "environment {number}: process {process}, asked for work after {ms:.1} ms"
        ));
    }

    fn ended(&self) {
        let mut state = self.state();
        state.environments -= 1;
        if state.environments == 0 {
            state.waiting.clear();
        }
    }

    /// Takes an environment that asks for work; it gets an event when there is one.
    pub(crate) fn asks(&self) -> oneshot::Receiver<Invocation> {
        let (mut worker, invocation) = oneshot::channel();
        let mut state = self.state();
        while let Some(waiter) = state.waiting.pop_front() {
            match waiter.send(worker) {
                Ok(()) => return invocation,
                // That caller has gone.
                Err(unsent) => worker = unsent,
            }
        }
        state.idle.push(worker);
        invocation
    }

    /// Whoever waits for the answer to an event.
    pub(crate) fn caller(&self, id: &str) -> Option<oneshot::Sender<Outcome>> {
        self.state().callers.remove(id)
    }

    /// What there was, in one line.
    pub(crate) fn summary(&self) -> String {
        let mut state = self.state();
        state.cold_starts.sort_unstable();
        let ms = |at: usize| {
            let time = state.cold_starts.get(at).copied().unwrap_or_default();
            time.as_secs_f64() * 1000.0
        };
        let number = state.cold_starts.len();
        format!(
            "{number} environments, cold starts of {:.1} ms (median) to {:.1} ms, {} invocations throttled",
            ms(number / 2),
            ms(number.saturating_sub(1)),
            state.throttled
        )
    }

    /// No lock is held across code that can panic, so what is in it is consistent.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

fn say(line: &str) {
    println!("{line}");
}
