//! How an agent's runtime is reached: its addresses, the times that it has, and what keeps a connection.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::process::Command;
use std::time::Duration;

use agentcore_emulator::{Agent, Connection, Emulator, Handshake, Step, frame::opcode};
use http::StatusCode;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::timeout;

use crate::support::{ARN, Bridge, say};

/// Set for a test that has a network of its own.
const HAS_NETWORK: &str = "TEST_HAS_ITS_OWN_NETWORK";

/// A name with two addresses, in a network and with a file of hosts of the test's own.
const HOST: &str = "host.docker.internal";
const HOSTS: &str = "10.9.0.2 host.docker.internal\n10.9.0.3 host.docker.internal\n";
const FIRST: &str = "10.9.0.2";
const SECOND: &str = "10.9.0.3";

/// Runs a test in a network of its own; `false` where the caller is that one already, and has to go on.
fn runs_in_its_own_network(test: &str) -> bool {
    if std::env::var_os(HAS_NETWORK).is_some() {
        return false;
    }
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([
            "--map-root-user",
            "--net",
            "--mount",
            "sh",
            "-euc",
            script,
            "sh",
        ]);
        command
    };
    if !run("ip link set lo up")
        .status()
        .is_ok_and(|status| status.success())
    {
        say("skipped: this machine lets nobody make a network of their own");
        return true;
    }
    let hosts = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("hosts");
    std::fs::write(&hosts, HOSTS).unwrap();
    let script = format!(
        "ip link set lo up; ip address add {FIRST} dev lo; ip address add {SECOND} dev lo; \
         mount --bind \"$1\" /etc/hosts; shift; exec \"$@\""
    );
    let status = run(&script)
        .arg(&hosts)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(HAS_NETWORK, "1")
        .status();
    assert!(status.unwrap().success(), "in its own network");
    true
}

/// An emulator at the second address of [`HOST`], and where its first is.
async fn emulator_at_second() -> (Emulator, SocketAddr) {
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let behind = emulator.address();
    let listener = TcpListener::bind((SECOND, behind.port())).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let mut inside = TcpStream::connect(behind).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    let found: Vec<_> = lookup_host((HOST, behind.port())).await.unwrap().collect();
    let [first, second] =
        [FIRST, SECOND].map(|address| SocketAddr::new(address.parse().unwrap(), behind.port()));
    assert_eq!(found, [first, second]);
    (emulator, first)
}

async fn bridge_by_name(port: u16, more: &[(&str, &str)]) -> Bridge {
    let endpoint = format!("http://{HOST}:{port}");
    let own = [("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str())];
    let all: Vec<_> = own.iter().chain(more).copied().collect();
    Bridge::configured(Agent::echo(), &all).await
}

#[tokio::test]
async fn one_address_of_two_that_swallows_costs_no_attempt() {
    if runs_in_its_own_network("connecting::one_address_of_two_that_swallows_costs_no_attempt") {
        return;
    }
    let (emulator, first) = emulator_at_second().await;
    let _held = swallow(first).await;
    let none = [("RETRY_MAX_RETRIES", "0")];
    let answer = bridge_by_name(first.port(), &none).await.say("Hi").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(emulator.connections().len(), 1);
}

/// Takes an address so that it answers no SYN: a listener that accepts nothing, its queue full.
async fn swallow(address: SocketAddr) -> Vec<Socket> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&address.into()).unwrap();
    let mut held = fill(&listener).await;
    held.push(listener);
    held
}

/// Listens, and fills the queue of connections that could be accepted.
pub(crate) async fn fill(listener: &Socket) -> Vec<Socket> {
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    while let Ok(tcp) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        held.push(Socket::from(tcp.unwrap().into_std().unwrap()));
    }
    held
}

