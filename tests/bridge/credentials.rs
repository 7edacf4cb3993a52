//! Credentials of the AWS default chain, through the built binary: a container endpoint provides,
//! rotates, refuses and withholds them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Credentials, Emulator};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{ARN, Function, answered, function, rest_event, said};

/// The endpoint's answers in order; the last one repeats.
#[derive(Clone)]
struct Endpoint {
    answers: Arc<Mutex<Vec<Answer>>>,
    asked: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
enum Answer {
    /// Credentials with this access key.
    Key(&'static str),
    /// A malformed answer.
    Nonsense,
    /// An answer that does not end.
    Endless,
    /// Nothing, ever.
    Hang,
}

fn secret_of(key: &str) -> String {
    format!("secret of {key}")
}

async fn answer(State(endpoint): State<Endpoint>) -> Response {
    let asked = endpoint.asked.fetch_add(1, Ordering::SeqCst);
    let answer = {
        let answers = endpoint.answers.lock().unwrap();
        *answers.get(asked).or(answers.last()).unwrap()
    };
    match answer {
        Answer::Key(key) => json!({
            "AccessKeyId": key,
            "SecretAccessKey": secret_of(key),
            "Token": format!("token-of-{key}"),
            "Expiration": "2999-01-01T00:00:00Z",
        })
        .to_string()
        .into_response(),
        Answer::Nonsense => (StatusCode::OK, "MARKER").into_response(),
        Answer::Endless => {
            let more = || Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1 << 14]));
            Body::from_stream(futures_util::stream::repeat_with(more)).into_response()
        }
        Answer::Hang => std::future::pending().await,
    }
}

struct Setup {
    emulator: Emulator,
    function: Function,
    endpoint: Endpoint,
}

/// A function with credentials from such an endpoint.
async fn setup(answers: &[Answer], more: &[(&str, &str)]) -> Setup {
    let endpoint = Endpoint {
        answers: Arc::new(Mutex::new(answers.to_vec())),
        asked: Arc::default(),
    };
    let router = Router::new().fallback(answer).with_state(endpoint.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/credentials", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut emulator = Emulator::builder().agent(ARN, Agent::echo());
    for key in ["AKIDFIRST", "AKIDSECOND"] {
        emulator = emulator.credentials(Credentials {
            access_key_id: key.to_owned(),
            secret_access_key: secret_of(key),
            session_token: Some(format!("token-of-{key}")),
        });
    }
    let emulator = emulator.start().await.unwrap();
    let at = emulator.endpoint();
    let variables = [
        ("TEST_AGENT_ARN", ARN),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", &at),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nonexistent"),
    ];
    let variables = variables.iter().chain(more);
    let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Setup {
        function: Function::start(variables.collect()).await,
        emulator,
        endpoint,
    }
}

impl Setup {
    async fn say(&self) -> (u64, Value) {
        let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
        answered(self.function.invoke(&event).await)
    }

