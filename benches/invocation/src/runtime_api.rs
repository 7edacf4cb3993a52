//! A Runtime API for one function.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::Error;
use crate::http::Connection;

const INVOCATION_TIMEOUT: Duration = Duration::from_mins(1);

/// The response of a function, and how long it took.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
    /// The time to the first chunk of a streamed reply.
    pub(crate) first_chunk: Option<Duration>,
}

pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    idle: AsyncMutex<mpsc::UnboundedReceiver<Worker>>,
    /// Ends with this.
    _serving: JoinSet<()>,
}

/// A caller that waits for a response.
type Caller = oneshot::Sender<Result<Answer, String>>;

/// A worker that asks for work.
type Worker = oneshot::Sender<Invocation>;

struct Invocation {
    event: Arc<str>,
    answer: Caller,
}

struct Shared {
    workers: mpsc::UnboundedSender<Worker>,
    /// The number of workers that ask for work.
    idle: watch::Sender<usize>,
    /// Invocations in flight by id, with the time at which they began.
    running: Mutex<HashMap<String, (Instant, Caller)>>,
    ids: Mutex<u64>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> io::Result<Self> {
        let (workers, idle) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            workers,
            idle: watch::Sender::new(0),
            running: Mutex::default(),
            ids: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            idle: AsyncMutex::new(idle),
            _serving: serving,
        })
    }

    /// Waits until this many workers ask for work.
    pub(crate) async fn idle(&self, workers: usize) {
        let mut idle = self.shared.idle.subscribe();
        // Cannot fail: the sender is part of `self`, so it outlives this call.
        let _ = idle.wait_for(|idle| *idle >= workers).await;
    }

    /// Passes an event to a worker that asks for work.
    pub(crate) async fn invoke(&self, event: &Arc<str>) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let worker = self.idle.lock().await.recv().await.ok_or("no workers")?;
        self.shared.idle.send_modify(|idle| *idle -= 1);
        let event = Arc::clone(event);
        let gone = |_| "the function has gone";
        worker.send(Invocation { event, answer }).map_err(gone)?;
        let answer = tokio::time::timeout(INVOCATION_TIMEOUT, answered).await;
        Ok(answer?.map_err(|_| "the function has gone")??)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve(Connection::new(stream), Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// If the connection breaks off, the invocation ends without a response, which its caller notices.
async fn serve(mut connection: Connection, shared: Arc<Shared>) -> io::Result<()> {
    while let Some(request) = connection.request().await? {
        let arrived = Instant::now();
        match request.path.strip_prefix("/2018-06-01/runtime/invocation/") {
            Some("next") if request.method == "GET" => next(&mut connection, &shared).await?,
            Some(rest) => {
                let first_chunk = request.first_chunk;
                answered(&shared, rest, arrived, first_chunk, request.body);
                let accepted = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\
                    Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
                connection.send(accepted).await?;
            }
            None => {
                let body = String::from_utf8_lossy(&request.body);
                eprintln!("invocation: {} {}: {body}", request.method, request.path);
                connection
                    .send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                    .await?;
            }
        }
    }
    Ok(())
}

async fn next(connection: &mut Connection, shared: &Shared) -> io::Result<()> {
    let (worker, invocation) = oneshot::channel();
    // The receiver is dropped together with the whole Runtime API.
    let _ = shared.workers.send(worker);
    shared.idle.send_modify(|idle| *idle += 1);
    let Ok(Invocation { event, answer }) = invocation.await else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let id = shared.next_id();
    let deadline = now() + INVOCATION_TIMEOUT;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Aws-Request-Id: {id}\r\n\
         Lambda-Runtime-Deadline-Ms: {}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
         Content-Length: {}\r\n\r\n{event}",
        deadline.as_millis(),
        event.len(),
    );
    lock(&shared.running).insert(id, (Instant::now(), answer));
    connection.send(head.as_bytes()).await
}

fn answered(
    shared: &Shared,
    path: &str,
    arrived: Instant,
    first_chunk: Option<Instant>,
    body: Vec<u8>,
) {
    let Some((id, kind)) = path.split_once('/') else {
        return;
    };
    let Some((began, answer)) = lock(&shared.running).remove(id) else {
        return;
    };
    let told = match kind {
        "response" => Ok(Answer {
            took: arrived - began,
            first_chunk: first_chunk.map(|first| first - began),
            body,
        }),
        _ => Err(String::from_utf8_lossy(&body).into_owned()),
    };
    // A caller that no longer waits has reported why.
    let _ = answer.send(told);
}

impl Shared {
    fn next_id(&self) -> String {
        let mut ids = lock(&self.ids);
        *ids += 1;
        format!("8476a536-e9f4-11e8-9739-{ids:012}")
    }
}

fn now() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "Lambda says when an invocation has to end"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Poisoning is impossible: nothing panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
