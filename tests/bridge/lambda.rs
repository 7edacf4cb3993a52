//! The built binary as a Lambda function.

use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Emulator, Step};
use serde_json::{Value, json};

use crate::support::{
    ARN, Function, Listening, Outcome, alb_event, answered, function, http_event, rest_event, said,
    variables,
};

#[tokio::test]
async fn the_function_serves_rest_and_http_apis() {
    let (emulator, function) = function(Agent::echo(), &[]).await;
    let body = said("Hello");
    for event in [
        rest_event("POST", "/api/agents/invoke", Some(&body)),
        rest_event("POST", "/prod/api/agents/invoke", Some(&body)),
        http_event("POST", "/api/agents/invoke", "", Some(&body)),
    ] {
        let (status, answer) = answered(function.invoke(&event).await);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(
            answer["response"],
            "You said: Hello (turn 1 of this session)"
        );
    }
    let event = rest_event("GET", "/health", None);
    let Outcome::Response(answer) = function.invoke(&event).await else {
        panic!()
    };
    let request_id = &answer["multiValueHeaders"]["x-request-id"][0];
    assert_eq!(request_id, "8476a536-e9f4-11e8-9739-000000000004");
    let trace = emulator.connections()[0]
        .header("x-amzn-trace-id")
        .map(str::to_owned);
    assert_eq!(
        trace.as_deref(),
        Some("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1")
    );
}

#[tokio::test]
async fn events_that_lambda_http_panics_on_are_handled() {
    let (_emulator, function) = function(Agent::echo(), &[]).await;
    let mut forwarded = http_event("GET", "/health", "", None);
    forwarded["headers"]["x-forwarded-proto"] = "ht tp:".into();
    let mut host = http_event("GET", "/health", "", None);
    host["headers"]["host"] = "a b:c".into();
    host["requestContext"]["domainName"] = "".into();
    for (event, expected) in [
        (
            http_event("GET", "/health", "a=\"b\"&c=<d>&e=f g", None),
            200,
        ),
        (http_event("GET", "/health", "a=é&b=%22", None), 200),
        (http_event("GET", "/no thing", "", None), 404),
        (http_event("GET", "nothing", "", None), 404),
        (http_event("GET", "", "", None), 404),
        (forwarded, 200),
        (host, 200),
        (json!({ "hello": "world" }), 400),
        (json!([]), 400),
        (json!(null), 400),
    ] {
        let (status, _) = answered(function.invoke(&event).await);
        assert_eq!(status, expected, "{event}");
    }
    let mut event = http_event("POST", "/api/agents/invoke", "", Some("not base64!"));
    event["isBase64Encoded"] = true.into();
    assert_eq!(answered(function.invoke(&event).await).0, 400);
    let event = http_event("POST", "/api/agents/invoke", "", Some(&said("x")));
    assert_eq!(
        answered(function.invoke(&event).await).0,
        200,
        "the process lives"
    );
}

#[tokio::test]
async fn large_prompts_and_replies_pass_through_the_binary() {
    let (_emulator, function) = function(Agent::echo(), &[]).await;
    let prompt = "p".repeat(100_000);
    let event = rest_event("POST", "/api/agents/invoke", Some(&said(&prompt)));
    let (status, answer) = answered(function.invoke(&event).await);
    assert_eq!(status, 200);
    assert!(answer["response"].as_str().unwrap().contains(&prompt));

    let piece = format!("data: {{\"chunk\":\"{}\"}}\n\n", "r".repeat(300));
    let mut steps = vec![Step::text(piece); 10_000];
    steps.push(Step::text("data: [DONE]\n\n"));
    let (_emulator, function) = self::function(Agent::scripted(steps), &[]).await;
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
    let (status, answer) = answered(function.invoke(&event).await);
    assert_eq!(status, 200);
    assert_eq!(answer["response"].as_str().unwrap().len(), 3_000_000);
    assert_eq!(answer["metadata"]["chunks"], 10_000);
    assert_eq!(answer.get("incomplete"), None);
}

