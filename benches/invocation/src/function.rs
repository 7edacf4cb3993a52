//! A function: a program as a child process with a Runtime API of its own.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::runtime_api::{Answer, RuntimeApi};
use crate::{Error, processors};

/// How long to wait for a function's first request for work. Under callgrind it is slow.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The interval between two reads of a clock that should stand still.
const LOOK: Duration = Duration::from_micros(300);

pub(crate) struct Function {
    child: Child,
    pid: Pid,
    clock: ClockId,
    api: RuntimeApi,
    workers: usize,
}

/// Memory in kibibytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// The peak of resident memory.
    pub(crate) peak: u64,
    /// Resident memory that is not backed by a file.
    pub(crate) anonymous: u64,
    /// Resident memory, with shared pages divided among the processes.
    pub(crate) proportional: u64,
}

impl Function {
    /// Starts a function for this many concurrent invocations, and waits until it asks for work.
    pub(crate) async fn start(
        mut command: Command,
        workers: usize,
        variables: &[(&'static str, String)],
    ) -> Result<Self, Error> {
        let api = RuntimeApi::start().await?;
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench")
            .env(
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "2026/01/01/[$LATEST]0123456789abcdef",
            )
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_REGION", "us-east-1")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if workers > 1 {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", workers.to_string());
        }
        let mut child = processors::on_the_others(|| command.spawn())??;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let pid = Pid::from_raw(pid.ok_or("the function has no id")?);
        // As on Lambda, the log output is read.
        if let Some(mut log) = child.stdout.take() {
            tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
        }
        let function = Self {
            child,
            pid,
            clock: clock_getcpuclockid(pid)?,
            api,
            workers,
        };
        let started = timeout(START_TIMEOUT, function.api.idle(workers)).await;
        started.map_err(|_| format!("{command:?} has not asked for work"))?;
        Ok(function)
    }

    pub(crate) async fn invoke(&self, event: &Arc<str>) -> Result<Answer, Error> {
        self.api.invoke(event).await
    }

    /// The processor time of the process until it waits for its next invocation.
    pub(crate) async fn processor_time(&self) -> Result<Duration, Error> {
        self.api.idle(self.workers).await;
        // After asking for work it executes a few more instructions before it really waits.
        let mut before = Duration::from(clock_gettime(self.clock)?);
        loop {
            sleep(LOOK).await;
            let now = Duration::from(clock_gettime(self.clock)?);
            if now == before {
                return Ok(now);
            }
            before = now;
        }
    }

    pub(crate) fn memory(&self) -> Result<Memory, Error> {
        let read = |file| fs::read_to_string(format!("/proc/{}/{file}", self.pid));
        let status = read("status")?;
        Ok(Memory {
            peak: field(&status, "VmHWM:")?,
            anonymous: field(&status, "RssAnon:")?,
            proportional: field(&read("smaps_rollup")?, "Pss:")?,
        })
    }

    /// Asks the process to end, and waits for that.
    pub(crate) async fn terminate(mut self) -> Result<(), Error> {
        kill(self.pid, Signal::SIGTERM)?;
        timeout(START_TIMEOUT, self.child.wait()).await??;
        Ok(())
    }
}

fn field(text: &str, name: &str) -> Result<u64, Error> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let value = lines.next().and_then(|line| line.split_whitespace().next());
    Ok(value
        .ok_or_else(|| format!("the kernel does not tell {name}"))?
        .parse()?)
}
