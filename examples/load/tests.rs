//! The tool against the built function, on real sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use agentcore_bridge::env::Environment;
use agentcore_emulator::sigv4::{self, verify_request};
use agentcore_emulator::{Agent, Credentials, Emulator, Handshake, Pace};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use clap::Parser;
use http::request::Parts;
use http::{HeaderMap, Request};
use tokio::net::TcpListener;

use crate::arguments::{Arguments, Command, Run};
use crate::lambda::{self, Serving};
use crate::report::{Report, Step};
use crate::{plot, report};

/// The function, which `cargo test` builds for the tests in `tests/bridge`.
fn function() -> PathBuf {
    // target/debug/examples/load-….
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().nth(2).unwrap().join("agentcore-bridge");
    assert!(
        built.exists(),
        "these tests alone need a `cargo test --no-run` before"
    );
    built
}

/// A quick agent, which takes 40 to 60 ms and three to six tokens.
fn quick() -> Agent {
    Agent::paced(Pace {
        first_ms: 40..=60,
        tokens: 3..=6,
        token_ms: 5,
        slow: (0, 1),
        failing: 0,
    })
}

/// The function behind the stand-in of Lambda, and the emulator behind it.
async fn served(options: &str, more: &[(&str, &str)]) -> (Serving, Emulator) {
    let line = format!("load lambda --port 0 {options} --function");
    let mut arguments: Vec<_> = line.split_whitespace().map(PathBuf::from).collect();
    arguments.push(function());
    let Some(Command::Lambda(arguments)) = Arguments::parse_from(arguments).command else {
        panic!("another subcommand");
    };
    let mut variables = BTreeMap::from([("LOG_LEVEL".to_owned(), "error".to_owned())]);
    let more = more.iter().map(|(name, value)| (*name, *value));
    variables.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let emulator = lambda::emulator(&mut variables).await.unwrap();
    emulator.register(variables["ECHO_AGENT_ARN"].clone(), quick());
    emulator.register(
        variables["COLD_AGENT_ARN"].clone(),
        Agent::refusing(Handshake::status(503, "ServiceUnavailableException")),
    );
    let serving = Serving::start(&arguments, variables).await.unwrap();
    (serving, emulator)
}

fn arguments(line: &str) -> Run {
    Arguments::parse_from(format!("load {line}").split_whitespace()).run
}

async fn run(line: &str) -> Report {
    let env = Environment::default();
    crate::run::run(&arguments(line), &env).await.unwrap()
}

fn answered(step: &Step) -> u64 {
    step.whole.as_ref().map_or(0, |times| times.count)
}

