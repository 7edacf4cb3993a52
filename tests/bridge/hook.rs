//! The hook of a deployment: the built binary, with a Lambda and a CodeDeploy that answer as theirs
//! would, and the built bridge as the version that is deployed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentcore_emulator::{Agent, Emulator};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{ARN, Function, Listening, Outcome, lines, variables, whole};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:bridge-BridgeFunction-A1";

/// What a version answers.
#[derive(Clone)]
enum Version {
    /// The built bridge does.
    Real(Arc<Function>),
    /// An agent of this status, where `None` is a malformed ARN.
    Agent(Option<&'static str>),
    /// It does not start.
    Dead,
    /// It is not ready yet, so many times.
    Pending(u32),
    /// It answers everything with a 500.
    Failing,
}

#[derive(Clone)]
struct Aws {
    versions: Arc<HashMap<String, Version>>,
    /// What was invoked, and what CodeDeploy was told.
    invoked: Arc<Mutex<Vec<(String, String)>>>,
    told: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

async fn invoke(
    State(aws): State<Aws>,
    Path(function): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert!(
        function.starts_with("arn:aws:lambda:eu-west-1:"),
        "{function}"
    );
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(
        authorization.contains("/eu-west-1/lambda/aws4_request"),
        "{authorization}"
    );
    let query = query.unwrap();
    let qualifier = query.strip_prefix("Qualifier=").unwrap().to_owned();
    let event: Value = serde_json::from_slice(&body).unwrap();
    let path = event["path"].as_str().unwrap();
    let asked = {
        let mut invoked = aws.invoked.lock().unwrap();
        invoked.push((qualifier.clone(), path.to_owned()));
        invoked.len()
    };
    let key = format!("{}:{qualifier}", function.rsplit(':').next().unwrap());
    let version = aws
        .versions
        .get(&key)
        .or_else(|| aws.versions.get(&qualifier));
    match version.cloned().expect("a version that is there") {
        Version::Real(function) => match function.invoke(&event).await {
            Outcome::Response(answer) => answer.to_string().into_response(),
            Outcome::Stream(parts) => {
                let (status, body) = whole(parts).await;
                let head = json!({ "statusCode": status, "headers": {} });
                format!("{head}\0\0\0\0\0\0\0\0{body}").into_response()
            }
            Outcome::Error(error) => panic!("{error}"),
        },
        Version::Agent(status) => answer(path, status).to_string().into_response(),
        Version::Dead => (
            [("x-amz-function-error", "Unhandled")],
            json!({ "errorType": "Runtime.ExitError", "errorMessage": "MARKER" }).to_string(),
        )
            .into_response(),
        Version::Pending(times) if asked <= times as usize => (
            StatusCode::CONFLICT,
            [("x-amzn-errortype", "ResourceConflictException")],
            "{}",
        )
            .into_response(),
        Version::Pending(_) => answer(path, Some("available")).to_string().into_response(),
        Version::Failing => json!({ "statusCode": 500, "body": "{}" })
            .to_string()
            .into_response(),
    }
}

fn answer(path: &str, status: Option<&str>) -> Value {
    let body = match path {
        "/health" => json!({ "status": "ok", "version": "1.2.3", "commit": "abc" }),
        "/api/agents" => json!({ "agents": [{ "id": "test", "configured": status.is_some() }] }),
        _ => json!({ "agentId": "test", "status": status.unwrap_or("not_configured") }),
    };
    json!({ "statusCode": 200, "body": body.to_string(), "isBase64Encoded": false })
}

async fn report(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) {
    let body = serde_json::from_slice(&body).unwrap();
    aws.told.lock().unwrap().push((headers, body));
}

/// What the hook makes of these versions, by qualifier: what CodeDeploy is told, what was invoked,
/// and the lines of the log.
async fn deploy(
    new: &str,
    versions: Vec<(&str, Version)>,
) -> (String, Vec<(String, String)>, Vec<Value>) {
    let versions = versions.into_iter();
    let aws = Aws {
        versions: Arc::new(
            versions
                .map(|(name, version)| (name.to_owned(), version))
                .collect(),
        ),
        invoked: Arc::default(),
        told: Arc::default(),
    };
    let router = Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .route("/", post(report))
        .with_state(aws.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let hook = start(&[
        ("NEW_VERSIONS", new),
        ("AWS_ENDPOINT_URL_LAMBDA", &endpoint),
        ("AWS_ENDPOINT_URL_CODEDEPLOY", &endpoint),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "SECRETMARKER"),
    ])
    .await;
    let event = json!({ "DeploymentId": "d-ABC", "LifecycleEventHookExecutionId": "e-1" });
    let outcome = hook.invoke(&event).await;
    let said = hook.stop().await.stdout;
    assert!(
        !said.contains("MARKER") && !said.contains("123456789012"),
        "{said}"
    );
    let told = aws.told.lock().unwrap().clone();
    let [(headers, body)] = &told[..] else {
        panic!("CodeDeploy was told {} times: {said}", told.len())
    };
    let target = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";
    assert_eq!(headers["x-amz-target"], target);
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(
        authorization.contains("/eu-west-1/codedeploy/aws4_request"),
        "{authorization}"
    );
    assert_eq!(
        (
            &body["deploymentId"],
            &body["lifecycleEventHookExecutionId"]
        ),
        (&json!("d-ABC"), &json!("e-1"))
    );
    let status = body["status"].as_str().unwrap().to_owned();
    assert!(matches!(outcome, Outcome::Response(answer) if answer == json!(status)));
    let invoked = aws.invoked.lock().unwrap().clone();
    (status, invoked, lines(&said))
}

async fn start(variables: &[(&str, &str)]) -> Function {
    let program = env!("CARGO_BIN_EXE_agentcore-bridge-hook");
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let timeout = Duration::from_mins(1);
    Function::start_command(&[program], variables.collect(), timeout, Listening::Always).await
}

fn said(lines: &[Value], message: &str) -> Vec<String> {
    let lines = lines.iter().filter(|line| line["message"] == message);
    lines
        .map(|line| line["causes"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn versions_that_work_are_deployed() {
    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let control = [(
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        emulator.endpoint(),
    )];
    let control = control
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect::<Vec<_>>();
    let whole = Function::start(variables(&emulator, &control)).await;
    let mut streaming = control.clone();
    streaming.push(("INVOKE_MODE", "response_stream"));
    let stream = Function::start(variables(&emulator, &streaming)).await;
    let (whole, stream) = (Arc::new(whole), Arc::new(stream));
    let stream_arn = FUNCTION.replace("BridgeFunction", "StreamFunction");
    let new = format!("{FUNCTION}:8,{stream_arn}:5");
    let versions = vec![
        ("8", Version::Real(Arc::clone(&whole))),
        ("5", Version::Real(Arc::clone(&stream))),
        ("live", Version::Real(whole)),
    ];
    let (status, invoked, lines) = deploy(&new, versions).await;
    assert_eq!(status, "Succeeded", "{lines:?}");
    assert_eq!(said(&lines, "new version accepted").len(), 2, "{lines:?}");
    for version in ["8", "5"] {
        for path in ["/health", "/api/agents", "/api/agents/test/status"] {
            assert!(
                invoked.contains(&(version.to_owned(), path.to_owned())),
                "{version} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_version_that_does_not_work_or_has_less_is_not_deployed() {
    let live = || ("live", Version::Agent(Some("available")));
    for (new, why) in [
        (
            Version::Dead,
            "it does not start, or died: Runtime.ExitError",
        ),
        (Version::Failing, "it answers /health with 500"),
        (Version::Agent(None), "the ARN of test is malformed"),
        (
            Version::Agent(Some("unavailable")),
            "test is available to the live version, and unavailable to this one",
        ),
    ] {
        let (status, _, lines) = deploy(&format!("{FUNCTION}:8"), vec![("8", new), live()]).await;
        assert_eq!(status, "Failed", "{why}");
        let causes = said(&lines, "new version refused");
        assert!(causes.len() == 1 && causes[0].contains(why), "{causes:?}");
    }
}

#[tokio::test]
async fn one_version_of_two_that_does_not_work_is_enough() {
    let stream_arn = FUNCTION.replace("BridgeFunction", "StreamFunction");
    let new = format!("{FUNCTION}:8,{stream_arn}:5");
    let works = Version::Agent(Some("available"));
    let versions = vec![("8", works.clone()), ("5", Version::Dead), ("live", works)];
    let (status, _, lines) = deploy(&new, versions).await;
    assert_eq!(status, "Failed");
    assert_eq!(said(&lines, "new version accepted").len(), 1);
}

#[tokio::test]
async fn a_deployment_does_not_wait_for_what_it_cannot_change() {
    for (new, live) in [
        // The agent is not there, for either.
        (Some("unavailable"), Version::Agent(Some("unavailable"))),
        (None, Version::Agent(None)),
        // Nobody knows.
        (Some("unknown"), Version::Agent(Some("available"))),
        // What is live is dead, and this is the way out.
        (Some("available"), Version::Dead),
        (Some("unavailable"), Version::Failing),
    ] {
        let versions = vec![("8", Version::Agent(new)), ("live", live)];
        let (status, _, lines) = deploy(&format!("{FUNCTION}:8"), versions).await;
        assert_eq!(status, "Succeeded", "{lines:?}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_ready_yet_is_asked_again() {
    let versions = vec![
        ("8", Version::Pending(2)),
        ("live", Version::Agent(Some("available"))),
    ];
    let (status, invoked, _) = deploy(&format!("{FUNCTION}:8"), versions).await;
    assert_eq!(status, "Succeeded");
    let health = invoked.iter().filter(|(_, path)| path == "/health");
    assert_eq!(health.count(), 3);
}

#[tokio::test]
async fn a_hook_without_versions_does_not_start() {
    for variables in [
        &[][..],
        &[("NEW_VERSIONS", "arn:aws:lambda:eu-west-1:1:function:x:live")],
    ] {
        let ended = start(variables).await.ended().await;
        assert!(!ended.success);
        let error = ended.init_error.unwrap();
        assert!(
            error["errorMessage"]
                .as_str()
                .unwrap()
                .starts_with("NEW_VERSIONS: "),
            "{error}"
        );
    }
}
