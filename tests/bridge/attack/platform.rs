//! What the platform does to a process: it freezes it at any moment for as long as it likes, and runs out
//! of things. After each of these the next invocation is right, and nothing is left behind.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentcore_emulator::{Agent, Emulator};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::hostile::{TEXT, accept, frame, function_to, read_out, server};
use crate::connecting::fill;
use crate::support::{ARN, Function, Listening, answered, rest_event, said, say, variables};
use crate::tls::secured;

/// Shorter than a freeze, all of them.
const TIMERS: [(&str, &str); 6] = [
    ("CONNECT_TIMEOUT_MS", "300"),
    ("HANDSHAKE_TIMEOUT_MS", "300"),
    ("CHUNK_TIMEOUT_MS", "300"),
    ("INVOKE_TIMEOUT_MS", "900"),
    ("PING_INTERVAL_MS", "200"),
    ("REUSE_IDLE_MS", "500"),
];
const FREEZE: Duration = Duration::from_millis(1_200);

fn event() -> Value {
    rest_event("POST", "/api/agents/invoke", Some(&said("x")))
}

/// Waits until there are no more descriptors than before: a socket closes behind its answer.
async fn closed_to(function: &Function, before: usize) {
    let closed = async {
        while function.resources().descriptors > before {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(10), closed).await;
    closed.expect("no more descriptors than before");
}

async fn signal(function: &Function, name: &str) {
    let process = function.id().to_string();
    let sent = Command::new("kill").args([name, &process]).status();
    assert!(sent.await.unwrap().success());
}

/// Where an agent is when the process is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The request for the upgrade has not been read.
    Handshake,
    FirstMessage,
    Stream,
    /// The last has been said, and the socket is not closed.
    Closing,
    /// The answer has been given.
    Idle,
}

const PHASES: [Phase; 5] = [
    Phase::Handshake,
    Phase::FirstMessage,
    Phase::Stream,
    Phase::Closing,
    Phase::Idle,
];

/// An agent that says where it is, and in its first connection waits there to be let on.
struct Stages {
    phase: Phase,
    is_first: Mutex<bool>,
    reached: Notify,
    goes_on: Notify,
}

impl Stages {
    async fn serve(&self, mut stream: TcpStream) {
        let stops = std::mem::take(&mut *self.is_first.lock().unwrap());
        let at = async |phase| {
            if stops && phase == self.phase {
                self.reached.notify_one();
                self.goes_on.notified().await;
            }
        };
        at(Phase::Handshake).await;
        accept(&mut stream).await;
        at(Phase::FirstMessage).await;
        let _ = stream
            .write_all(&frame(TEXT, b"data: {\"chunk\":\"a\"}\n\n"))
            .await;
        at(Phase::Stream).await;
        let _ = stream
            .write_all(&frame(TEXT, b"data: {\"chunk\":\"b\"}\n\ndata: [DONE]\n\n"))
            .await;
        at(Phase::Closing).await;
        read_out(&mut stream).await;
    }
}