#[tokio::test]
async fn each_attempt_begins_with_another_address() {
    if runs_in_its_own_network("connecting::each_attempt_begins_with_another_address") {
        return;
    }
    let (emulator, first) = emulator_at_second().await;
    // It connects, in the kernel's queue, and answers nothing.
    let listener = StdListener::bind(first).unwrap();
    let variables = [("RETRY_MAX_RETRIES", "1"), ("HANDSHAKE_TIMEOUT_MS", "300")];
    let bridge = bridge_by_name(first.port(), &variables).await;
    let answer = bridge.say("Hi").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(emulator.connections().len(), 1);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_ok(), "the first attempt");
    assert!(listener.accept().is_err(), "and no other");
}

/// In a tenth of the time: one that answers the upgrade after 6 s, where to connect may take 5 s.
#[tokio::test]
async fn a_cold_runtime_has_a_time_of_its_own_for_the_handshake() {
    let cold = Handshake::Delayed {
        by: Duration::from_millis(600),
        then: Box::new(Handshake::Accept),
    };
    let variables = [
        ("CONNECT_TIMEOUT_MS", "500"),
        ("HANDSHAKE_TIMEOUT_MS", "15000"),
    ];
    let bridge = Bridge::configured(Agent::echo().handshake(cold), &variables).await;
    assert_eq!(bridge.say("Hi").await.status, StatusCode::OK);
    assert_eq!(bridge.emulator.connections().len(), 1, "the first attempt");
}

fn pings(connection: &Connection) -> usize {
    let is_ping = |frame: &&agentcore_emulator::ReceivedFrame| frame.opcode == opcode::PING;
    connection.frames.iter().filter(is_ping).count()
}

#[tokio::test]
async fn a_silent_agent_is_pinged() {
    let steps = vec![
        Step::pause_ms(500),
        Step::text("data: {\"chunk\":\"late\"}\n\n"),
        Step::Close(Some(1000)),
    ];
    for (interval, least, most) in [("100", 1, 5), ("0", 0, 0), ("30000", 0, 0)] {
        let agent = Agent::scripted(steps.clone());
        let bridge = Bridge::configured(agent, &[("PING_INTERVAL_MS", interval)]).await;
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.json()["response"], "late", "{answer:?}");
        let ended = bridge
            .emulator
            .wait_until(|all| all[0].close_code.is_some());
        let pings = pings(&ended.await[0]);
        assert!(
            (least..=most).contains(&pings),
            "{pings} pings, every {interval} ms"
        );
    }
}

/// An answer to a ping says that the machine is there, not that the agent does something.
#[tokio::test]
async fn an_answer_to_a_ping_is_no_message() {
    let agent = Agent::scripted(vec![Step::Pause(Duration::from_secs(20))]);
    let variables = [("PING_INTERVAL_MS", "50"), ("CHUNK_TIMEOUT_MS", "400")];
    let bridge = Bridge::configured(agent, &variables).await;
    let answer = bridge.say("Hi").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{answer:?}");
    assert_eq!(answer.json()["details"]["phase"], "first_chunk");
    let ended = bridge
        .emulator
        .wait_until(|all| all[0].close_code.is_some());
    assert!(pings(&ended.await[0]) > 0);
}

/// No request can carry it, and the signer would panic over some.
#[tokio::test]
async fn a_session_token_of_64_kilobytes_is_an_error_that_says_so() {
    let long = "a".repeat(65_536);
    for token in [long.as_str(), "with a line\n"] {
        let bridge = Bridge::configured(Agent::echo(), &[("AWS_SESSION_TOKEN", token)]).await;
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        let told = answer.json();
        assert_eq!(told["error"], "AuthenticationError");
        assert_eq!(told["details"]["phase"], "credentials");
        for (method, path, status) in [
            ("GET", "/api/agents/test/status", 200),
            ("DELETE", "/api/agents/test/sessions/mine", 401),
        ] {
            let request = http::Request::builder().method(method).uri(path);
            let answer = bridge
                .send(request.body(bytes::Bytes::new()).unwrap())
                .await;
            assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        }
        assert!(bridge.emulator.connections().is_empty());
    }
}
