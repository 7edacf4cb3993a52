//! Who calls, as agents, runtimes and the log are told.

use std::collections::HashSet;

use agentcore_emulator::{Agent, Connection, Emulator};
use serde_json::{Value, json};

use crate::support::{ARN, Function, answered, at, event, function, lines, saying};

const MESSAGE: (&str, &str) = (
    "ECHO_AGENT_MESSAGE",
    r#"{"prompt":"{prompt}","sessionId":"{sessionId}","who":"{callerId}"}"#,
);

async fn start(more: &[(&str, &str)]) -> (Emulator, Function) {
    let mut variables = vec![
        ("ECHO_AGENT_ARN", ARN),
        ("OTHER_AGENT_ARN", ARN),
        ("OTHER_AGENT_MESSAGE", MESSAGE.1),
        MESSAGE,
    ];
    variables.extend(more);
    function(Agent::echo(), &variables).await
}

fn last(emulator: &Emulator) -> Connection {
    emulator.connections().pop().unwrap()
}

/// The caller's id as the agent was told it.
async fn told(emulator: &Emulator, function: &Function, event: &Value) -> String {
    let (status, answer) = answered(function.invoke(event).await);
    assert_eq!(status, 200, "{answer}");
    let message: Value = serde_json::from_str(&last(emulator).messages[0]).unwrap();
    message["who"].as_str().unwrap().to_owned()
}

fn claims(subject: &Value) -> Value {
    json!({ "iss": "https://issuer.example.com/", "sub": subject })
}

fn rest(subject: impl Into<Value>) -> Value {
    let claims = claims(&subject.into());
    event("rest-api", &json!({ "authorizer": { "claims": claims } }))
}

fn http(subject: impl Into<Value>) -> Value {
    let claims = claims(&subject.into());
    event(
        "http-api-jwt",
        &json!({ "authorizer": { "jwt": { "claims": claims } } }),
    )
}

/// Of what is in `src/caller/identity.rs` too, where the value is fixed.
const USER_1: &str = "caller-3dee440e4bad1ff99ff33650005b0f4acf7c11f0c80660c717b9e81b151f3435";

#[tokio::test]
async fn a_callers_id_is_the_same_wherever_and_however_it_calls() {
    let body = |agent: &str, session: &str| json!({ "agentId": agent, "prompt": "x", "sessionId": session });
    for variables in [
        &[][..],
        &[("SESSION_BINDING", "off")],
        &[("SESSION_BINDING_KEY", "key")],
    ] {
        let (emulator, function) = start(variables).await;
        for event in [rest("user-1"), http("user-1")] {
            for body in [
                body("echo", "one"),
                body("echo", "two"),
                body("other", "one"),
            ] {
                let event = saying(event.clone(), &body);
                assert_eq!(told(&emulator, &function, &event).await, USER_1);
            }
        }
        assert_ne!(told(&emulator, &function, &rest("user-2")).await, USER_1);
        assert_eq!(
            told(&emulator, &function, &event("rest-api", &json!({}))).await,
            "",
            "nobody is empty, whatever address it calls from"
        );
    }
}

#[tokio::test]
async fn a_subject_that_is_odd_never_shares_the_ids_of_nobody() {
    let (emulator, function) = start(&[]).await;
    told(&emulator, &function, &event("rest-api", &json!({}))).await;
    let nobodys = last(&emulator).runtime_session_id.unwrap();
    let mut callers = HashSet::new();
    let mut sessions = HashSet::from([nobodys]);
    let odd = [
        json!({}),
        json!({ "id": 1 }),
        json!([]),
        json!(""),
        json!(" "),
        json!(null),
    ];
    for subject in &odd {
        for event in [rest(subject.clone()), http(subject.clone())] {
            let id = told(&emulator, &function, &event).await;
            assert_eq!(id.len(), USER_1.len(), "{subject}");
            callers.insert(id);
            sessions.insert(last(&emulator).runtime_session_id.unwrap());
        }
    }
    assert_eq!(
        callers.len(),
        odd.len(),
        "one for each, whatever the gateway"
    );
    assert_eq!(sessions.len(), odd.len() + 1);
}

#[tokio::test]
async fn a_runtime_is_told_its_user_only_where_that_is_on_and_known() {
    let on = [("ECHO_AGENT_USER_ID", "caller")];
    let off: [(&str, &str); 0] = [];
    for (variables, event, expected) in [
        (&on[..], rest("user-1"), Some(USER_1)),
        (&on[..], http("user-1"), Some(USER_1)),
        (&on[..], event("rest-api", &json!({})), None),
        (&off[..], rest("user-1"), None),
    ] {
        let (emulator, function) = start(variables).await;
        let mut event = event;
        event["headers"]["x-amzn-bedrock-agentcore-runtime-user-id"] = "forged".into();
        let (status, _) = answered(function.invoke(&event).await);
        assert_eq!(status, 200);
        let connection = last(&emulator);
        assert_eq!(connection.user_id(), expected);
        let signed = connection.parameter("X-Amz-SignedHeaders");
        assert_eq!(signed, Some("host"), "the address is the same as ever");
    }
}

#[tokio::test]
async fn the_log_says_who_ran_an_agent_and_no_name() {
    let (_emulator, function) = start(&[]).await;
    for event in [rest("user-1"), event("rest-api", &json!({}))] {
        for path in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
            function.invoke(&at(event.clone(), "POST", path)).await;
        }
    }
    let output = function.stop().await.stdout;
    assert!(!output.contains("user-1"), "{output}");
    let started: Vec<_> = lines(&output)
        .into_iter()
        .filter(|line| line["message"] == "agent invocation started")
        .map(|line| line.get("callerId").cloned())
        .collect();
    let known = Some(json!(USER_1));
    assert_eq!(started, [known.clone(), known, None, None]);
}
