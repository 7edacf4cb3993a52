//! Gathers the program's surface from the program itself into one file: routes, variables, metrics,
//! log events, error codes and AWS operations. The tests of the template and of the documents
//! compare with that file, so that nothing has to search the source.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use agentcore_bridge::api::{ErrorCode, ROUTES};
use agentcore_bridge::bridge;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::{Environment, VARIABLES};
use agentcore_bridge::telemetry::{EVENTS, METRICS};
use agentcore_emulator::{Agent, Emulator, Handshake};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{ARN, Bridge, told, variables};

/// Rewrites the file instead of comparing it.
const UPDATE: &str = "UPDATE_SURFACE";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/surface.json")
}

#[tokio::test]
async fn the_surface_file_equals_the_programs_surface() {
    let bridge = everything_at_one_emulator().await;
    let shown = json!({
        "routes": routes(&bridge).await,
        "variables": variables_and_what_they_accept(),
        "metrics": metrics().await,
        "events": EVENTS.map(|event| json!({ "message": event.message, "fields": event.fields })),
        "errors": ErrorCode::ALL
            .map(|code| json!({ "code": code.as_str(), "status": code.status().as_u16() })),
        "operations": operations(&bridge),
    });
    let shown = an_entry_a_line(&shown);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path(), &shown).unwrap();
    }
    let written = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(
        written == shown,
        "tests/data/surface.json is not what the program shows. If that is meant, write it anew with\n\
         {UPDATE}=1 cargo test --test bridge surface\n\
         and bring docs/ and template.yaml up to it. The program shows:\n{shown}"
    );
}

/// One entry per line, so that a change of an entry is one line in a diff.
fn an_entry_a_line(shown: &Value) -> String {
    let list = |(name, entries): (&String, &Value)| {
        let entries = listed(entries).iter().map(|entry| format!("    {entry}"));
        let entries = entries.collect::<Vec<_>>().join(",\n");
        format!("  {}: [\n{entries}\n  ]", json!(name))
    };
    let lists = shown.as_object().unwrap().iter().map(list);
    let lists = lists.collect::<Vec<_>>().join(",\n");
    format!("{{\n{lists}\n}}\n")
}

/// A bridge with one emulator as both data plane and control plane.
async fn everything_at_one_emulator() -> Bridge {
    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let control = (
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        &*emulator.endpoint(),
    );
    let more = [control, ("TEST_AGENT_CONNECTIONS", "presigned")];
    let env: Environment = variables(&emulator, &more).into_iter().collect();
    let config = Config::from_env(&env).unwrap();
    let api = bridge::api(&config, &env, None, SystemTime::now)
        .await
        .unwrap();
    Bridge { emulator, api }
}

/// Every path with its methods, by its `Allow` header. Each method is called, so that the AWS
/// operations of each route are recorded too.
async fn routes(bridge: &Bridge) -> Vec<Value> {
    let mut routes = Vec::new();
    for route in ROUTES {
        let path = route
            .replace("{agent_id}", "test")
            .replace("{session_id}", "mine");
        assert!(
            !path.contains('{'),
            "{route} has a parameter without an example"
        );
        let refused = request(bridge, &Method::PATCH, &path, "").await;
        assert_eq!(refused.0, StatusCode::METHOD_NOT_ALLOWED, "{route}");
        let methods: Vec<String> = refused.1.split(", ").map(str::to_owned).collect();
        for method in &methods {
            let method = method.parse().unwrap();
            let body = body_of(route).to_string();
            let body = body.as_str();
            let answered = request(bridge, &method, &path, body).await;
            assert!(answered.0.is_success(), "{method} {path}: {}", answered.0);
        }
        routes.push(json!({ "path": in_camel_case(route), "methods": methods }));
    }
    routes
}

/// A body that a route takes.
fn body_of(route: &str) -> Value {
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    match route {
        "/v1/chat/completions" => json!({ "model": "test", "messages": messages }),
        "/api/agents/{agent_id}/ag-ui" => {
            json!({ "threadId": "mine", "runId": "1", "messages": messages })
        }
        _ => json!({ "agentId": "test", "prompt": "Hi", "sessionId": "mine" }),
    }
}

/// The status of a response, and its `Allow` header.
async fn request(bridge: &Bridge, method: &Method, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Bytes::from(body.to_owned())).unwrap();
    let answer = bridge.send(request).await;
    let allowed = answer.headers.get(header::ALLOW);
    let allowed = allowed.map(|value| value.to_str().unwrap().to_owned());
    (answer.status, allowed.unwrap_or_default())
}

/// A path as documented for clients: `{agent_id}` becomes `{agentId}`.
fn in_camel_case(route: &str) -> String {
    let mut words = route.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |path, word| {
        let (initial, rest) = word.split_at(1);
        path + &initial.to_uppercase() + rest
    })
}

/// Each variable with its accepted values, taken from the error message for a wrong value.
fn variables_and_what_they_accept() -> Vec<Value> {
    let described = VARIABLES.map(|name| {
        let own = name.replace("<NAME>", "TEST");
        let env: Environment = [("TEST_AGENT_ARN", ARN), (&own, "\u{1}")].into();
        match Config::from_env(&env) {
            Err(error) => {
                assert_eq!(error.variable, own);
                json!({ "name": name, "accepted": error.accepted })
            }
            Ok(_) => json!({ "name": name }),
        }
    });
    described.to_vec()
}

/// Each metric with the dimensions declared by a successful and a failed invocation.
async fn metrics() -> Vec<Value> {
    let body = json!({ "agentId": "test", "prompt": "Hi" });
    let refusing = Agent::refusing(Handshake::status(403, "AccessDeniedException"));
    let mut announced = BTreeSet::new();
    for agent in [Agent::echo(), refusing] {
        let told = told(agent, &body).await;
        for directive in listed(&told.metrics()["_aws"]["CloudWatchMetrics"]) {
            for metric in listed(&directive["Metrics"]) {
                for set in listed(&directive["Dimensions"]) {
                    announced.insert((metric["Name"].to_string(), set.to_string()));
                }
            }
        }
    }
    let described = METRICS.map(|metric| {
        let name = json!(metric.name).to_string();
        let sets = announced.iter().filter(|(of, _)| *of == name);
        let sets: Vec<Value> = sets
            .map(|(_, set)| serde_json::from_str(set).unwrap())
            .collect();
        json!({ "name": metric.name, "unit": metric.unit, "dimensions": sets })
    });
    described.to_vec()
}

fn listed(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// The AWS operations of all routes, by their IAM names.
fn operations(bridge: &Bridge) -> Vec<String> {
    let asked: BTreeSet<_> = bridge
        .emulator
        .connections()
        .iter()
        .map(|connection| {
            let operation = connection.operation;
            let operation = operation.unwrap_or_else(|| panic!("no operation: {connection:?}"));
            format!("bedrock-agentcore:{operation:?}")
        })
        .collect();
    asked.into_iter().collect()
}