    fn asked(&self) -> usize {
        self.endpoint.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn credentials_are_resolved_once_and_cached() {
    let setup = setup(&[Answer::Key("AKIDFIRST")], &[]).await;
    for _ in 0..3 {
        assert_eq!(setup.say().await.0, 200);
    }
    assert_eq!(setup.asked(), 1);
}

#[tokio::test]
async fn expired_credentials_are_replaced_and_retried_at_once() {
    let rotated = [Answer::Key("AKIDFIRST"), Answer::Key("AKIDSECOND")];
    // No retries are configured: the attempt with new credentials does not count as one.
    let setup = setup(&rotated, &[("RETRY_MAX_RETRIES", "0")]).await;
    assert_eq!(setup.say().await.0, 200);
    setup.emulator.expire("AKIDFIRST");
    assert_eq!(setup.say().await.0, 200);
    assert_eq!((setup.asked(), setup.emulator.connections().len()), (2, 3));
}

/// Ending a session is attempted only once.
#[tokio::test]
async fn expired_credentials_fail_ending_a_session_and_are_dropped() {
    let rotated = [Answer::Key("AKIDFIRST"), Answer::Key("AKIDSECOND")];
    let setup = setup(&rotated, &[]).await;
    assert_eq!(setup.say().await.0, 200);
    setup.emulator.expire("AKIDFIRST");
    let end = rest_event("DELETE", "/api/agents/test/sessions/mine", None);
    let (status, body) = answered(setup.function.invoke(&end).await);
    assert_eq!(
        (status, body["error"].as_str()),
        (401, Some("AuthenticationError")),
        "{body}"
    );
    assert_eq!((setup.asked(), setup.emulator.connections().len()), (1, 2));
    assert_eq!(answered(setup.function.invoke(&end).await).0, 204);
    assert_eq!((setup.asked(), setup.emulator.connections().len()), (2, 3));
}

#[tokio::test]
async fn unchanged_credentials_are_not_tried_twice() {
    let setup = setup(&[Answer::Key("AKIDFIRST")], &[]).await;
    setup.emulator.expire("AKIDFIRST");
    let (status, body) = setup.say().await;
    assert_eq!(
        (status, body["error"].as_str()),
        (401, Some("AuthenticationError")),
        "{body}"
    );
    assert_eq!(body["details"]["phase"], "handshake");
    assert_eq!(body["details"]["retryable"], false);
    assert_eq!((setup.asked(), setup.emulator.connections().len()), (2, 1));
}

#[tokio::test]
async fn a_failed_provider_is_asked_again_by_the_next_invocation() {
    let setup = setup(&[Answer::Nonsense], &[]).await;
    let (status, body) = setup.say().await;
    assert_eq!(
        (status, body["error"].as_str()),
        (401, Some("AuthenticationError")),
        "{body}"
    );
    assert_eq!(body["details"]["phase"], "credentials");
    *setup.endpoint.answers.lock().unwrap() = vec![Answer::Key("AKIDFIRST")];
    assert_eq!(setup.say().await.0, 200);
    let said = setup.function.stop().await.stdout;
    assert!(
        said.contains("agent invocation failed") && !said.contains("MARKER"),
        "{said}"
    );
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let setup = setup(&[Answer::Endless], &[]).await;
    let memory = setup.function.resources().memory_kib;
    let (status, body) = setup.say().await;
    assert_eq!(
        (status, body["details"]["phase"].as_str()),
        (401, Some("credentials")),
        "{body}"
    );
    let grown = setup.function.resources().memory_kib.saturating_sub(memory);
    assert!(grown < 20_000, "{grown} KiB");
    *setup.endpoint.answers.lock().unwrap() = vec![Answer::Key("AKIDFIRST")];
    assert_eq!(setup.say().await.0, 200);
}

#[tokio::test]
async fn a_provider_that_hangs_costs_one_invocation_its_time_and_no_other() {
    let hangs = [Answer::Hang, Answer::Key("AKIDFIRST")];
    let setup = setup(&hangs, &[("INVOKE_TIMEOUT_MS", "600")]).await;
    let start = Instant::now();
    let (status, body) = setup.say().await;
    assert_eq!(
        (status, body["error"].as_str()),
        (504, Some("TimeoutError")),
        "{body}"
    );
    assert_eq!(body["details"]["phase"], "credentials");
    assert_eq!(body["details"]["retryable"], true);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(setup.say().await.0, 200);
}

/// As long as a library that signs would panic over.
#[tokio::test]
async fn a_session_token_that_is_too_long_says_so() {
    let token = "t".repeat(64_000);
    let more = [("AWS_SESSION_TOKEN", &*token), ("LOG_LEVEL", "info")];
    let (emulator, function) = function(Agent::echo(), &more).await;
    for (method, path, expected) in [
        ("POST", "/api/agents/invoke", 401),
        ("DELETE", "/api/agents/test/sessions/mine", 401),
        ("GET", "/api/agents/test/status", 200),
    ] {
        let event = rest_event(method, path, Some(&said("x")));
        let (status, body) = answered(function.invoke(&event).await);
        assert_eq!(status, expected, "{body}");
    }
    assert!(emulator.connections().is_empty());
    let said = function.stop().await.stdout;
    assert!(
        !said.contains("panicked") && !said.contains(&token),
        "{said}"
    );
    assert_eq!(said.matches("more than 32 KiB").count(), 3, "{said}");
}

#[tokio::test]
async fn missing_credentials_give_a_401() {
    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let variables = [
        ("TEST_AGENT_ARN", ARN),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", &emulator.endpoint()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nonexistent"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let function = Function::start(variables.to_vec()).await;
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
    let (status, body) = answered(function.invoke(&event).await);
    assert_eq!(
        (status, body["error"].as_str()),
        (401, Some("AuthenticationError")),
        "{body}"
    );
    assert_eq!(body["details"]["phase"], "credentials");
    let end = rest_event("DELETE", "/api/agents/test/sessions/mine", None);
    let (status, body) = answered(function.invoke(&end).await);
    assert_eq!(
        (status, body["details"].get("phase")),
        (401, None),
        "{body}"
    );
    assert!(emulator.connections().is_empty());
}