/// As on Lambda, for longer than every timer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_frozen_in_any_phase_goes_on_rightly() {
    let all = PHASES
        .into_iter()
        .flat_map(|phase| [(phase, "false"), (phase, "true")]);
    let all = all.map(async |(phase, reuses)| {
        let stages = Arc::new(Stages {
            phase,
            is_first: Mutex::new(true),
            reached: Notify::new(),
            goes_on: Notify::new(),
        });
        let serving = Arc::clone(&stages);
        let endpoint = server(move |stream| {
            let stages = Arc::clone(&serving);
            async move { stages.serve(stream).await }
        });
        let more = [&TIMERS[..], &[("REUSE_CONNECTIONS", reuses)]].concat();
        let function = function_to(&endpoint.await, &more).await;
        let thaw = async || {
            signal(&function, "-STOP").await;
            sleep(FREEZE).await;
            stages.goes_on.notify_one();
            signal(&function, "-CONT").await;
        };
        let event = event();
        let (outcome, ()) = tokio::join!(function.invoke(&event), async {
            if phase != Phase::Idle {
                stages.reached.notified().await;
                thaw().await;
            }
        });
        // What came of it depends on what the process sees first: the clock or the agent.
        let (status, body) = answered(outcome);
        assert!(
            matches!(status, 200 | 503 | 504),
            "{phase:?}: {status} {body}"
        );
        if phase == Phase::Idle {
            thaw().await;
        }
        for _ in 0..3 {
            let (status, body) = answered(function.invoke(&event).await);
            assert_eq!(status, 200, "{phase:?}: {body}");
            assert_eq!(body["response"], "ab", "{phase:?}");
        }
        function.resources().descriptors
    });
    let descriptors = futures_util::future::join_all(all).await;
    // As many as in any other phase: the sockets of sessions that are kept, where they are.
    for first in 0..2 {
        let of_these = descriptors.iter().skip(first).step_by(2);
        let (fewest, most) = (of_these.clone().min(), of_these.max());
        assert!(most.unwrap() - fewest.unwrap() <= 1, "{descriptors:?}");
    }
}

/// What stands between the process and an emulator, and holds the first connection back.
struct Gate {
    address: SocketAddr,
    /// The process waits.
    reached: Arc<Notify>,
    goes_on: Arc<Notify>,
}

impl Gate {
    /// Does not answer a SYN: nothing is accepted, and the queue of what could be is full.
    async fn of_tcp(behind: SocketAddr) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&address.into()).unwrap();
        let held = fill(&listener).await;
        let gate = Self::at(listener.local_addr().unwrap().as_socket().unwrap());
        let (reached, goes_on) = (Arc::clone(&gate.reached), Arc::clone(&gate.goes_on));
        tokio::spawn(async move {
            // There is nothing to be seen of a SYN.
            sleep(Duration::from_millis(150)).await;
            reached.notify_one();
            goes_on.notified().await;
            drop(held);
            listener.set_nonblocking(true).unwrap();
            let listener = TcpListener::from_std(listener.into()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(relay(stream, behind));
            }
        });
        gate
    }

    /// Takes the client's first words of TLS, and is silent.
    async fn of_tls(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self::at(listener.local_addr().unwrap());
        let (reached, goes_on) = (Arc::clone(&gate.reached), Arc::clone(&gate.goes_on));
        tokio::spawn(async move {
            let (first, _) = listener.accept().await.unwrap();
            first.readable().await.unwrap();
            reached.notify_one();
            goes_on.notified().await;
            tokio::spawn(relay(first, behind));
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(relay(stream, behind));
            }
        });
        gate
    }

    fn at(address: SocketAddr) -> Self {
        let (reached, goes_on) = (Arc::default(), Arc::default());
        Self {
            address,
            reached,
            goes_on,
        }
    }
}

async fn relay(mut outside: TcpStream, behind: SocketAddr) {
    if let Ok(mut inside) = TcpStream::connect(behind).await {
        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
    }
}