#[tokio::test]
async fn invocations_end_one_second_before_lambdas_deadline() {
    let agent = Agent::scripted(vec![
        Step::text("data: {\"chunk\":\"a\"}\n\n"),
        Step::Silence,
    ]);
    let emulator = Emulator::builder().agent(ARN, agent).start().await.unwrap();
    let timeout = Duration::from_millis(1_800);
    let function =
        Function::start_with(variables(&emulator, &[]), timeout, Listening::Always).await;
    let start = Instant::now();
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
    let (status, answer) = answered(function.invoke(&event).await);
    assert_eq!((status, answer["incomplete"].as_bool()), (200, Some(true)));
    assert!(start.elapsed() < timeout, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_invalid_configuration_is_reported_to_lambda_and_logged() {
    let emulator = Emulator::builder().start().await.unwrap();
    let variables = variables(&emulator, &[("CONNECT_TIMEOUT_MS", "soon")]);
    let ended = Function::start(variables).await.ended().await;
    assert!(!ended.success);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 1, "{ended:?}");
    assert_eq!(ended.stderr, "", "nothing but JSON, and once");
    let line: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(line["level"], "ERROR");
    let message = line["message"].as_str().unwrap();
    assert!(message.starts_with("CONNECT_TIMEOUT_MS: "), "{message}");
    let told = ended.init_error.unwrap();
    assert_eq!(
        (told["errorMessage"].as_str(), told["errorType"].as_str()),
        (Some(message), Some("ConfigurationError"))
    );
}

#[tokio::test]
async fn a_malformed_arn_is_logged_once_and_disables_only_its_agent() {
    let (_emulator, function) = function(
        Agent::echo(),
        &[("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x")],
    )
    .await;
    for _ in 0..2 {
        let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
        assert_eq!(answered(function.invoke(&event).await).0, 200);
    }
    let stdout = function.stop().await.stdout;
    assert_eq!(stdout.matches("malformed ARN").count(), 1, "{stdout}");
}

#[test]
fn outside_of_lambda_the_binary_explains_itself() {
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_agentcore-bridge"))
        .env_clear()
        .env("TEST_AGENT_ARN", ARN)
        .output()
        .unwrap();
    assert!(!ran.status.success());
    assert!(String::from_utf8_lossy(&ran.stderr).contains("cargo local"));
}

/// Each field of every event missing, null, or of another type.
#[tokio::test]
async fn every_event_gets_an_http_response() {
    let (_emulator, function) = function(Agent::echo(), &[]).await;
    let mut events = vec![];
    let mut with_query = rest_event("GET", "/health", None);
    with_query["multiValueQueryStringParameters"] = json!({ "a": ["b"] });
    with_query["queryStringParameters"] = json!({ "a": "b" });
    for event in [
        with_query,
        http_event("GET", "/health", "a=b", None),
        alb_event("GET", "/health"),
    ] {
        for path in paths(&event, "") {
            let odd = [
                Value::Null,
                json!("é\n"),
                json!(7),
                json!([]),
                json!({}),
                json!(["", []]),
            ];
            for value in odd.into_iter().map(Some).chain([None]) {
                let mut changed = event.clone();
                let (parent, field) = path.rsplit_once('/').unwrap();
                let parent = changed
                    .pointer_mut(parent)
                    .unwrap()
                    .as_object_mut()
                    .unwrap();
                match value {
                    Some(value) => drop(parent.insert(field.to_owned(), value)),
                    None => drop(parent.remove(field)),
                }
                events.push(changed);
            }
        }
    }
    let mut no_values = alb_event("GET", "/health");
    no_values["queryStringParameters"] = json!({ "a": [], "b": ["c"] });
    events.push(no_values);
    let long = "a".repeat(70_000);
    let mut long_host = rest_event("GET", "/health", None);
    long_host["multiValueHeaders"]["Host"] = json!([long]);
    let mut long_stage = rest_event("GET", "/health", None);
    long_stage["requestContext"]["stage"] = json!(long);
    for event in [&long_host, &long_stage] {
        assert_eq!(answered(function.invoke(event).await).0, 200);
    }
    assert!(events.len() > 200);
    let mut served = 0;
    for event in events {
        let (status, _) = answered(function.invoke(&event).await);
        served += u32::from(status == 200);
    }
    assert!(served > 100, "{served} were served");
}

/// The JSON pointers of all fields of an object, including nested ones.
fn paths(value: &Value, prefix: &str) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .flat_map(|(name, value)| {
            let path = format!("{prefix}/{name}");
            let within = paths(value, &path);
            std::iter::once(path).chain(within)
        })
        .collect()
}
