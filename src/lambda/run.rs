//! The function from its start to its end.

use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::call::Function;
use super::mode::InvokeMode;
use super::runtime_api::{Address, Failure, RuntimeApi};
use super::stopping::{Stop, stopping};
use super::worker::{Lost, Worker};
use crate::api::Api;
use crate::env::{ConfigError, Environment};
use crate::telemetry::{Metrics, Output};

/// The environment variable that is there on Lambda alone: where the Runtime API is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// How many invocations Lambda Managed Instances run in one process at once.
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

const FUNCTION_VERSION: &str = "AWS_LAMBDA_FUNCTION_VERSION";

/// How the process was started; one that is to be copied says when it is ready for that.
const INITIALIZATION_TYPE: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";
const SNAP_START: &str = "snap-start";

/// What the function says where it is no function.
pub const NOT_ON_LAMBDA: &str = "this is an AWS Lambda function, and there is no Lambda here; run \
    `cargo local` for the same API on this machine (see README.md)";

/// After SIGTERM what is under way may still end by itself for so long. Lambda lets a runtime live
/// for 300 ms.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const GRACE: Duration = Duration::from_millis(150);

/// Then so much is left to say that it is given up.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How long the end of a process that cannot start waits for Lambda to know why.
const TELLING: Duration = Duration::from_secs(1);

/// Whether this process is a Lambda function.
pub fn is_here(env: &Environment) -> bool {
    env.get(RUNTIME_API).is_some()
}

fn concurrency(env: &Environment) -> usize {
    let number = env.get(MAX_CONCURRENCY).and_then(|text| text.parse().ok());
    number.unwrap_or(1).max(1)
}

/// The runtime that fits: one invocation at a time mostly waits, and a second thread would only
/// cost; several at once are shared among the processors.
///
/// # Errors
/// The operating system's, where it gives no threads or no way to wait.
pub fn runtime(env: &Environment) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match concurrency(env) {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    // Lambda may freeze the process while it waits: what it has said is out by then.
    Output.gather();
    builder.on_thread_park(|| Output.flush());
    builder.enable_all().build()
}

/// Where the function's invocations are measured.
pub fn metrics(namespace: String, env: &Environment, now: fn() -> SystemTime) -> Metrics {
    Metrics {
        namespace,
        function_version: env.get(FUNCTION_VERSION).unwrap_or("$LATEST").to_owned(),
        now,
    }
}

/// Why the function does not serve.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Failure);

/// Tells Lambda why the function cannot start.
///
/// A Runtime API that cannot be reached is no reason to wait: the process ends either way.
pub async fn report_init_error(env: &Environment, error: &ConfigError) {
    let message = error.to_string();
    let telling = async {
        runtime_api(env)?
            .init_error("ConfigurationError", &message)
            .await
    };
    let _ = timeout(TELLING, telling).await;
}

fn runtime_api(env: &Environment) -> Result<RuntimeApi, Failure> {
    let address = env.get(RUNTIME_API).unwrap_or_default();
    Ok(RuntimeApi::new(Address::parse(address)?))
}

/// Serves invocations until Lambda ends the process: one at a time, or as many at once as Lambda
/// Managed Instances ask for.
///
/// # Errors
/// [`Error`] where the Runtime API cannot be talked to for long.
pub async fn run(
    api: Api,
    mode: InvokeMode,
    env: &Environment,
    now: fn() -> SystemTime,
) -> Result<(), Error> {
    if env.get(INITIALIZATION_TYPE) == Some(SNAP_START) {
        runtime_api(env)?.restored().await?;
    }
    let (stop, stopping) = stopping();
    let concurrency = concurrency(env);
    let lost = Lost::of(concurrency);
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let worker = Worker {
            api: runtime_api(env)?,
            handler: Function {
                api: api.clone(),
                mode,
            },
            stopping: stopping.clone(),
            lost: lost.clone(),
            now,
        };
        workers.spawn(worker.run());
    }
    tokio::select! {
        ended = all(&mut workers) => ended?,
        () = terminated() => end(stop, workers).await,
    }
    Ok(())
}

/// Lets workers end, then makes them.
async fn end(stop: Stop, mut workers: JoinSet<Result<(), Failure>>) {
    stop.begin();
    if timeout(GRACE, all(&mut workers)).await.is_err() {
        stop.cut();
        // What is not said by then is not said. Sockets close as they are dropped.
        let _ = timeout(LAST_WORDS, all(&mut workers)).await;
    }
    workers.shutdown().await;
}

/// Waits until all workers have ended, or one has said that there is nothing to be had for any.
async fn all(workers: &mut JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(ended) = workers.join_next().await {
        // Workers catch what panics in them.
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    }
    Ok(())
}

/// Waits for SIGTERM, by which Lambda says that the process is about to end.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut signals) = signal(SignalKind::terminate()) {
            signals.recv().await;
            return;
        }
    }
    // Where it cannot be waited for, it ends the process by itself.
    std::future::pending::<()>().await;
}