/// As [`a_process_frozen_in_any_phase_goes_on_rightly`], before there is a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_frozen_while_it_connects_goes_on_rightly() {
    let secured = secured("localhost").await;
    let behind_tls = SocketAddr::from(([127, 0, 0, 1], secured.port()));
    let of_tcp = Gate::of_tcp(secured.emulator.address()).await;
    let of_tls = Gate::of_tls(behind_tls).await;
    for (gate, scheme) in [(of_tcp, "http"), (of_tls, "https")] {
        let endpoint = format!("{scheme}://localhost:{}", gate.address.port());
        let certificate = secured.certificate.to_str().unwrap();
        let more = [&TIMERS[..], &[("SSL_CERT_FILE", certificate)]].concat();
        let function = function_to(&endpoint, &more).await;
        let health = rest_event("GET", "/health", None);
        answered(function.invoke(&health).await);
        let before = function.resources().descriptors;
        let event = event();
        let (outcome, ()) = tokio::join!(function.invoke(&event), async {
            gate.reached.notified().await;
            signal(&function, "-STOP").await;
            sleep(FREEZE).await;
            gate.goes_on.notify_one();
            signal(&function, "-CONT").await;
        });
        let (status, body) = answered(outcome);
        assert!(
            matches!(status, 200 | 503 | 504),
            "{scheme}: {status} {body}"
        );
        for _ in 0..3 {
            let (status, body) = answered(function.invoke(&event).await);
            assert_eq!(status, 200, "{scheme}: {body}");
        }
        closed_to(&function, before).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_file_descriptors_an_invocation_fails_and_the_next_is_right() {
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let more = [("RETRY_MAX_RETRIES", "0")];
    let function = Function::start(variables(&emulator, &more)).await;
    let health = rest_event("GET", "/health", None);
    answered(function.invoke(&health).await);
    let before = function.resources().descriptors;
    assert_eq!(answered(function.invoke(&event()).await).0, 200);
    let limit = async |count: usize| {
        let (process, count) = (function.id().to_string(), format!("--nofile={count}:1024"));
        let set = Command::new("prlimit")
            .args(["--pid", &process, &count])
            .status();
        assert!(set.await.unwrap().success());
    };
    for _ in 0..3 {
        closed_to(&function, before).await;
        // Numbers are given from the lowest on, and none below this one is free.
        let open = format!("/proc/{}/fd", function.id());
        let is_open = |number: &usize| std::fs::read_link(format!("{open}/{number}")).is_ok();
        limit((0..1024).find(|number| !is_open(number)).unwrap()).await;
        let (status, body) = answered(function.invoke(&event()).await);
        assert_eq!(
            (status, &body["error"]),
            (503, &"ServiceUnavailableError".into()),
            "{body}"
        );
        limit(1024).await;
        assert_eq!(answered(function.invoke(&event()).await).0, 200);
    }
}

/// A name server that takes every question and answers none. It needs the rights of root, to bind its
/// port and to mount another resolv.conf for the process alone; without them nothing is tested here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_never_resolved_holds_nothing_up() {
    let Ok(name_server) = UdpSocket::bind("127.77.7.7:53").await else {
        return say("no right to bind a name server's port: not tested");
    };
    let folder = std::env::temp_dir().join(format!("resolv-{}", std::process::id()));
    std::fs::write(&folder, "nameserver 127.77.7.7\noptions timeout:30\n").unwrap();
    let mount = format!(
        "mount --bind {} /etc/resolv.conf && exec \"$0\"",
        folder.display()
    );
    let through = ["unshare", "--mount", "/bin/sh", "-c", &mount];
    let is_allowed = Command::new(through[0])
        .args(&through[1..])
        .arg("true")
        .stderr(Stdio::null())
        .status();
    if !is_allowed.await.is_ok_and(|status| status.success()) {
        return say("no right to mount: not tested");
    }
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let more = [
        // The agent of the emulator, and one at the public endpoint, whose name is asked for.
        ("CONNECT_TIMEOUT_MS", "300"),
        ("INVOKE_TIMEOUT_MS", "2000"),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", ""),
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ];
    let limit = Duration::from_secs(30);
    let variables = variables(&emulator, &more);
    let function = Function::start_through(&through, variables, limit, Listening::Always).await;
    for _ in 0..3 {
        let (status, body) = answered(function.invoke(&event()).await);
        assert!(matches!(status, 503 | 504), "{body}");
        let health = rest_event("GET", "/health", None);
        assert_eq!(answered(function.invoke(&health).await).0, 200);
    }
    let event = event();
    let (outcome, ()) = tokio::join!(function.invoke(&event), async {
        sleep(Duration::from_millis(100)).await;
        signal(&function, "-STOP").await;
        sleep(Duration::from_millis(2_500)).await;
        signal(&function, "-CONT").await;
    });
    let (status, body) = answered(outcome);
    assert!(matches!(status, 503 | 504), "frozen meanwhile: {body}");
    let health = rest_event("GET", "/health", None);
    assert_eq!(answered(function.invoke(&health).await).0, 200);
    let mut question = [0; 512];
    let asked = name_server.recv(&mut question).await.unwrap();
    let host = b"bedrock-agentcore\x09us-east-1";
    assert!(
        question[..asked]
            .windows(host.len())
            .any(|part| part == host)
    );
    // The questions are still open, and hold up the end of the process neither.
    function.terminate().await;
    let ended = function.ended().await;
    assert!(ended.success, "{}", ended.stdout);
    std::fs::remove_file(folder).unwrap();
}

