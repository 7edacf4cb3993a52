//! Captured events of each kind of gateway, through the built binary.

use agentcore_emulator::{Agent, Emulator};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::{ARN, Function, Outcome, answered, variables};

/// Every event of tests/events, with the expected status and the form of the headers.
const EVENTS: [(&str, u64, Headers); 17] = [
    ("rest-api", 200, Headers::Multi),
    ("rest-api-base64", 200, Headers::Multi),
    ("rest-api-custom-domain", 200, Headers::Multi),
    ("http-api", 200, Headers::Single),
    ("http-api-base64", 200, Headers::Single),
    ("http-api-stage", 200, Headers::Single),
    ("http-api-jwt", 200, Headers::Single),
    ("http-api-payload-1", 200, Headers::Multi),
    ("function-url", 200, Headers::Single),
    ("function-url-iam", 200, Headers::Single),
    ("alb", 200, Headers::Both),
    ("alb-base64", 200, Headers::Both),
    ("alb-multi-value", 200, Headers::Both),
    ("rest-api-invalid", 400, Headers::Multi),
    ("rest-api-agents", 200, Headers::Multi),
    ("health", 200, Headers::Multi),
    ("alb-health-check", 200, Headers::Both),
];

/// Which of `headers` and `multiValueHeaders` a gateway reads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Headers {
    Single,
    Multi,
    Both,
}

#[tokio::test]
async fn responses_have_the_form_of_their_gateway() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files = files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    assert_eq!(files.count(), EVENTS.len(), "each event is here");

    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let more = [("ECHO_AGENT_ARN", ARN), ("BASE_PATH", "bridge")];
    let function = Function::start(variables(&emulator, &more)).await;
    let mut turn = 0;
    for (name, status, headers) in EVENTS {
        let event = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
        let event: Value = serde_json::from_str(&event).unwrap();
        let Outcome::Response(answer) = function.invoke(&event).await else {
            panic!("{name}")
        };
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
        assert_eq!(answer["isBase64Encoded"], false, "{name}");
        let content_type = "application/json";
        if headers != Headers::Multi {
            assert_eq!(
                answer["headers"]["content-type"], content_type,
                "{name}: {answer}"
            );
        }
        if headers != Headers::Single {
            let values = &answer["multiValueHeaders"]["content-type"];
            assert_eq!(values[0], content_type, "{name}: {answer}");
        }
        if headers == Headers::Both {
            let described = answer["statusDescription"].as_str().unwrap();
            assert!(
                described.starts_with(&status.to_string()),
                "{name}: {described}"
            );
        }
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        match status {
            400 => assert_eq!(body["message"], "agentId and prompt are required"),
            _ if event["body"].as_str().is_some_and(|body| !body.is_empty()) => {
                // Identified callers have bound sessions.
                let turn = match name {
                    "http-api-jwt" | "function-url-iam" => 1,
                    _ => {
                        turn += 1;
                        turn
                    }
                };
                let expected = format!("You said: Hello there (turn {turn} of this session)");
                assert_eq!(body["response"], expected, "{name}");
                assert_eq!(body["sessionId"], "smoke-test", "{name}");
            }
            _ => assert!(
                body["status"] == "ok" || body["agents"].is_array(),
                "{name}: {body}"
            ),
        }
    }
}

/// The text of a captured event.
fn captured(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");
    std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap()
}

/// A captured event with a field added or replaced at a pointer.
fn with(name: &str, parent: &str, field: &str, value: Value) -> Value {
    let mut event: Value = serde_json::from_str(&captured(name)).unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.insert(field.to_owned(), value);
    event
}

async fn echo() -> (Emulator, Function) {
    let agent = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = agent.start().await.unwrap();
    let variables = variables(&emulator, &[("ECHO_AGENT_ARN", ARN)]);
    (emulator, Function::start(variables).await)
}

const EACH_GATEWAY: [&str; 5] = [
    "rest-api",
    "http-api",
    "function-url",
    "http-api-payload-1",
    "alb",
];

