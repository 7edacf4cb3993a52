//! What callers see of how an agent came to its words.

use agentcore_emulator::{Agent, Step};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::Bridge;

/// An agent that thinks, calls two tools of which one fails, and goes on in another turn.
fn script() -> Vec<Step> {
    let events = [
        json!({"type":"reasoning-delta","id":"r","delta":"Hm"}),
        json!({"type":"reasoning-delta","id":"r","delta":"."}),
        json!({"type":"text-delta","id":"t","delta":"Let me look."}),
        json!({"type":"tool-input-start","toolCallId":"c1","toolName":"weather"}),
        json!({"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"{\"city\": \"Paris\"}"}),
        json!({"type":"tool-input-available","toolCallId":"c1","toolName":"weather","input":{"city":"Paris"}}),
        json!({"type":"tool-output-available","toolCallId":"c1","output":"blue\u{2028}"}),
        json!({"type":"tool-input-available","toolCallId":"c2","toolName":"clock","input":{}}),
        json!({"type":"tool-output-error","toolCallId":"c2","errorText":"no clock"}),
        json!({"type":"finish-step"}),
        json!({"type":"text-delta","id":"t2","delta":"Sunny."}),
        json!({"type":"finish"}),
    ];
    let mut steps: Vec<_> = events
        .iter()
        .map(|event| Step::text(format!("data: {event}\n\n")))
        .collect();
    steps.push(Step::text("data: [DONE]\n\n"));
    steps
}

async fn stream(exposed: &str, query: &str) -> Vec<(String, Value)> {
    let agent = Agent::scripted(script());
    let bridge = Bridge::configured(agent, &[("EXPOSE_STEPS", exposed)]).await;
    let body = json!({ "agentId": "test", "prompt": "x", "sessionId": "mine" });
    let request = Request::post(format!("/api/agents/invoke/stream{query}"));
    let answer = bridge
        .send(request.body(body.to_string().into()).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.text.contains('\u{2028}'));
    let event = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        let data = field("data: ").unwrap();
        let data = data.parse().unwrap_or_else(|_| Value::from(data));
        (field("event: ").unwrap_or_default().to_owned(), data)
    };
    answer.text.trim_end().split("\n\n").map(event).collect()
}

fn named(name: &str, data: Value) -> (String, Value) {
    (name.to_owned(), data)
}

#[tokio::test]
async fn the_native_stream_tells_what_is_exposed_between_the_chunks() {
    let reasoning = [
        named("reasoning", json!({ "text": "Hm" })),
        named("reasoning", json!({ "text": "." })),
    ];
    let call = |id: &str, name: &str, input: Value| {
        named(
            "tool-call",
            json!({ "id": id, "name": name, "input": input }),
        )
    };
    let tools = [
        call("c1", "weather", json!({ "city": "Paris" })),
        named(
            "tool-result",
            json!({ "id": "c1", "output": "blue\u{2028}" }),
        ),
        call("c2", "clock", json!({})),
        named(
            "tool-result",
            json!({ "id": "c2", "output": "no clock", "failed": true }),
        ),
    ];
    let chunk = |text: &str| [named("", json!({ "chunk": text }))];
    let (first, second) = (chunk("Let me look."), chunk("Sunny."));
    for (exposed, expected) in [
        ("", [&first[..], &second].concat()),
        ("reasoning", [&reasoning[..], &first, &second].concat()),
        ("tools", [&first[..], &tools, &second].concat()),
        (
            "tools,reasoning",
            [&reasoning[..], &first, &tools, &second].concat(),
        ),
    ] {
        let events = stream(exposed, "").await;
        let [session, told @ .., complete, done] = &*events else {
            panic!("{events:?}");
        };
        assert_eq!(session.0, "session");
        assert_eq!(told, expected, "{exposed}");
        // Steps are no chunks.
        assert_eq!(complete.1["metadata"]["chunks"], 2);
        assert_eq!(done.1, "[DONE]");
    }
}

#[tokio::test]
async fn the_ai_sdks_stream_has_parts_for_them() {
    let events = stream("tools,reasoning", "?format=ai-sdk").await;
    let types: Vec<_> = events
        .iter()
        .map(|(_, data)| data["type"].as_str().unwrap_or("[DONE]"))
        .collect();
    let expected = [
        "start",
        "start-step",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-available",
        "tool-output-available",
        "tool-input-start",
        "tool-input-available",
        "tool-output-error",
        "finish-step",
        "start-step",
        "text-start",
        "text-delta",
        "text-end",
        "finish-step",
        "finish",
        "[DONE]",
    ];
    assert_eq!(types, expected);
    let part = |n: usize| &events[n].1;
    assert_eq!(part(11)["input"], json!({ "city": "Paris" }));
    assert_eq!(part(12)["output"], "blue\u{2028}");
    assert_eq!(part(15)["errorText"], "no clock");
    assert_ne!(
        part(6)["id"],
        part(18)["id"],
        "a text of another step is another part"
    );

    let hidden = stream("", "?format=ai-sdk").await;
    let hidden = serde_json::to_string(&hidden.iter().map(|e| &e.1).collect::<Vec<_>>()).unwrap();
    for word in ["reasoning", "tool", "Hm", "Paris", "blue"] {
        assert!(!hidden.contains(word), "{word}: {hidden}");
    }
}

/// A stream begins with the first step that is exposed; a failure after it is an event.
#[tokio::test]
async fn a_failure_after_a_step_that_was_told_is_an_event() {
    let script = vec![
        Step::text(json!({"type":"reasoning-delta","id":"r","delta":"Hm"}).to_string()),
        Step::text(json!({"type":"error","errorText":"SECRET"}).to_string()),
    ];
    for (exposed, status) in [("reasoning", 200), ("tools", 500), ("", 500)] {
        let agent = Agent::scripted(script.clone());
        let bridge = Bridge::configured(agent, &[("EXPOSE_STEPS", exposed)]).await;
        let body = json!({ "agentId": "test", "prompt": "x" });
        let request = Request::post("/api/agents/invoke/stream");
        let answer = bridge
            .send(request.body(body.to_string().into()).unwrap())
            .await;
        assert_eq!(answer.status, status, "{exposed}");
        assert!(!answer.text.contains("SECRET"));
        assert_eq!(answer.text.contains("event: error"), status == 200);
        // The JSON answer has no place for steps: there it is an error as it ever was.
        assert_eq!(bridge.say("x").await.status, 500);
    }
}

/// A document is cut before a step that does not fit, as it is before a word.
#[tokio::test]
async fn a_step_that_does_not_fit_cuts_a_document() {
    let output = "\"".repeat(1_800_000);
    let script = vec![
        Step::text(json!({"type":"text-delta","id":"t","delta":"a"}).to_string()),
        Step::text(
            json!({"type":"tool-output-available","toolCallId":"c","output":output}).to_string(),
        ),
        Step::text(json!({"type":"text-delta","id":"t","delta":"b"}).to_string()),
        Step::text("[DONE]"),
    ];
    for query in ["", "?format=ai-sdk", "?format=ag-ui"] {
        let agent = Agent::scripted(script.clone());
        let bridge = Bridge::configured(agent, &[("EXPOSE_STEPS", "tools")]).await;
        let body = json!({ "agentId": "test", "prompt": "x" });
        let request = Request::post(format!("/api/agents/invoke/stream{query}"));
        let answer = bridge
            .send(request.body(body.to_string().into()).unwrap())
            .await;
        assert!(
            answer.text.contains(r#""incomplete":true"#),
            "{query}: {}",
            answer.text
        );
        assert!(answer.text.len() < 2_000);
    }
}
