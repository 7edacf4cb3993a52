//! What an agent is sent: a template of its own, AG-UI, fields of the request.

use agentcore_bridge::api::RequestContext;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use agentcore_emulator::{Agent, Emulator};
use http::Request;
use serde_json::{Value, json};

use crate::support::{ARN, Answer, Bridge, known_caller, variables};

/// A bridge whose agent is sent what these variables of it say.
async fn bridge(own: &[(&str, &str)]) -> Bridge {
    let own: Vec<_> = own
        .iter()
        .map(|(suffix, value)| (format!("TEST_AGENT_{suffix}"), *value))
        .collect();
    let own: Vec<_> = own.iter().map(|(name, value)| (&**name, *value)).collect();
    Bridge::configured(Agent::echo(), &own).await
}

/// The message that the agent got last, as it came.
fn sent(bridge: &Bridge) -> String {
    let mut connection = bridge.emulator.connections().pop().unwrap();
    assert_eq!(connection.messages.len(), 1);
    connection.messages.remove(0)
}

async fn say_as(bridge: &Bridge, context: RequestContext, body: &Value) -> Answer {
    let request = Request::post("/api/agents/invoke").body(body.to_string().into());
    let answer = bridge.send_from(request.unwrap(), context).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

#[tokio::test]
async fn values_are_replaced_once_at_any_depth_and_keys_are_not() {
    let template = r#"{"input":{"text":["Say: {prompt}"]},"{prompt}":"{sessionId}/{callerId}"}"#;
    let bridge = bridge(&[("MESSAGE", template)]).await;
    let prompt = "\"{sessionId}\"\n{callerId} {prompt}";
    let body = json!({ "agentId": "test", "prompt": prompt, "sessionId": "mine" });
    assert_eq!(bridge.invoke(&body).await.status, 200);
    let message: Value = serde_json::from_str(&sent(&bridge)).unwrap();
    let expected = json!({
        "input": { "text": [format!("Say: {prompt}")] },
        "{prompt}": "mine/",
    });
    assert_eq!(message, expected);
}

#[tokio::test]
async fn without_a_template_the_message_is_what_it_was() {
    let bridge = bridge(&[]).await;
    let body =
        json!({ "agentId": "test", "prompt": "a\"\n\u{2028}é", "sessionId": "mine", "x": 1 });
    bridge.invoke(&body).await;
    assert_eq!(
        sent(&bridge),
        "{\"prompt\":\"a\\\"\\n\u{2028}é\",\"sessionId\":\"mine\"}"
    );
}

/// A bound session is told in every kind of message by the id that only its caller has.
#[tokio::test]
async fn every_kind_of_message_tells_the_session_that_is_the_callers() {
    for (message, at) in [
        (r#"{"a":[{"session_id":"{sessionId}"}]}"#, "/a/0/session_id"),
        ("ag-ui", "/threadId"),
    ] {
        let bridge = bridge(&[("MESSAGE", message)]).await;
        let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" });
        say_as(&bridge, known_caller("user-1"), &body).await;
        let connection = bridge.emulator.connections().pop().unwrap();
        let told: Value = serde_json::from_str(&connection.messages[0]).unwrap();
        let runtime_session = connection.runtime_session_id.unwrap();
        assert!(runtime_session.starts_with("bound-"));
        assert_eq!(told.pointer(at).unwrap(), &json!(runtime_session));

        bridge.invoke(&body).await;
        let told: Value = serde_json::from_str(&sent(&bridge)).unwrap();
        assert_eq!(told.pointer(at).unwrap(), "mine", "nobody knows who calls");
    }
}

#[tokio::test]
async fn ag_ui_is_sent_by_both_routes_with_fresh_ids() {
    let bridge = bridge(&[("MESSAGE", "ag-ui"), ("FIELDS", "tools,attachments")]).await;
    let body = json!({
        "agentId": "test", "prompt": "Hi", "sessionId": "mine",
        "tools": ["mine"], "attachments": ["a"],
    });
    let mut ids = std::collections::HashSet::new();
    for route in ["/api/agents/invoke", "/api/agents/invoke/stream"] {
        let request = Request::post(route).body(body.to_string().into()).unwrap();
        assert_eq!(bridge.send(request).await.status, 200);
        let run: Value = serde_json::from_str(&sent(&bridge)).unwrap();
        let expected = json!({
            "threadId": "mine",
            "runId": run["runId"],
            "state": {},
            "messages": [{ "id": run["messages"][0]["id"], "role": "user", "content": "Hi" }],
            "tools": [],
            "context": [],
            "forwardedProps": {},
            "attachments": ["a"],
        });
        assert_eq!(run, expected, "a key of the message wins");
        for id in [&run["runId"], &run["messages"][0]["id"]] {
            assert_eq!(id.as_str().unwrap().len(), 36);
            ids.insert(id.to_string());
        }
    }
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn fields_go_on_as_they_came_and_others_do_not() {
    let bridge = bridge(&[("FIELDS", " files , n,sessionId")]).await;
    let files = r#"[ {"data":"aGk=", "\u0061":"\ud800", "size":1e400} ]"#;
    let body = format!(
        "\u{feff}{{\"n\":null,\"files\":{files},\"agentId\":\"test\",\"prompt\":\"x\",\"y\":1,\"y\":2,\
         \"sessionId\":\"mine\"}}"
    );
    let answer = bridge.post(body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = format!(r#"{{"prompt":"x","sessionId":"mine","n":null,"files":{files}}}"#);
    assert_eq!(sent(&bridge), expected);
    bridge.say("alone").await;
    assert!(!sent(&bridge).contains("files"));
}

#[tokio::test]
async fn a_field_that_goes_on_is_there_once() {
    let bridge = bridge(&[("FIELDS", "files")]).await;
    let body = r#"{"agentId":"test","prompt":"x","sessionId":"s","files":1,"files":2}"#;
    let answer = bridge.post(body).await;
    assert_eq!(answer.status, 400);
    let error = json!({
        "error": "ValidationError",
        "message": "files is there twice",
        "details": { "agentId": "test", "sessionId": "s", "retryable": false },
    });
    assert_eq!(answer.json(), error);
    assert!(bridge.emulator.connections().is_empty());
    let unknown = r#"{"agentId":"test","prompt":"x","other":1,"other":2}"#;
    assert_eq!(bridge.post(unknown).await.status, 200);
}

/// A message that is longer than a frame goes out in frames that the service takes.
#[tokio::test]
async fn a_large_field_goes_out_in_frames_of_32_kib() {
    let bridge = bridge(&[("FIELDS", "files")]).await;
    let file = "a".repeat(900_000);
    let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "s", "files": [file] });
    assert_eq!(bridge.invoke(&body).await.status, 200);
    let connection = bridge.emulator.connections().pop().unwrap();
    assert!(connection.frames.iter().all(|frame| frame.len <= 32 * 1024));
    let message: Value = serde_json::from_str(&connection.messages[0]).unwrap();
    assert_eq!(message["files"], json!([file]));
}

#[tokio::test]
async fn a_setting_that_is_none_stops_the_start() {
    let emulator = Emulator::builder().start().await.unwrap();
    for (suffix, value, problem) in [
        ("MESSAGE", "{\"MARKER\":", "not valid JSON"),
        ("MESSAGE", "[\"{prompt}\"]", "not an object"),
        ("MESSAGE", "agui", "not valid JSON"),
        ("MESSAGE", r#"{"a":"{prompt}","a":1}"#, "twice"),
        ("FIELDS", "a\u{1}", "control character"),
        ("AUTH", "jwt", "not accepted"),
        ("USER_ID", "sub", "not accepted"),
    ] {
        let name = format!("TEST_AGENT_{suffix}");
        let env: Environment = variables(&emulator, &[(&name, value)])
            .into_iter()
            .collect();
        let error = Config::from_env(&env).unwrap_err();
        assert_eq!(error.variable, name);
        let line = error.to_string();
        assert!(
            line.contains(problem) && line.contains("accepted is"),
            "{line}"
        );
        assert!(!line.contains(value), "{line}");
    }
    // What the bridge reads itself goes on as the bridge has it, or not at all.
    let template = ("TEST_AGENT_MESSAGE", r#"{"text":"{prompt}"}"#);
    for own in ["agentId", "prompt", "sessionId"] {
        let own = ("TEST_AGENT_FIELDS", own);
        let env: Environment = variables(&emulator, &[template, own]).into_iter().collect();
        assert_eq!(Config::from_env(&env).unwrap_err().variable, own.0);
    }
    // The others start with an agent that is not configured well.
    let broken = [
        ("BROKEN_AGENT_ARN", "arn:aws"),
        ("BROKEN_AGENT_MESSAGE", "ag-ui"),
        ("TEST_AGENT_ARN", ARN),
    ];
    let env: Environment = variables(&emulator, &broken).into_iter().collect();
    assert_eq!(Config::from_env(&env).unwrap().agents.iter().count(), 2);
}
