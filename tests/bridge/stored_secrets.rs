//! `SESSION_BINDING_KEY` where AWS keeps it: read at the start by the built binary, from a store
//! that answers, refuses, hesitates and hangs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Emulator};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{ARN, Function, Listening, answered, event, lines, saying, variables};

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:MARKER/bridge-AbCdEf";
const PARAMETER: &str = "arn:aws:ssm:ap-south-1:123456789012:parameter/MARKER/bridge";

/// What a store answers.
#[derive(Clone, Debug)]
enum Kept {
    Answer(u16, Value),
    /// An answer that does not end.
    Endless,
    Hang,
}

/// A store that gives these answers, the last for all that follow, and keeps what it was asked.
#[derive(Clone)]
struct Store {
    kept: Arc<Vec<Kept>>,
    asked: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Store {
    async fn start(kept: &[Kept]) -> (Self, String) {
        let store = Self {
            kept: Arc::new(kept.to_vec()),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(store.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (store, endpoint)
    }

    fn asked(&self) -> Vec<(HeaderMap, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(store): State<Store>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = {
        let mut asked = store.asked.lock().unwrap();
        asked.push((headers, serde_json::from_slice(&body).unwrap()));
        asked.len()
    };
    let kept = store.kept.get(asked - 1).or(store.kept.last()).unwrap();
    match kept.clone() {
        Kept::Answer(status, body) => {
            let status = http::StatusCode::from_u16(status).unwrap();
            let body = body.to_string();
            (status, [("date", "Sun, 06 Nov 1994 08:49:37 GMT")], body).into_response()
        }
        Kept::Endless => {
            let more = || Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1 << 14]));
            let endless = futures_util::stream::repeat_with(more);
            Body::from_stream(endless).into_response()
        }
        Kept::Hang => std::future::pending().await,
    }
}

fn secret(text: &str) -> Kept {
    Kept::Answer(200, json!({ "ARN": SECRET, "SecretString": text }))
}

fn parameter(text: &str) -> Kept {
    let parameter = json!({ "Type": "SecureString", "Value": text });
    Kept::Answer(200, json!({ "Parameter": parameter }))
}

fn refusal(status: u16, error_type: &str) -> Kept {
    let body = json!({ "__type": error_type, "message": "MARKER of the store" });
    Kept::Answer(status, body)
}

/// The runtime's session of one and the same caller, with a function of these variables.
async fn session(more: &[(&str, &str)]) -> String {
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let function = Function::start(variables(&emulator, more)).await;
    let claims = json!({ "authorizer": { "jwt": { "claims": { "iss": "i", "sub": "s" } } } });
    let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" });
    let event = saying(event("http-api-jwt", &claims), &body);
    let (status, answer) = answered(function.invoke(&event).await);
    assert_eq!(status, 200, "{answer}");
    let said = function.stop().await.stdout;
    assert!(!said.contains("MARKER"), "{said}");
    let connections = emulator.connections();
    connections[0].runtime_session_id.clone().unwrap()
}

/// The same with the key in a store.
async fn stored(arn: &str, kept: &[Kept]) -> (String, Vec<(HeaderMap, Value)>) {
    let (store, endpoint) = Store::start(kept).await;
    let session = session(&at(arn, &endpoint)).await;
    (session, store.asked())
}

fn at<'a>(arn: &'a str, endpoint: &'a str) -> [(&'a str, &'a str); 2] {
    let variable = if arn.contains(":ssm:") {
        "AWS_ENDPOINT_URL_SSM"
    } else {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER"
    };
    [("SESSION_BINDING_KEY", arn), (variable, endpoint)]
}

#[tokio::test]
async fn a_stored_key_binds_as_one_that_is_given() {
    let json = r#"{"key":"MARKER"}"#;
    let keyless = session(&[]).await;
    for key in ["MARKER key", json, " MARKER with spaces\n"] {
        let given = session(&[("SESSION_BINDING_KEY", key)]).await;
        assert_ne!(given, keyless);
        let binary = json!({ "SecretBinary": STANDARD.encode(key) });
        for (arn, kept) in [
            (SECRET, secret(key)),
            (SECRET, Kept::Answer(200, binary)),
            (PARAMETER, parameter(key)),
        ] {
            let (session, asked) = stored(arn, &[kept]).await;
            assert_eq!(session, given, "{arn} {key}");
            assert_eq!(asked.len(), 1);
        }
    }
    let bytes = json!({ "SecretBinary": STANDARD.encode([0xff, 0x00]) });
    let (session, _) = stored(SECRET, &[Kept::Answer(200, bytes)]).await;
    assert_ne!(session, keyless, "a key need not be text");
}

#[tokio::test]
async fn a_store_is_asked_by_a_signed_request_in_the_arns_region() {
    for (arn, kept, target, body, scope) in [
        (
            SECRET,
            secret("k"),
            "secretsmanager.GetSecretValue",
            json!({ "SecretId": SECRET }),
            "/eu-west-1/secretsmanager/aws4_request",
        ),
        (
            PARAMETER,
            parameter("k"),
            "AmazonSSM.GetParameter",
            json!({ "Name": PARAMETER, "WithDecryption": true }),
            "/ap-south-1/ssm/aws4_request",
        ),
    ] {
        let (_, asked) = stored(arn, &[kept]).await;
        let (headers, asked) = &asked[0];
        assert_eq!(asked, &body);
        assert_eq!(headers["x-amz-target"], target);
        assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.contains(scope), "{authorization}");
        let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-target";
        assert!(authorization.contains(signed), "{authorization}");
    }
}

