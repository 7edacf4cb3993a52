//! No private data leaks into log lines of any level, or into errors.
//!
//! Each invocation has random markers in its prompt, its reply, the error texts of the service, the
//! agent and the credentials provider, and the caller's own headers. None of them may appear in
//! anything that the process writes, under any fault. A normal run makes a few hundred invocations;
//! for more:
//!
//! ```text
//! MARKER_INVOCATIONS=20000 cargo test --release --test bridge privacy -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agentcore_emulator::frame::{Frame, opcode};
use agentcore_emulator::{Agent, Connection, Credentials, Emulator, Handshake, Step};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{ARN, Function, Outcome, lines, rest_event, say, whole};

/// Texts that must not appear anywhere.
#[derive(Clone, Debug)]
struct Markers {
    prompt: String,
    reply: String,
    /// In every error text of the service or the agent.
    error: String,
    /// In the caller's `Authorization`, API key and cookie.
    header: String,
}

impl Markers {
    fn all(&self) -> [&str; 4] {
        [&self.prompt, &self.reply, &self.error, &self.header]
    }
}

fn marker(kind: &'static str) -> impl Strategy<Value = String> {
    any::<u64>().prop_map(move |random| format!("{kind}{random:016x}"))
}

fn markers() -> impl Strategy<Value = Markers> {
    let each = (
        marker("Prompt"),
        marker("Reply"),
        marker("Error"),
        marker("Header"),
    );
    each.prop_map(|(prompt, reply, error, header)| Markers {
        prompt,
        reply,
        error,
        header,
    })
}

fn handshakes(error: &str) -> impl Strategy<Value = Handshake> + use<> {
    let error = error.to_owned();
    let status = (200u16..600, any::<bool>()).prop_map({
        let error = error.clone();
        move |(status, is_typed)| {
            let body = json!({ "message": error, "__type": format!("{error}#ExpiredToken") });
            Handshake::Status {
                status,
                // The bare names are told, and nothing around them.
                error_type: is_typed.then(|| format!("{error}#SomeException:http://{error}/")),
                headers: vec![
                    (
                        "x-amzn-requestid".to_owned(),
                        format!("5d4f6b0e-1c7e {error}"),
                    ),
                    ("location".to_owned(), format!("http://{error}/")),
                    ("retry-after".to_owned(), error.clone()),
                ],
                body: body.to_string().into(),
            }
        }
    });
    let raw = select(vec![
        format!("{error}\r\n\r\n"),
        format!("HTTP/1.1 101 {error}\r\nupgrade: {error}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{error}\r\n\r\n"),
        format!("HTTP/9.9 {error}\r\n\r\n"),
        format!("HTTP/1.1 403 {error}\r\n{}: x\r\n\r\n", "x".repeat(70_000)),
    ]);
    let raw = raw.prop_map(|text| Handshake::Raw {
        bytes: text.into(),
        keep_open: false,
    });
    prop_oneof![
        6 => Just(Handshake::Accept),
        3 => status,
        2 => raw,
        1 => select(vec![Handshake::Reset, Handshake::CloseSilently, Handshake::Stall]),
    ]
}

/// A close frame with a reason.
fn close(code: u16, reason: &str) -> Step {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    Step::Bytes(Frame::new(opcode::CLOSE, payload).encode())
}

fn agents(markers: &Markers) -> impl Strategy<Value = Agent> + use<> {
    let Markers { reply, error, .. } = markers.clone();
    let words = select(vec![
        Step::text(format!("data: {}\n\n", json!({ "chunk": reply }))),
        Step::text(reply.clone()),
        Step::text(json!({ "type": "TEXT_MESSAGE_CONTENT", "delta": reply }).to_string()),
        Step::text(format!("data: {{\"chunk\":\"{reply}")),
        Step::Binary(format!("id: {reply}\ndata: {reply}\n\n").into()),
        Step::Ping(reply.clone().into()),
    ]);
    let end = select(vec![
        Step::text("data: [DONE]\n\n"),
        Step::text(
            json!({ "error": error, "error_type": error, "message": error, "traceback": error })
                .to_string(),
        ),
        Step::text(format!("event: error\ndata: {error}\n\n")),
        Step::Close(Some(1000)),
        close(1011, &error),
        close(4_000, &error),
        close(999, &error),
        Step::Fin,
        Step::Reset,
        Step::Silence,
        Step::Binary([error.as_bytes(), &[0xff]].concat()),
        Step::Bytes(Frame::new(0xb, error.as_bytes()).encode()),
        Step::Bytes(Frame::new(opcode::CONTINUATION, error.as_bytes()).encode()),
        Step::Bytes(
            Frame::new(opcode::TEXT, error.as_bytes())
                .declaring(1 << 40)
                .encode(),
        ),
    ]);
    let handshake = handshakes(&markers.error);
    (handshake, prop::collection::vec(words, 0..3), end).prop_map(|(handshake, mut steps, end)| {
        steps.push(end);
        Agent::scripted(steps).handshake(handshake)
    })
}