fn failed(step: &Step) -> u64 {
    step.errors.values().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_beyond_the_environments_are_throttled() {
    let (serving, emulator) = served("--environments 2", &[]).await;
    let url = format!("--url http://{}", serving.address);
    let mut report = run(&format!(
        "{url} --concurrency 1,6 --duration 700ms --think 10ms"
    ))
    .await;
    assert_eq!(report.steps.len(), 2);
    let full = report.steps.pop().unwrap();
    let alone = report.steps.pop().unwrap();
    // One conversation never finds its environment busy.
    assert_eq!((failed(&alone), alone.throttled_429), (0, 0), "{alone:?}");
    assert!(answered(&alone) > 2, "{alone:?}");
    assert_eq!(answered(&alone), alone.turns);
    let first = alone.first_piece.as_ref().unwrap();
    assert_eq!(first.count, alone.turns);
    assert!(
        (40.0..alone.whole.as_ref().unwrap().p50_ms).contains(&first.p50_ms),
        "{alone:?}"
    );
    assert_eq!(alone.agent_connection.as_ref().unwrap().count, alone.turns);
    // Six of them on two environments do, and Lambda says so, not the function.
    assert!(full.throttled_429 > 0, "{full:?}");
    assert_eq!(
        full.errors["429 [TooManyRequestsException]"],
        full.throttled_429
    );
    assert_eq!(answered(&full) + failed(&full), full.turns);
    assert!(serving.environments.summary().starts_with("2 environments"));
    // A conversation is a session, of five turns at most.
    let sessions = emulator.sessions();
    assert!(
        sessions
            .iter()
            .all(|session| (1..=5).contains(&session.turns))
    );
    assert!(sessions.iter().any(|session| session.turns > 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_agents_side_is_told_from_one_of_lambda() {
    let quick = [("RETRY_MAX_RETRIES", "0")];
    let (serving, _emulator) = served("--environments 1 --at-once 8", &quick).await;
    let url = format!("--url http://{}", serving.address);
    let line = format!("{url} --agent cold --rate 20 --turns 1 --duration 500ms --answer json");
    let refused = run(&line).await.steps.remove(0);
    assert!(refused.turns > 1, "{refused:?}");
    assert_eq!(
        (refused.unavailable_503, refused.throttled_429),
        (refused.turns, 0)
    );
    assert_eq!(
        refused.errors["503 ServiceUnavailableError in handshake"],
        refused.turns
    );
    // Several at once in one process, as Managed Instances have it, and whole replies.
    let line = format!("{url} --concurrency 6 --duration 500ms --think 10ms --answer json");
    let answers = run(&line).await.steps.remove(0);
    assert_eq!(
        (failed(&answers), answered(&answers)),
        (0, answers.turns),
        "{answers:?}"
    );
    assert!(answers.turns > 6);
    assert!(answers.first_piece.is_none(), "JSON has no pieces");
    assert!(serving.environments.summary().starts_with("1 environment"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_kept_plotted_and_compared() {
    let (serving, _emulator) = served("--environments 4", &[]).await;
    let own = std::process::id();
    let line = format!(
        "--url http://{} --concurrency 2 --duration 1s --think 20ms --watch {own}",
        serving.address
    );
    let report = run(&line).await;
    let text = report::text(&report);
    assert!(text.contains("2 conversations, 1 s"), "{text}");
    assert!(text.contains("descriptors"), "{text}");
    assert!(
        plot::svg(&report)
            .unwrap()
            .contains("first piece, 2 conversations")
    );
    let json = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    let same = crate::compare::compare(&report, &read);
    // The last bit of a number that was written and read may be another.
    assert_eq!((same.worse(1e-9).count(), same.steps.len()), (0, 1));
}

type Received = Arc<Mutex<Vec<(Parts, Bytes)>>>;

/// An API that keeps what it is asked, and answers nothing of sense.
async fn recorder() -> (String, Received) {
    async fn keep(State(received): State<Received>, request: Request<axum::body::Body>) -> String {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        received.lock().unwrap().push((parts, body));
        String::new()
    }
    let received = Received::default();
    let router = Router::new()
        .fallback(keep)
        .with_state(Arc::clone(&received));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prod", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    let each = headers.iter();
    each.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the tool signs by the real time")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_signed_where_they_are_to_be() {
    let (url, received) = recorder().await;
    let credentials = Credentials::example();
    let env: Environment = [
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        (
            "AWS_SECRET_ACCESS_KEY",
            credentials.secret_access_key.clone(),
        ),
        (
            "AWS_SESSION_TOKEN",
            credentials.session_token.clone().unwrap_or_default(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let line = format!(
        "--url {url} --sigv4 {}:us-east-1 --duration 200ms --think 10ms --concurrency 1",
        sigv4::SERVICE
    );
    let step = crate::run::run(&arguments(&line), &env)
        .await
        .unwrap()
        .steps
        .remove(0);
    // An empty 200 is no stream.
    assert_eq!(step.errors["200, then broken off"], step.turns);
    let now = now();
    let received = received.lock().unwrap();
    assert_eq!(received.len() as u64, step.turns);
    for (parts, body) in received.iter() {
        assert_eq!(parts.uri.path(), "/prod/api/agents/invoke/stream");
        let headers = listed(&parts.headers);
        let request = sigv4::Request {
            method: parts.method.as_str(),
            target: parts.uri.path(),
            headers: &headers,
            body,
        };
        let accepted = [credentials.clone()];
        let signer = verify_request(&request, ["us-east-1"], &accepted, now);
        assert_eq!(signer.unwrap().region, "us-east-1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_tokens_are_sent_and_each_conversation_has_a_session() {
    let (url, received) = recorder().await;
    run(&format!(
        "--url {url} --bearer a.b.c --api-key k --duration 300ms --think 10ms --concurrency 2 \
         --turns 2 --answer json"
    ))
    .await;
    let received = received.lock().unwrap();
    let mut sessions = BTreeMap::<String, u32>::new();
    for (parts, body) in received.iter() {
        assert_eq!(parts.uri.path(), "/prod/api/agents/invoke");
        assert_eq!(parts.headers["authorization"], "Bearer a.b.c");
        assert_eq!(parts.headers["x-api-key"], "k");
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body["agentId"], "echo");
        *sessions
            .entry(body["sessionId"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert!(sessions.len() > 2, "{sessions:?}");
    let turns: BTreeSet<_> = sessions.values().copied().collect();
    assert!(
        turns.contains(&2) && turns.iter().all(|turns| *turns <= 2),
        "{sessions:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_takes_its_time_where_everybody_thinks_beyond_it() {
    // Nobody listens there.
    let report = run("--url http://127.0.0.1:1 --concurrency 1 --duration 1s --think 60s").await;
    let step = &report.steps[0];
    assert_eq!(step.errors["not connected: connection refused"], 1);
    assert!(
        (0.5..=1.0).contains(&step.turns_per_s),
        "{} turns a second",
        step.turns_per_s
    );
}
