//! `GetAgentRuntimeEndpoint`.

use agentcore_emulator::{Agent, Emulator, Ended, Operation};
use serde_json::{Value, json};

use crate::{
    client::{Client, emulator, is},
    signed::Signable,
    url::{ARN, NOW, Url},
};

/// The body of a 200.
async fn described(emulator: &Emulator, request: &Signable) -> Value {
    let answer = request.answer(emulator).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn an_endpoint_is_described() {
    let emulator = emulator(Agent::echo()).await;
    let body = described(&emulator, &Signable::endpoint("DEFAULT")).await;
    let expected = json!({
        "status": "READY",
        "agentRuntimeArn": ARN,
        "agentRuntimeEndpointArn": format!("{ARN}/runtime-endpoint/DEFAULT"),
        "name": "DEFAULT",
        "id": "DEFAULT-0123456789",
        "liveVersion": "1",
        "createdAt": "2025-07-16T12:00:00Z",
        "lastUpdatedAt": "2025-07-16T12:00:00Z",
    });
    assert_eq!(body, expected);

    let mut other = Signable::endpoint("prod");
    other.target.insert_str(0, "/a/prefix");
    assert_eq!(described(&emulator, &other).await["name"], "prod");
    let connections = emulator.wait_until(|all| all[1].ended == Ended::Fin).await;
    let connection = &connections[1];
    assert_eq!(connection.method, "GET");
    let operation = connection.operation;
    assert_eq!(operation, Some(Operation::GetAgentRuntimeEndpoint));
    assert_eq!((&connection.arn, connection.status), (&None, Some(200)));
    assert_eq!(emulator.sessions(), [], "no session is opened");
}

#[tokio::test]
async fn an_agent_has_a_status() {
    let emulator = emulator(Agent::echo().endpoint_status("CREATING")).await;
    let body = described(&emulator, &Signable::endpoint("DEFAULT")).await;
    assert_eq!(body["status"], "CREATING");
    emulator.register(ARN, Agent::echo());
    let body = described(&emulator, &Signable::endpoint("DEFAULT")).await;
    assert_eq!(body["status"], "READY");
}

#[tokio::test]
async fn what_is_unknown_is_not_found() {
    let emulator = emulator(Agent::echo().endpoints(["prod"])).await;
    for name in ["DEFAULT", "prod"] {
        let body = described(&emulator, &Signable::endpoint(name)).await;
        assert_eq!(body["name"], name);
    }
    let not_found = is(404, "ResourceNotFoundException");
    let endpoint = Signable::endpoint("other");
    assert_eq!(endpoint.refused(&emulator).await, not_found);
    let mut runtime = Signable::endpoint("DEFAULT");
    runtime.target = runtime.target.replace("Test", "Other");
    assert_eq!(runtime.refused(&emulator).await, not_found);
    let mut slash = Signable::endpoint("DEFAULT");
    slash.target.pop();
    assert_eq!(slash.refused(&emulator).await, not_found);

    // The data plane knows the same endpoints.
    let url = |qualifier| Url {
        qualifier: Some(qualifier),
        ..Url::default()
    };
    let mut client = Client::ask(&emulator, &url("other")).await;
    assert_eq!(client.answer().await.refusal(), not_found);
    let mut client = Client::ask(&emulator, &url("prod")).await;
    assert_eq!(client.answer().await.status, 101);
}

#[tokio::test]
async fn only_a_right_signature_is_let_in() {
    let emulator = emulator(Agent::echo()).await;
    let invalid = is(403, "InvalidSignatureException");
    let tampered = Signable {
        signature: Some("0".repeat(64)),
        ..Signable::endpoint("DEFAULT")
    };
    assert_eq!(tampered.refused(&emulator).await, invalid);
    let elsewhere = Signable {
        region: "eu-west-1",
        ..Signable::endpoint("DEFAULT")
    };
    assert_eq!(elsewhere.refused(&emulator).await, invalid);
    emulator.expire("AKIAIOSFODNN7EXAMPLE");
    let expired = Signable::endpoint("DEFAULT").refused(&emulator).await;
    assert_eq!(expired, is(403, "ExpiredTokenException"));
}

/// A control plane knows the runtimes of its own region.
#[tokio::test]
async fn a_runtime_is_found_in_the_region_that_was_signed() {
    let far = ARN.replace("us-east-1", "eu-west-1");
    let alone = far.replace("Test", "Far");
    let builder = Emulator::builder().now(|| NOW);
    let builder = builder.agent(ARN, Agent::echo());
    let builder = builder.agent(&far, Agent::echo().endpoint_status("UPDATING"));
    let emulator = builder.agent(alone, Agent::echo()).start().await.unwrap();
    for (region, arn, status) in [("us-east-1", ARN, "READY"), ("eu-west-1", &far, "UPDATING")] {
        let request = Signable {
            region,
            ..Signable::endpoint("DEFAULT")
        };
        let body = described(&emulator, &request).await;
        assert_eq!(
            (&body["agentRuntimeArn"], &body["status"]),
            (&json!(arn), &json!(status))
        );
    }
    let mut request = Signable::endpoint("DEFAULT");
    request.target = request.target.replace("Test", "Far");
    let refused = request.refused(&emulator).await;
    assert_eq!(refused, is(404, "ResourceNotFoundException"));
}