#[tokio::test]
async fn a_store_that_is_busy_is_asked_again() {
    for busy in [
        refusal(400, "ThrottlingException"),
        refusal(429, "TooManyRequestsException"),
        refusal(500, "InternalServiceError"),
    ] {
        let (_, asked) = stored(PARAMETER, &[busy.clone(), busy, parameter("k")]).await;
        assert_eq!(asked.len(), 3);
    }
}

#[tokio::test]
async fn nothing_is_read_where_sessions_are_not_bound() {
    let (store, endpoint) = Store::start(&[Kept::Hang]).await;
    let [key, variable] = at(SECRET, &endpoint);
    let unbound = session(&[key, variable, ("SESSION_BINDING", "off")]).await;
    assert_eq!(unbound, session(&[("SESSION_BINDING", "off")]).await);
    assert!(store.asked().is_empty());
}

/// What a start that fails says of it, on the log and to Lambda.
async fn refused_start(more: &[(&str, &str)]) -> String {
    let emulator = Emulator::builder().start().await.unwrap();
    let variables = variables(&emulator, more);
    let function = Function::start_with(variables, Duration::from_secs(30), Listening::Always);
    let ended = function.await.ended().await;
    assert!(!ended.success);
    assert_eq!(ended.stderr, "");
    let told = ended.init_error.unwrap();
    assert_eq!(told["errorType"], "ConfigurationError");
    let said: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["level"], "ERROR");
    assert_eq!(said[0]["variable"], "SESSION_BINDING_KEY");
    let message = said[0]["message"].as_str().unwrap().to_owned();
    assert_eq!(told["errorMessage"], message);
    assert!(message.starts_with("SESSION_BINDING_KEY: "), "{message}");
    assert!(
        message.contains("; accepted is a key, or the ARN of"),
        "{message}"
    );
    for secret in ["MARKER", "123456789012", "arn:aws", "127.0.0.1"] {
        assert!(!message.contains(secret), "{message}");
    }
    message
}

#[tokio::test]
async fn a_key_that_cannot_be_read_or_is_empty_stops_the_start() {
    for (arn, kept, says) in [
        (
            SECRET,
            refusal(400, "ResourceNotFoundException"),
            "status 400 (ResourceNotFoundException)",
        ),
        (
            SECRET,
            refusal(400, "com.amazon#AccessDeniedException"),
            "(AccessDeniedException)",
        ),
        (
            SECRET,
            refusal(400, "InvalidSignatureException"),
            "the clock",
        ),
        (
            PARAMETER,
            refusal(400, "ParameterNotFound"),
            "the parameter could not be read",
        ),
        (PARAMETER, refusal(500, "InternalServerError"), "status 500"),
        (SECRET, secret(""), "the secret is empty"),
        (PARAMETER, parameter(" \n"), "the parameter is empty"),
        (
            SECRET,
            Kept::Answer(200, json!({ "SecretBinary": "?" })),
            "holds none",
        ),
        (
            SECRET,
            Kept::Answer(200, json!({ "Name": "MARKER" })),
            "holds none",
        ),
        (PARAMETER, Kept::Answer(200, json!("MARKER")), "holds none"),
        (SECRET, Kept::Endless, "holds none"),
    ] {
        let (_store, endpoint) = Store::start(&[kept]).await;
        let message = refused_start(&at(arn, &endpoint)).await;
        assert!(message.contains(says), "{says}: {message}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_stops_the_start() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let message = refused_start(&at(SECRET, &endpoint)).await;
    assert!(message.contains("could not be reached"), "{message}");
}

#[tokio::test]
async fn a_store_that_hangs_stops_the_start_within_eight_seconds() {
    let (_store, endpoint) = Store::start(&[Kept::Hang]).await;
    let began = Instant::now();
    let message = refused_start(&at(PARAMETER, &endpoint)).await;
    assert!(message.contains("longer than 8 s"), "{message}");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "Lambda ends a start after ten"
    );
}

#[tokio::test]
async fn an_arn_of_something_else_is_no_key() {
    let key = (
        "SESSION_BINDING_KEY",
        "arn:aws:kms:eu-west-1:123456789012:key/MARKER",
    );
    let message = refused_start(&[key]).await;
    assert!(
        message.contains("none of a secret or of a parameter"),
        "{message}"
    );
}

#[tokio::test]
async fn without_credentials_the_start_says_so() {
    let (store, endpoint) = Store::start(&[secret("k")]).await;
    let [key, variable] = at(SECRET, &endpoint);
    let none = [
        key,
        variable,
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nonexistent"),
    ];
    let message = refused_start(&none).await;
    assert!(
        message.contains("no AWS credentials could be had"),
        "{message}"
    );
    assert!(store.asked().is_empty());
}

/// The other lines of a start go on as they were.
#[tokio::test]
async fn what_is_logged_at_the_start_is_logged_all_the_same() {
    let emulator = Emulator::builder().start().await.unwrap();
    let (_store, endpoint) = Store::start(&[secret("k")]).await;
    let [key, variable] = at(SECRET, &endpoint);
    let broken = ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:nowhere");
    let variables = variables(&emulator, &[key, variable, broken]);
    let function = Function::start(variables).await;
    let health = crate::support::rest_event("GET", "/health", None);
    assert_eq!(answered(function.invoke(&health).await).0, 200);
    let lines = lines(&function.stop().await.stdout);
    assert_eq!(
        lines[0]["message"],
        "agent is not configured: malformed ARN"
    );
}