/// A Runtime API that answers in each of these ways when it is asked for work, and when it is given an
/// answer. After that, work is done as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_runtime_api_answers_the_next_invocation_is_right() {
    const BAD: [&[u8]; 9] = [
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 999 \r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"",
    ];
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let mut variables = variables(&emulator, &[("RESPONSE_CACHE_TTL_MS", "0")]);
    let script = Arc::new(Mutex::new(Vec::new()));
    for bad in BAD {
        // In turn: no work, work whose answer is badly taken, work as it should be.
        script
            .lock()
            .unwrap()
            .extend([(true, bad), (false, bad), (false, GOOD)]);
    }
    script.lock().unwrap().reverse();
    let (right, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let api = server(move |stream| runtime_api(stream, Arc::clone(&script), right.clone()));
    let api = api.await.replace("http://", "");
    variables.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), api));
    let mut function = Command::new(env!("CARGO_BIN_EXE_agentcore-bridge"))
        .env_clear()
        .envs(variables)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for n in 0..BAD.len() * 2 {
        let answer = tokio::time::timeout(Duration::from_mins(1), answers.recv()).await;
        let answer: Value = serde_json::from_slice(&answer.unwrap().unwrap()).unwrap();
        assert_eq!(answer["statusCode"], 200, "{n}");
    }
    function.kill().await.unwrap();
}

const GOOD: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

/// What the Runtime API does next: whether it gives no work, and what it says instead or to an answer.
type Script = Arc<Mutex<Vec<(bool, &'static [u8])>>>;

/// One connection of the function's.
async fn runtime_api(
    mut stream: TcpStream,
    script: Script,
    answers: tokio::sync::mpsc::UnboundedSender<Vec<u8>>,
) {
    let mut received = Vec::new();
    // What comes after a badly taken answer is asked for on a connection of its own.
    while let Some((head, body)) = request(&mut stream, &mut received).await {
        let said: &[u8] = if head.starts_with("GET ") {
            let next = script.lock().unwrap().last().copied();
            let Some((gives_no_work, said)) = next else {
                return std::future::pending().await;
            };
            if gives_no_work {
                script.lock().unwrap().pop();
                said
            } else {
                let event = event().to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: id\r\n\
                     lambda-runtime-deadline-ms: 60000\r\ncontent-length: {}\r\n\r\n",
                    event.len()
                );
                if stream
                    .write_all(&[head.as_bytes(), event.as_bytes()].concat())
                    .await
                    .is_err()
                {
                    return;
                }
                continue;
            }
        } else {
            let next = script.lock().unwrap().pop();
            let _ = answers.send(body);
            next.map_or(GOOD, |(_, said)| said)
        };
        if stream.write_all(said).await.is_err() || said != GOOD {
            return;
        }
    }
}

/// A request with a body of known length.
async fn request(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(received[..end].to_vec())
                .unwrap()
                .to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if received.len() >= end + 4 + length {
                let rest = received.split_off(end + 4 + length);
                let body = received.split_off(end + 4);
                *received = rest;
                let verb = head.split(' ').next().unwrap().to_ascii_uppercase();
                return Some((format!("{verb} {head}"), body));
            }
        }
        if stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    }
}
