//! The events of each kind of gateway, as they were captured, through the built binary.

use agentcore_emulator::{Agent, Emulator};
use serde_json::Value;

use crate::runtime_api::{Function, Outcome};
use crate::support::{ARN, variables};

/// Every event of tests/events with the status that its answer has, and the form of its headers.
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
async fn events_of_every_gateway_are_answered_in_its_form() {
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
                // Known callers have sessions of their own.
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