/// JSON allows numbers of any size (RFC 8259, section 6); 64 bits cannot hold this one.
#[tokio::test]
async fn huge_numbers_do_not_break_a_request() {
    let (_emulator, function) = echo().await;
    for name in EACH_GATEWAY {
        for field in ["authorizer", "identity", "requestTimeEpoch", "timeEpoch"] {
            let value = match field {
                "authorizer" | "identity" => json!({ "claims": { "n": "HUGE" }, "n": "HUGE" }),
                _ => "HUGE".into(),
            };
            let event = with(name, "/requestContext", field, value).to_string();
            let event = event.replace("\"HUGE\"", "1e400");
            let outcome = function.invoke_with(event.into(), vec![]).await;
            let (status, body) = answered(outcome);
            assert_eq!(status, 200, "{name}, {field}: {body}");
        }
    }
}

/// A huge number must not hide the caller either.
#[tokio::test]
async fn huge_numbers_do_not_hide_the_caller() {
    let (emulator, function) = echo().await;
    let sessions = async |event: String| {
        let outcome = function.invoke_with(event.into(), vec![]).await;
        assert_eq!(answered(outcome).0, 200);
        emulator
            .connections()
            .last()
            .unwrap()
            .runtime_session_id
            .clone()
    };
    let plain = captured("http-api-jwt");
    let claims = "/requestContext/authorizer/jwt/claims";
    let huge = with("http-api-jwt", claims, "n", "HUGE".into());
    let huge = huge.to_string().replace("\"HUGE\"", "1e400");
    // The last value of a duplicate name counts.
    let twice = huge.replacen('{', r#"{"n":1e400,"requestContext":{"stage":"x"},"#, 1);
    let expected = sessions(plain).await;
    assert_eq!(sessions(huge).await, expected);
    assert_eq!(sessions(twice).await, expected);
}

#[tokio::test]
async fn null_fields_count_as_missing() {
    let (_emulator, function) = echo().await;
    for name in EACH_GATEWAY {
        let event = with(name, "", "isBase64Encoded", Value::Null);
        let (status, body) = answered(function.invoke(&event).await);
        assert_eq!(status, 200, "{name}: {body}");

        let event = with(name, "", "body", Value::Null);
        let (status, body) = answered(function.invoke(&event).await);
        assert_eq!(
            (status, body["error"].as_str()),
            (400, Some("ValidationError")),
            "{name}"
        );
    }
    for name in ["rest-api-base64", "http-api-base64", "alb-base64"] {
        let event = with(name, "", "body", Value::Null);
        assert_eq!(answered(function.invoke(&event).await).0, 400, "{name}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_a_body_is_skipped() {
    let (_emulator, function) = echo().await;
    let marked = format!(
        "\u{feff}{}",
        json!({ "agentId": "echo", "prompt": "Hello" })
    );
    for name in EACH_GATEWAY {
        for is_base64 in [false, true] {
            let body = if is_base64 {
                base64::engine::general_purpose::STANDARD.encode(&marked)
            } else {
                marked.clone()
            };
            let mut event = with(name, "", "body", body.into());
            event["isBase64Encoded"] = is_base64.into();
            let (status, body) = answered(function.invoke(&event).await);
            assert_eq!(status, 200, "{name}: {body}");
        }
    }
}

/// Without a host, and in the forms of both kinds of target group.
#[tokio::test]
async fn a_health_check_of_a_load_balancer_succeeds() {
    let (_emulator, function) = echo().await;
    let agent = "ELB-HealthChecker/2.0";
    let several = json!({ "user-agent": [agent] });
    let mut multi = with("alb-health-check", "", "multiValueHeaders", several);
    multi["multiValueQueryStringParameters"] = json!({});
    let fields = multi.as_object_mut().unwrap();
    fields.remove("headers");
    fields.remove("queryStringParameters");
    for event in [
        serde_json::from_str(&captured("alb-health-check")).unwrap(),
        with("alb-health-check", "", "body", Value::Null),
        with("alb-health-check", "", "headers", Value::Null),
        multi,
    ] {
        let Outcome::Response(answer) = function.invoke(&event).await else {
            panic!("{event}")
        };
        assert_eq!(answer["statusCode"], 200, "{event}: {answer}");
        assert_eq!(answer["statusDescription"], "200 OK", "{event}: {answer}");
    }
}
