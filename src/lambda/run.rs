//! The function's lifecycle: start, serving, shutdown.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::call::Function;
use super::hook::HookFunction;
use super::mode::InvokeMode;
use super::runtime_api::{Address, RuntimeApi, RuntimeApiError};
use super::shutdown::{ShutdownTrigger, shutdown_channel};
use super::worker::{Handler, Worker, WorkerHealth};
use crate::api::Api;
use crate::env::{ConfigError, Environment};
use crate::hook::Hook;
use crate::telemetry::{Metrics, Output};

/// Holds the address of the Runtime API. Set on Lambda only.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// How many invocations Lambda Managed Instances run concurrently in one process.
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

const FUNCTION_VERSION: &str = "AWS_LAMBDA_FUNCTION_VERSION";

/// How the process was started. With `SnapStart` it must report that it is ready for the snapshot.
const INITIALIZATION_TYPE: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";
const SNAP_START: &str = "snap-start";

/// The message printed when the binary is started outside of Lambda.
pub const NOT_ON_LAMBDA: &str = "this is an AWS Lambda function, and there is no Lambda here; run \
    `cargo local` for the same API on this machine (see README.md)";

/// How long invocations in flight may finish by themselves after SIGTERM. Lambda kills a runtime
/// 300 ms after SIGTERM.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const DRAIN_TIMEOUT: Duration = Duration::from_millis(150);

/// After [`DRAIN_TIMEOUT`]: how long workers may take to send the responses and log lines of
/// aborted invocations.
const ABORT_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a process that cannot start waits for the Runtime API to accept the reason.
const INIT_ERROR_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether this process runs on Lambda.
pub fn is_here(env: &Environment) -> bool {
    env.get(RUNTIME_API).is_some()
}

fn concurrency(env: &Environment) -> usize {
    let number = env.get(MAX_CONCURRENCY).and_then(|text| text.parse().ok());
    number.unwrap_or(1).max(1)
}

/// Builds the tokio runtime: single-threaded for one invocation at a time, which mostly waits for
/// I/O, and multi-threaded for several.
///
/// # Errors
/// The operating system's error if it provides no threads or no event queue.
pub fn runtime(env: &Environment) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match concurrency(env) {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    // Lambda may freeze the process while it waits, so buffered log lines are written before that.
    Output.gather();
    builder.on_thread_park(|| Output.flush());
    builder.enable_all().build()
}

/// The metrics of this function's invocations.
pub fn metrics(namespace: String, env: &Environment, now: fn() -> SystemTime) -> Metrics {
    Metrics {
        namespace,
        function_version: env.get(FUNCTION_VERSION).unwrap_or("$LATEST").to_owned(),
        now,
    }
}

/// Why the function stopped serving invocations.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] RuntimeApiError);

/// Reports to Lambda why the function cannot start. Failures are ignored, since the process ends
/// either way.
pub async fn report_init_error(env: &Environment, error: &ConfigError) {
    let message = error.to_string();
    let report = async {
        runtime_api(env)?
            .init_error("ConfigurationError", &message)
            .await
    };
    let _ = timeout(INIT_ERROR_TIMEOUT, report).await;
}

fn runtime_api(env: &Environment) -> Result<RuntimeApi, RuntimeApiError> {
    let address = env.get(RUNTIME_API).unwrap_or_default();
    Ok(RuntimeApi::new(Address::parse(address)?))
}

/// Serves invocations until SIGTERM: one at a time, or as many concurrently as Lambda Managed
/// Instances ask for.
///
/// # Errors
/// [`Error`] if the Runtime API has been unreachable for some 20 s.
pub async fn run(
    api: Api,
    mode: InvokeMode,
    env: &Environment,
    now: fn() -> SystemTime,
) -> Result<(), Error> {
    serve(Function { api, mode }, env, now).await
}

/// The same for the hook of a deployment.
///
/// # Errors
/// As for [`run`].
pub async fn run_hook(hook: Hook, env: &Environment, now: fn() -> SystemTime) -> Result<(), Error> {
    serve(HookFunction(Arc::new(hook)), env, now).await
}

async fn serve(
    handler: impl Handler,
    env: &Environment,
    now: fn() -> SystemTime,
) -> Result<(), Error> {
    if env.get(INITIALIZATION_TYPE) == Some(SNAP_START) {
        runtime_api(env)?.restored().await?;
    }
    let (trigger, shutdown) = shutdown_channel();
    let concurrency = concurrency(env);
    let health = WorkerHealth::new(concurrency);
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let worker = Worker {
            api: runtime_api(env)?,
            handler: handler.clone(),
            shutdown: shutdown.clone(),
            health: health.clone(),
            now,
        };
        workers.spawn(worker.run());
    }
    tokio::select! {
        ended = join_all(&mut workers) => ended?,
        () = terminated() => shut_down(trigger, workers).await,
    }
    Ok(())
}

/// Shuts the workers down: drains them for [`DRAIN_TIMEOUT`], then aborts them.
async fn shut_down(shutdown: ShutdownTrigger, mut workers: JoinSet<Result<(), RuntimeApiError>>) {
    shutdown.drain();
    if timeout(DRAIN_TIMEOUT, join_all(&mut workers))
        .await
        .is_err()
    {
        shutdown.abort();
        // Nothing more can be done if this times out. Dropping the workers closes their sockets.
        let _ = timeout(ABORT_TIMEOUT, join_all(&mut workers)).await;
    }
    workers.shutdown().await;
}

/// Waits until all workers have ended. Returns early with the error of the one that found all
/// workers failing.
async fn join_all(
    workers: &mut JoinSet<Result<(), RuntimeApiError>>,
) -> Result<(), RuntimeApiError> {
    while let Some(ended) = workers.join_next().await {
        // Workers catch panics themselves, so one that arrives here is a bug worth crashing on.
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    }
    Ok(())
}

/// Waits for SIGTERM, which Lambda sends before it ends the process.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut signals) = signal(SignalKind::terminate()) {
            signals.recv().await;
            return;
        }
    }
    // Without a handler, SIGTERM ends the process by default.
    std::future::pending::<()>().await;
}
