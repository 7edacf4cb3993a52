//! A Lambda Runtime API on loopback, with the built binary as a child process.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::JoinHandle;

/// The outcome of an invocation.
#[derive(Debug)]
pub(crate) enum Outcome {
    Response(Value),
    /// A streamed response, chunk by chunk. Reading slowly slows the function; dropping the
    /// receiver closes the connection.
    Stream(mpsc::Receiver<Bytes>),
    Error(Value),
}

/// The function as a child process, with its Runtime API.
pub(crate) struct Function {
    child: Child,
    /// The output of the process, read while it runs.
    stdout: Output,
    stderr: Output,
    events: mpsc::UnboundedSender<Next>,
    shared: Arc<Shared>,
    invocations: Mutex<u32>,
}

struct Shared {
    events: AsyncMutex<mpsc::UnboundedReceiver<Next>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    init_error: Mutex<Option<Value>>,
    /// How often the function reported to be ready for its snapshot.
    snapshots: Mutex<u32>,
    /// The trailers of the last streamed response that had any.
    trailers: Mutex<Option<HeaderMap>>,
    /// The status for a streamed response whose caller has gone.
    cancelled_status: Mutex<StatusCode>,
    timeout: Duration,
}

/// The answer to a function that asks for work.
enum Next {
    Event(String, Vec<u8>, Headers),
    BadAnswer(BadAnswer),
}

/// Headers that replace the usual ones; `None` removes one.
pub(crate) type Headers = Vec<(&'static str, Option<&'static str>)>;

/// Answers to a function that asks for work, which Lambda should not give.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BadAnswer {
    Status(u16),
    /// An event without a request id.
    NoId,
    /// The connection breaks off in mid-event.
    Broken,
}

/// How the standard output of the process is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listening {
    /// Completely, while the process runs.
    Always,
    /// Only after [`Function::listen`].
    Later,
    /// Not at all: the reading end is closed.
    Never,
}

/// An output pipe of the process.
enum Output {
    Read(JoinHandle<String>),
    Unread(ChildStdout),
    Closed,
}

impl Output {
    fn reading(mut pipe: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self::Read(tokio::spawn(async move {
            let mut said = String::new();
            pipe.read_to_string(&mut said).await.unwrap();
            said
        }))
    }

    /// The output until the process ended.
    async fn whole(self) -> String {
        match self {
            Self::Read(said) => said.await.unwrap(),
            Self::Unread(_) | Self::Closed => String::new(),
        }
    }
}

/// Reads a streamed response to its end. Returns status and body.
pub(crate) async fn whole(mut parts: mpsc::Receiver<Bytes>) -> (u64, String) {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(part) = parts.recv().await {
            bytes.extend_from_slice(&part);
        }
    };
    let reading = tokio::time::timeout(Duration::from_mins(1), reading);
    reading.await.expect("an end in time");
    let text = String::from_utf8(bytes).unwrap();
    let (prelude, body) = text.split_once("\0\0\0\0\0\0\0\0").unwrap();
    let prelude = json_of(prelude.as_bytes());
    (prelude["statusCode"].as_u64().unwrap(), body.to_owned())
}

/// The exit of a process.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) init_error: Option<Value>,
}

/// The resources of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resources {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) memory_kib: u64,
}

impl Function {
    /// The current resources of the process.
    pub(crate) fn resources(&self) -> Resources {
        let process = format!("/proc/{}", self.child.id().unwrap());
        let count = |folder| {
            std::fs::read_dir(format!("{process}/{folder}"))
                .unwrap()
                .count()
        };
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        Resources {
            descriptors: count("fd"),
            threads: count("task"),
            memory_kib: memory.trim_end_matches("kB").trim().parse().unwrap(),
        }
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The most memory that the process has held.
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.unwrap().trim_end_matches("kB").trim().parse().unwrap()
    }

    /// Starts the function with these variables and no others.
    pub(crate) async fn start(variables: Vec<(String, String)>) -> Self {
        Self::start_with(variables, Duration::from_secs(30), Listening::Always).await
    }

    /// Starts the function with a timeout for each invocation and with a way to read its output.
    pub(crate) async fn start_with(
        variables: Vec<(String, String)>,
        timeout: Duration,
        listening: Listening,
    ) -> Self {
        Self::start_through(&[], variables, timeout, listening).await
    }

    /// Starts the function through a command that becomes it.
    pub(crate) async fn start_through(
        through: &[&str],
        variables: Vec<(String, String)>,
        timeout: Duration,
        listening: Listening,
    ) -> Self {
        let command = [through, &[env!("CARGO_BIN_EXE_agentcore-bridge")]].concat();
        Self::start_command(&command, variables, timeout, listening).await
    }