/// Request bodies, most of them valid.
fn bodies(prompt: &str) -> impl Strategy<Value = String> + use<> {
    let good = json!({ "agentId": "test", "prompt": prompt, "sessionId": "mine" }).to_string();
    let bad = select(vec![
        json!({ "agentId": "test", "prompt": [prompt] }).to_string(),
        json!({ "agentId": { "x": prompt }, "prompt": prompt }).to_string(),
        json!({ "agentId": "test", "prompt": prompt, "sessionId": format!("-{prompt}") })
            .to_string(),
        json!({ "agentId": "nobody", "prompt": prompt }).to_string(),
        format!(r#"{{"agentId":"test","prompt":"{prompt}\ud800"}}"#),
        format!(r#"{{"agentId":"test","prompt":"{prompt}","prompt":"{prompt}"}}"#),
        format!(r#"{{"agentId":"test","prompt":{prompt}}}"#),
        format!(r#"{{"agentId":"test","prompt":"{prompt}""#),
        prompt.to_owned(),
    ]);
    let prompt = prompt.to_owned();
    let long = select(vec![10_000, 100_000]).prop_map(move |times| {
        let prompt = prompt.repeat(times);
        format!(r#"{{"agentId":"test","prompt":"{prompt}"}}"#)
    });
    prop_oneof![80 => Just(good), 20 => bad, 2 => long]
}

fn credentials() -> impl Strategy<Value = Credentials> {
    let each = (marker("AKID"), marker("Secret"), marker("Token"));
    each.prop_map(|(id, secret, token)| Credentials {
        access_key_id: id,
        secret_access_key: secret,
        session_token: Some(token),
    })
}

/// A credentials provider of a container: new credentials for each request, or an error with a
/// marker.
struct Provider {
    credentials: Vec<Credentials>,
    words: String,
    asked: AtomicUsize,
}

impl Provider {
    /// The access key id that it returned last, or would have returned.
    fn last(&self) -> &str {
        let asked = self.asked.load(Ordering::SeqCst).saturating_sub(1);
        &self.credentials[asked % self.credentials.len()].access_key_id
    }

    fn private(&self) -> impl Iterator<Item = &str> {
        let each = self.credentials.iter().flat_map(|credentials| {
            let token = credentials.session_token.as_deref().unwrap();
            [
                &credentials.access_key_id,
                &credentials.secret_access_key,
                token,
            ]
        });
        each.chain([self.words.as_str()])
    }
}

async fn provide(State(provider): State<Arc<Provider>>) -> Response {
    let asked = provider.asked.fetch_add(1, Ordering::SeqCst);
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
    } = &provider.credentials[asked % provider.credentials.len()];
    match asked % 5 {
        3 => (StatusCode::FORBIDDEN, provider.words.clone()).into_response(),
        4 => format!(r#"{{"AccessKeyId":"{access_key_id}","Secret"#).into_response(),
        _ => json!({
            "AccessKeyId": access_key_id,
            "SecretAccessKey": secret_access_key,
            "Token": session_token,
            "Expiration": "2999-01-01T00:00:00Z",
        })
        .to_string()
        .into_response(),
    }
}

/// The signatures that were sent. They are secret, since each is valid for five minutes.
fn signatures(connections: &[Connection]) -> impl Iterator<Item = String> {
    let signature = |connection: &Connection| {
        let signature = connection.parameter("X-Amz-Signature")?;
        Some(signature.to_owned())
    };
    connections.iter().filter_map(signature)
}

/// The part of a response that describes an error: all of it, or its last event.
fn error_of(status: u64, body: &str) -> &str {
    match body.split_once("\n\nevent: error\n") {
        Some((_, error)) => error,
        None if status == 200 => "",
        None => body,
    }
}

async fn run(mode: &str, count: usize) {
    let mut runner = TestRunner::new(ProptestConfig::default());
    let credentials = prop::collection::vec(credentials(), 100);
    let provider = Arc::new(Provider {
        credentials: credentials.new_tree(&mut runner).unwrap().current(),
        words: marker("Words").new_tree(&mut runner).unwrap().current(),
        asked: AtomicUsize::default(),
    });
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let known = provider.credentials.iter().cloned();
    let emulator = known.fold(emulator, agentcore_emulator::Builder::credentials);
    let emulator = emulator.start().await.unwrap();
    let router = Router::new()
        .fallback(provide)
        .with_state(Arc::clone(&provider));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/credentials", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let endpoint = emulator.endpoint();
    let function = Function::start(
        [
            ("TEST_AGENT_ARN", ARN),
            ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", &endpoint),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("HOME", "/nonexistent"),
            ("LOG_LEVEL", "trace"),
            ("INVOKE_MODE", mode),
            ("CHUNK_TIMEOUT_MS", "40"),
            ("CONNECT_TIMEOUT_MS", "200"),
            ("HANDSHAKE_TIMEOUT_MS", "200"),
            ("RETRY_MAX_RETRIES", "1"),
            ("RETRY_INITIAL_DELAY_MS", "1"),
            ("RETRY_MAX_DELAY_MS", "2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    )
    .await;

    let mut private = Vec::new();
    let mut statuses = BTreeMap::<u64, usize>::new();
    for n in 0..count {
        let markers = markers().new_tree(&mut runner).unwrap().current();
        let agent = agents(&markers).new_tree(&mut runner).unwrap().current();
        let body = bodies(&markers.prompt)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        emulator.register(ARN, agent);
        if n % 10 == 9 {
            emulator.expire(provider.last());
        }
        let path = ["/api/agents/invoke", "/api/agents/invoke/stream"][n % 2];
        let mut event = rest_event("POST", path, Some(&body));
        for name in ["Authorization", "X-Api-Key", "Cookie", "User-Agent", "X-Id"] {
            event["headers"][name] = markers.header.clone().into();
            event["multiValueHeaders"][name] = json!([markers.header]);
        }
        let (status, answer) = status_and_body(function.invoke(&event).await).await;
        *statuses.entry(status).or_default() += 1;
        let error = error_of(status, &answer);
        for secret in markers.all() {
            assert!(!error.contains(secret), "{secret} in {answer}");
        }
        private.extend(markers.all().map(str::to_owned));
    }

    let ended = function.stop().await;
    private.extend(provider.private().map(str::to_owned));
    private.extend(signatures(&emulator.connections()));
    let said = lines(&ended.stdout);
    let output = format!("{}{}", ended.stdout, ended.stderr);
    for secret in &private {
        assert!(
            !output.contains(secret),
            "{secret} was told: {:?}",
            output.lines().find(|line| line.contains(secret))
        );
    }
    assert!(!output.contains("X-Amz-"), "an address");
    say(&format!(
        "{mode}: {count} invocations, answers {statuses:?}, {} private texts, none in {} lines",
        private.len(),
        said.len()
    ));
    assert!(statuses.len() > 6, "{statuses:?}");
    assert!(said.len() > 2 * count);
}

/// The status and body of a response, streamed or not.
async fn status_and_body(outcome: Outcome) -> (u64, String) {
    match outcome {
        Outcome::Response(answer) => {
            let body = answer["body"].as_str().unwrap_or_default().to_owned();
            (answer["statusCode"].as_u64().unwrap(), body)
        }
        Outcome::Stream(parts) => whole(parts).await,
        Outcome::Error(error) => panic!("{error}"),
    }
}

fn count() -> usize {
    std::env::var("MARKER_INVOCATIONS").map_or(300, |n| n.parse().unwrap())
}

#[tokio::test]
async fn no_private_data_leaks_under_any_fault() {
    run("buffered", count()).await;
}

#[tokio::test]
async fn no_private_data_leaks_from_streams_under_any_fault() {
    run("response_stream", count()).await;
}
