//! The loop to the Runtime API, through the built binary: bad answers, callers who leave, and
//! shutdown.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Ended, Step};
use axum::body::Bytes;
use base64::Engine as _;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{
    ARN, BadAnswer, Function, Listening, Outcome, answered, function, rest_event, said, say,
    variables, whole,
};

const STREAMING: (&str, &str) = ("INVOKE_MODE", "response_stream");

/// Keeps timeouts from ending an invocation during a test.
const PATIENT: [(&str, &str); 2] = [
    ("CHUNK_TIMEOUT_MS", "900000"),
    ("INVOKE_TIMEOUT_MS", "900000"),
];

/// Much less than the 15 s after which a keep-alive comment would notice that the caller has gone.
const SOON: Duration = Duration::from_secs(7);

fn piece(text: &str) -> Step {
    Step::text(format!("data: {}\n\n", json!({ "chunk": text })))
}

fn event(path: &str) -> Value {
    rest_event("POST", path, Some(&said("x")))
}

async fn begin(function: &Function) -> mpsc::Receiver<Bytes> {
    match function.invoke(&event("/api/agents/invoke/stream")).await {
        Outcome::Stream(parts) => parts,
        other => panic!("no stream: {other:?}"),
    }
}

async fn read_until(parts: &mut mpsc::Receiver<Bytes>, text: &str) -> String {
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains(text) {
        received.extend(parts.recv().await.expect("more"));
    }
    String::from_utf8(received).unwrap()
}

fn assert_json_lines(stdout: &str, stderr: &str) {
    assert_eq!(stderr, "");
    for line in stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            line["timestamp"].is_string() && line["level"].is_string(),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_answers_of_the_runtime_api_do_not_stop_a_worker() {
    for concurrency in ["1", "4"] {
        let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)];
        let (_emulator, function) = function(Agent::echo(), &variables).await;
        let bad_answers = [
            BadAnswer::Status(500),
            BadAnswer::NoId,
            BadAnswer::Broken,
            BadAnswer::Status(403),
            BadAnswer::Status(204),
        ];
        for bad in bad_answers {
            // Enough for every worker to get one.
            (0..4).for_each(|_| function.answer_badly(bad));
            let answer = function.invoke(&event("/api/agents/invoke")).await;
            assert_eq!(answered(answer).0, 200, "{bad:?}");
        }
        // All workers still serve.
        let event = event("/api/agents/invoke");
        let all = (0..4).map(|_| function.invoke(&event));
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answered(answer).0, 200);
        }
        let ended = function.stop().await;
        assert_json_lines(&ended.stdout, &ended.stderr);
        let failures = ended.stdout.matches("no invocation from lambda").count();
        assert_eq!(failures, 16, "one line each: {}", ended.stdout);
    }
}

/// A Runtime API that has gone is retried for a while, and reported in one line.
#[tokio::test]
async fn the_process_ends_with_an_error_if_the_runtime_api_is_gone() {
    let (_emulator, function) = function(Agent::echo(), &[]).await;
    (0..10).for_each(|_| function.answer_badly(BadAnswer::Status(500)));
    let ended = function.ended().await;
    assert!(!ended.success);
    assert_json_lines(&ended.stdout, &ended.stderr);
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["message"].as_str().unwrap().contains("500"), "{last}");
}

#[tokio::test]
async fn invocations_with_malformed_headers_are_answered() {
    let (_emulator, function) = function(Agent::echo(), &[]).await;
    let good = || event("/api/agents/invoke").to_string().into_bytes();
    for (headers, event, expected) in [
        (vec![("lambda-runtime-deadline-ms", None)], good(), 200),
        (
            vec![("lambda-runtime-deadline-ms", Some("soon"))],
            good(),
            200,
        ),
        (
            vec![("lambda-runtime-client-context", Some("{"))],
            good(),
            200,
        ),
        (
            vec![("lambda-runtime-cognito-identity", Some("7"))],
            good(),
            200,
        ),
        (vec![("lambda-runtime-trace-id", None)], good(), 200),
        // The response needs a connection of its own.
        (vec![("connection", Some("close"))], good(), 200),
        (vec![], b"not JSON".to_vec(), 400),
        (vec![], b"\"\xff\"".to_vec(), 400),
        (vec![], vec![], 400),
    ] {
        let outcome = function.invoke_with(event, headers.clone()).await;
        assert_eq!(answered(outcome).0, expected, "{headers:?}");
    }
}

/// During a silence nothing is written that would notice that the caller has gone.
#[tokio::test]
async fn a_caller_that_leaves_during_a_silence_closes_the_connection_at_once() {
    for status in [StatusCode::ACCEPTED, StatusCode::INTERNAL_SERVER_ERROR] {
        let agent = Agent::scripted(vec![piece("one"), Step::Silence]);
        let one_at_once = ("MAX_CONCURRENT_PER_CALLER", "1");
        let more = [&PATIENT[..], &[STREAMING, one_at_once]].concat();
        let (emulator, function) = function(agent, &more).await;
        function.set_cancelled_status(status);
        let mut parts = begin(&function).await;
        read_until(&mut parts, "\"one\"").await;
        drop(parts);
        let ended = emulator.wait_until(|all| all[0].ended != Ended::Open);
        let ended = timeout(SOON, ended).await.expect("an end at once");
        assert_eq!(ended[0].close_code, Some(1000));
        // The process goes on, and the caller's slot is free again.
        let mut parts = begin(&function).await;
        read_until(&mut parts, "\"one\"").await;
        let ended = function.stop().await;
        assert_json_lines(&ended.stdout, &ended.stderr);
        assert!(
            ended.stdout.contains("\"cancelled\":true"),
            "{}",
            ended.stdout
        );
    }
}

