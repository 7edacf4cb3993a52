//! The status of agents, from a scripted control plane.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentcore_emulator::{Agent, Credentials, sigv4};
use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::net::TcpListener;

use crate::support::{Answer, Bridge};

/// A control plane that always gives the same answer, and records requests.
#[derive(Clone)]
struct ControlPlane {
    status: StatusCode,
    body: &'static str,
    asked: Arc<Mutex<Vec<http::request::Parts>>>,
}

impl ControlPlane {
    async fn start(status: StatusCode, body: &'static str) -> (Self, String) {
        let control = Self {
            status,
            body,
            asked: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(control.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/control", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (control, endpoint)
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer(
    State(control): State<ControlPlane>,
    request: Request<axum::body::Body>,
) -> (StatusCode, &'static str) {
    control.asked.lock().unwrap().push(request.into_parts().0);
    (control.status, control.body)
}

async fn status(bridge: &Bridge, id: &str) -> Answer {
    let path = format!("/api/agents/{id}/status");
    bridge
        .send(Request::get(path).body(Bytes::new()).unwrap())
        .await
}

async fn bridge(endpoint: &str) -> Bridge {
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", endpoint),
        ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x"),
        ("TEST_AGENT_QUALIFIER", "prod"),
    ];
    Bridge::configured(Agent::echo(), &variables).await
}

#[tokio::test]
async fn a_status_is_that_of_the_control_plane() {
    for (code, body, expected) in [
        (StatusCode::OK, r#"{"status":"READY"}"#, "available"),
        (StatusCode::OK, r#"{"status":"UPDATE_FAILED"}"#, "available"),
        (StatusCode::OK, r#"{"status":"CREATING"}"#, "unavailable"),
        (
            StatusCode::NOT_FOUND,
            r#"{"message":"MARKER"}"#,
            "unavailable",
        ),
        (StatusCode::FORBIDDEN, r#"{"message":"MARKER"}"#, "unknown"),
        (StatusCode::OK, "MARKER", "unknown"),
    ] {
        let (control, endpoint) = ControlPlane::start(code, body).await;
        let bridge = bridge(&endpoint).await;
        let first = status(&bridge, "TEST-agent").await;
        assert_eq!(first.status, StatusCode::OK);
        let told = first.json();
        assert_eq!(
            (told["agentId"].as_str(), told["status"].as_str()),
            (Some("test"), Some(expected))
        );
        let checked_at = told["checkedAt"].as_str().unwrap();
        assert!(
            checked_at.starts_with("20") && checked_at.ends_with('Z'),
            "{checked_at}"
        );
        assert!(!first.text.contains("MARKER"));

        let again = status(&bridge, "test").await;
        assert_eq!(
            again.json(),
            told,
            "it is remembered, with the time of asking"
        );
        assert_eq!(control.asked(), 1);
        assert!(
            bridge.emulator.connections().is_empty(),
            "no session was opened"
        );
    }
}

/// Checked by the emulator's own implementation of the algorithm.
#[tokio::test]
async fn the_status_request_is_signed() {
    let (control, endpoint) = ControlPlane::start(StatusCode::OK, r#"{"status":"READY"}"#).await;
    status(&bridge(&endpoint).await, "test").await;
    let asked = control.asked.lock().unwrap();
    let request = &asked[0];
    let target = request.uri.path_and_query().unwrap().as_str();
    assert_eq!(
        target,
        "/control/runtimes/Test_Agent-Abcdef1234/runtime-endpoints/prod/"
    );
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let signed = sigv4::Signed {
        method: "GET",
        target,
        headers: &[
            ("host", header("host")),
            ("x-amz-date", header("x-amz-date")),
        ],
        amz_date: header("x-amz-date"),
        region: "us-east-1",
        service: "bedrock-agentcore",
    };
    let signature = sigv4::signature(&signed, &Credentials::example().secret_access_key);
    assert!(header("authorization").ends_with(&format!("Signature={signature}")));
}

#[tokio::test]
async fn agents_without_a_status_say_why() {
    let bridge = bridge("http://127.0.0.1:9").await;
    let broken = status(&bridge, "broken").await.json();
    assert_eq!(broken["status"], "not_configured");
    assert_eq!(
        status(&bridge, "test").await.json()["status"],
        "unknown",
        "unreachable"
    );
    let nobody = status(&bridge, "nobody").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert_eq!(
        nobody.json()["details"],
        serde_json::json!({ "retryable": false })
    );
}

/// A control plane that never answers must not block the caller.
#[tokio::test]
async fn a_hanging_control_plane_gives_status_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let variables = [
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
            endpoint.as_str(),
        ),
        ("INVOKE_TIMEOUT_MS", "300"),
    ];
    let bridge = Bridge::configured(Agent::echo(), &variables).await;
    let answered = tokio::time::timeout(Duration::from_secs(4), status(&bridge, "test")).await;
    assert_eq!(answered.unwrap().json()["status"], "unknown");
}