    /// Starts any function of the package by its command.
    pub(crate) async fn start_command(
        command: &[&str],
        variables: Vec<(String, String)>,
        timeout: Duration,
        listening: Listening,
    ) -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            events: AsyncMutex::new(receiver),
            waiting: Mutex::default(),
            init_error: Mutex::default(),
            snapshots: Mutex::default(),
            trailers: Mutex::default(),
            cancelled_status: Mutex::new(StatusCode::ACCEPTED),
            timeout,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .route("/2018-06-01/runtime/restore/next", get(restore))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });

        let mut child = Command::new(command[0])
            .args(&command[1..])
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bridge")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let stdout = match listening {
            Listening::Always => Output::reading(stdout),
            Listening::Later => Output::Unread(stdout),
            Listening::Never => Output::Closed,
        };
        let stderr = Output::reading(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
            events,
            shared,
            invocations: Mutex::default(),
        }
    }

    /// Sends an event and waits for the outcome.
    pub(crate) async fn invoke(&self, event: &Value) -> Outcome {
        self.invoke_with(event.to_string().into(), vec![]).await
    }

    /// Sends any bytes as an event, with other headers.
    pub(crate) async fn invoke_with(&self, event: Vec<u8>, headers: Headers) -> Outcome {
        let id = {
            let mut invocations = self.invocations.lock().unwrap();
            *invocations += 1;
            format!("8476a536-e9f4-11e8-9739-{invocations:012}")
        };
        let (sender, outcome) = oneshot::channel();
        self.shared
            .waiting
            .lock()
            .unwrap()
            .insert(id.clone(), sender);
        self.events.send(Next::Event(id, event, headers)).unwrap();
        let outcome = tokio::time::timeout(Duration::from_mins(1), outcome);
        outcome.await.expect("an answer in time").unwrap()
    }

    /// Answers badly when the function next asks for work.
    pub(crate) fn answer_badly(&self, answer: BadAnswer) {
        self.events.send(Next::BadAnswer(answer)).unwrap();
    }

    /// Sets the status for streamed responses whose caller has gone; 202 by default.
    pub(crate) fn set_cancelled_status(&self, status: StatusCode) {
        *self.shared.cancelled_status.lock().unwrap() = status;
    }

    /// The trailers of the last streamed response that had any.
    pub(crate) fn trailers(&self) -> Option<HeaderMap> {
        self.shared.trailers.lock().unwrap().clone()
    }

    /// How often the function reported to be ready for its snapshot.
    pub(crate) fn snapshots(&self) -> u32 {
        *self.shared.snapshots.lock().unwrap()
    }

    /// Sends SIGTERM to the process.
    pub(crate) async fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Starts to read the output, including what was written before.
    pub(crate) fn listen(&mut self) {
        if let Output::Unread(pipe) = std::mem::replace(&mut self.stdout, Output::Closed) {
            self.stdout = Output::reading(pipe);
        }
    }

    /// Waits until the process exits by itself.
    pub(crate) async fn ended(mut self) -> Exit {
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait());
        let status = status.await.expect("an end in time").unwrap();
        self.output(status.success()).await
    }

    /// Kills the process. Returns its output.
    pub(crate) async fn stop(mut self) -> Exit {
        self.child.kill().await.unwrap();
        self.output(false).await
    }

    async fn output(self, success: bool) -> Exit {
        let stdout = self.stdout.whole().await;
        let stderr = self.stderr.whole().await;
        let init_error = self.shared.init_error.lock().unwrap().take();
        Exit {
            success,
            stdout,
            stderr,
            init_error,
        }
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let Some(next) = shared.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let (id, event, others) = match next {
        Next::Event(id, event, others) => (id, event, others),
        Next::BadAnswer(BadAnswer::Status(status)) => {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        Next::BadAnswer(BadAnswer::NoId) => return "{}".into_response(),
        Next::BadAnswer(BadAnswer::Broken) => {
            let parts = [Ok("{\"a\":"), Err(std::io::Error::other("broken off"))];
            return Body::from_stream(futures_util::stream::iter(parts)).into_response();
        }
    };
    let deadline = SystemTime::now() + shared.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let mut response = event.into_response();
    let headers = response.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    headers.insert("lambda-runtime-aws-request-id", value(&id));
    headers.insert("lambda-runtime-deadline-ms", value(&deadline.to_string()));
    headers.insert(
        "lambda-runtime-invoked-function-arn",
        value("arn:aws:lambda:us-east-1:123456789012:function:bridge"),
    );
    headers.insert(
        "lambda-runtime-trace-id",
        value("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"),
    );
    for (name, other) in others {
        match other {
            Some(other) => drop(headers.insert(name, value(other))),
            None => drop(headers.remove(name)),
        }
    }
    response
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut body: Body,
) -> StatusCode {
    if headers.contains_key("lambda-runtime-function-response-mode") {
        let (sender, receiver) = mpsc::channel(1);
        let status = settle(&shared, &id, Outcome::Stream(receiver));
        loop {
            let frame = tokio::select! {
                () = sender.closed() => return *shared.cancelled_status.lock().unwrap(),
                frame = body.frame() => frame,
            };
            let Some(Ok(frame)) = frame else {
                return status;
            };
            match frame.into_data() {
                // If the caller leaves now, the next iteration notices.
                Ok(part) => drop(sender.send(part).await),
                Err(frame) => *shared.trailers.lock().unwrap() = frame.into_trailers().ok(),
            }
        }
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    settle(&shared, &id, Outcome::Response(json_of(&body)))
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    settle(&shared, &id, Outcome::Error(json_of(&body)))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    *shared.init_error.lock().unwrap() = Some(json_of(&body));
    StatusCode::ACCEPTED
}

async fn restore(State(shared): State<Arc<Shared>>) -> StatusCode {
    *shared.snapshots.lock().unwrap() += 1;
    StatusCode::OK
}

fn settle(shared: &Shared, id: &str, outcome: Outcome) -> StatusCode {
    let sender = shared.waiting.lock().unwrap().remove(id);
    match sender.map(|sender| sender.send(outcome)) {
        Some(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