/// A caller that reads nothing does not take an error event either, so the stream would never end.
/// The outcome must be logged while Lambda still lets the process run.
#[tokio::test]
async fn a_caller_that_reads_nothing_is_given_up_before_the_deadline() {
    let flood = vec![piece(&"x".repeat(64 * 1024)); 1_000];
    let emulator = agentcore_emulator::Emulator::builder()
        .agent(ARN, Agent::scripted(flood))
        .start()
        .await
        .unwrap();
    let limit = Duration::from_secs(4);
    let variables = variables(&emulator, &[STREAMING]);
    let function = Function::start_with(variables, limit, Listening::Always).await;
    let start = Instant::now();
    let parts = begin(&function).await;
    emulator.wait_until(|all| all[0].ended != Ended::Open).await;
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    drop(parts);
    let Outcome::Stream(parts) = function.invoke(&rest_event("GET", "/health", None)).await else {
        panic!("no answer")
    };
    assert_eq!(whole(parts).await.0, 200);
    let said = function.stop().await.stdout;
    assert!(said.contains("answer not taken"), "{said}");
    assert!(said.contains("AgentInvocationCount"), "{said}");
}

#[tokio::test]
async fn sigterm_ends_an_idle_process_at_once() {
    let (_emulator, function) = function(Agent::echo(), &[]).await;
    assert_eq!(
        answered(function.invoke(&event("/api/agents/invoke")).await).0,
        200
    );
    function.terminate().await;
    let ended = function.ended().await;
    assert!(ended.success, "{ended:?}");
    assert_json_lines(&ended.stdout, &ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_still_gets_responses_to_invocations_in_flight() {
    let agent = Agent::replying(|turn| match turn.prompt.as_str() {
        "x" => vec![piece("one"), Step::Silence],
        _ => vec![piece("whole"), Step::text("data: [DONE]\n\n")],
    });
    let more = [&PATIENT[..], &[("AWS_LAMBDA_MAX_CONCURRENCY", "2")]].concat();
    let (emulator, function) = function(agent, &more).await;
    let event = event("/api/agents/invoke");
    let (outcome, ()) = tokio::join!(function.invoke(&event), async {
        emulator
            .wait_until(|all| all.iter().any(|one| !one.messages.is_empty()))
            .await;
        function.terminate().await;
    });
    let (status, answer) = answered(outcome);
    assert_eq!(
        (status, &answer["error"]),
        (503, &json!("ServiceUnavailableError"))
    );
    assert_eq!(answer["details"], json!({ "retryable": false }));
    let begin = Instant::now();
    let ended = function.ended().await;
    say(&format!(
        "the process ended {:?} after its last answer",
        begin.elapsed()
    ));
    assert!(ended.success, "{ended:?}");
    assert_json_lines(&ended.stdout, &ended.stderr);
    assert!(
        ended.stdout.contains("AgentInvocationCount"),
        "{}",
        ended.stdout
    );
    let all = emulator.wait_until(|all| all[0].ended != Ended::Open).await;
    assert_eq!(all[0].close_code, Some(1000));
}

#[tokio::test]
async fn sigterm_aborts_a_stream_with_error_trailers() {
    let agent = Agent::scripted(vec![piece("one"), Step::Silence]);
    let more = [&PATIENT[..], &[STREAMING]].concat();
    let (emulator, function) = function(agent, &more).await;
    let mut parts = begin(&function).await;
    read_until(&mut parts, "\"one\"").await;
    let start = Instant::now();
    function.terminate().await;
    while parts.recv().await.is_some() {}
    let took = start.elapsed();
    let trailers = function.trailers().expect("trailers");
    assert_eq!(
        trailers["lambda-runtime-function-error-type"],
        "Runtime.Stopping"
    );
    let body = &trailers["lambda-runtime-function-error-body"];
    let body = base64::engine::general_purpose::STANDARD
        .decode(body)
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errorType"], "Runtime.Stopping");
    let ended = function.ended().await;
    say(&format!(
        "SIGTERM in a stream: cut after {took:?}, the process at its end after {:?}",
        start.elapsed()
    ));
    assert!(ended.success, "{ended:?}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "not by any time limit of the agent"
    );
    let all = emulator.wait_until(|all| all[0].ended != Ended::Open).await;
    assert_eq!(all[0].close_code, Some(1000));
}

#[tokio::test]
async fn sigterm_lets_a_nearly_finished_stream_complete() {
    let agent = Agent::scripted(vec![
        piece("one"),
        Step::pause_ms(30),
        piece("two"),
        Step::text("data: [DONE]\n\n"),
    ]);
    let (_emulator, function) = function(agent, &[STREAMING]).await;
    let mut parts = begin(&function).await;
    read_until(&mut parts, "\"one\"").await;
    function.terminate().await;
    let rest = read_until(&mut parts, "[DONE]").await;
    assert!(
        rest.contains("\"two\"") && rest.contains("event: complete"),
        "{rest}"
    );
    assert!(function.ended().await.success);
}

#[tokio::test]
async fn with_snapstart_readiness_is_reported_once() {
    for (kind, snapshots) in [("snap-start", 1), ("on-demand", 0)] {
        let variables = [("AWS_LAMBDA_INITIALIZATION_TYPE", kind)];
        let (_emulator, function) = function(Agent::echo(), &variables).await;
        for _ in 0..2 {
            let answer = function.invoke(&event("/api/agents/invoke")).await;
            assert_eq!(answered(answer).0, 200);
        }
        assert_eq!(function.snapshots(), snapshots);
    }
}
