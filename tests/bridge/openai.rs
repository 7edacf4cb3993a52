//! The endpoint that clients of OpenAI's API speak to.

use agentcore_emulator::{Agent, Handshake, Step};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Bridge};

fn script(texts: &[&str], last: &str) -> Vec<Step> {
    let piece = |text: &&str| Step::text(format!("data: {}\n\n", json!({ "chunk": text })));
    let mut steps: Vec<_> = texts.iter().map(piece).collect();
    steps.push(Step::text(last));
    steps
}

const DONE: &str = "data: [DONE]\n\n";

async fn complete(bridge: &Bridge, session: Option<&str>, body: &Value) -> Answer {
    let mut request = Request::post("/v1/chat/completions").header("accept", "text/event-stream");
    if let Some(session) = session {
        request = request.header("x-session-id", session);
    }
    let request = request.body(body.to_string().into()).unwrap();
    bridge.send(request).await
}

fn chat(messages: &Value) -> Value {
    json!({ "model": "test", "messages": messages })
}

fn hello() -> Value {
    chat(&json!([{ "role": "user", "content": "Hi" }]))
}

/// The last message that the agent got.
fn sent(bridge: &Bridge) -> Value {
    let connection = bridge.emulator.connections().pop().unwrap();
    serde_json::from_str(&connection.messages[0]).unwrap()
}

#[tokio::test]
async fn a_completion_is_one_document() {
    let bridge = Bridge::to(Agent::scripted(script(&["one ", "\"two\"\n"], DONE))).await;
    let body = json!({ "model": "TEST-agent", "messages": [{"role":"user","content":"Hi"}],
        "stream": false, "temperature": 0.5, "tools": [], "user": "u", "stream_options": null });
    let answer = complete(&bridge, None, &body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    let session = answer.header("x-session-id");
    assert!(session.starts_with("session-"));
    let told = answer.json();
    assert!(told["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert!(told["created"].as_u64().unwrap() > 1_600_000_000);
    assert_eq!(
        (&told["object"], &told["model"]),
        (&"chat.completion".into(), &"test".into())
    );
    assert!(told.get("usage").is_none());
    let choice = &told["choices"][0];
    assert_eq!(choice["index"], 0);
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(choice["message"]["role"], "assistant");
    assert_eq!(choice["message"]["content"], "one \"two\"\n");
    assert_eq!(
        sent(&bridge),
        json!({ "prompt": "Hi", "sessionId": session })
    );
}

#[tokio::test]
async fn a_stream_is_chunks_of_one_completion() {
    let bridge = Bridge::to(Agent::scripted(script(&["one", "two"], DONE))).await;
    let mut body = hello();
    body["stream"] = true.into();
    let answer = complete(&bridge, Some("mine"), &body).await;
    assert_eq!(
        answer.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(answer.header("x-session-id"), "mine");
    let text = answer.text.strip_suffix("data: [DONE]\n\n").unwrap();
    let chunks: Vec<Value> = text
        .trim_end()
        .split("\n\n")
        .map(|line| serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let choices: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]).collect();
    assert_eq!(chunks.len(), 4);
    assert_eq!(
        choices[0]["delta"],
        json!({ "role": "assistant", "content": "" })
    );
    assert_eq!(choices[1]["delta"], json!({ "content": "one" }));
    assert_eq!(choices[2]["finish_reason"], Value::Null);
    assert_eq!(choices[3]["delta"], json!({}));
    assert_eq!(choices[3]["finish_reason"], "stop");
    for chunk in &chunks {
        assert_eq!(chunk["id"], chunks[0]["id"]);
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["model"], "test");
    }
}

#[tokio::test]
async fn steps_are_told_to_nobody() {
    let steps = vec![
        Step::text(json!({"type":"reasoning-delta","id":"r","delta":"MARKER"}).to_string()),
        Step::text(
            json!({"type":"tool-input-available","toolCallId":"c","toolName":"MARKER","input":{}})
                .to_string(),
        ),
        Step::text(json!({"type":"text-delta","id":"t","delta":"Hi"}).to_string()),
        Step::text(DONE),
    ];
    let variables = [("EXPOSE_STEPS", "tools,reasoning")];
    let bridge = Bridge::configured(Agent::scripted(steps), &variables).await;
    let mut body = hello();
    for stream in [false, true] {
        body["stream"] = stream.into();
        let answer = complete(&bridge, None, &body).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.text.contains("Hi") && !answer.text.contains("MARKER"),
            "{answer:?}"
        );
    }
}

/// With a session the agent knows what was said before; without one it is told all of it.
#[tokio::test]
async fn the_prompt_is_the_last_words_in_a_session_and_the_transcript_without_one() {
    let bridge = Bridge::to(Agent::scripted(script(&["ok"], DONE))).await;
    let messages = json!([
        {"role":"system","content":"Be brief."},
        {"role":"user","content":[{"type":"text","text":"One"},{"type":"text","text":"two"}]},
        {"role":"assistant","content":null,"tool_calls":[]},
        {"role":"assistant","content":""},
        {"role":"assistant","content":"Three."},
        {"role":"user","content":"Four"},
    ]);
    let transcript = "system: Be brief.\nuser: One\ntwo\nassistant: Three.\nuser: Four";
    let in_metadata = json!({ "model": "test", "messages": messages,
        "metadata": { "sessionId": "meta", "other": 1 } });
    for (session, body, prompt, id) in [
        (None, chat(&messages), transcript, None),
        (Some(""), chat(&messages), transcript, None),
        (Some("mine"), chat(&messages), "Four", Some("mine")),
        (None, in_metadata.clone(), "Four", Some("meta")),
        (Some("mine"), in_metadata, "Four", Some("mine")),
        (None, hello(), "Hi", None),
    ] {
        let answer = complete(&bridge, session, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let message = sent(&bridge);
        assert_eq!(message["prompt"], prompt);
        assert!(id.is_none_or(|id| message["sessionId"] == id));
        assert_eq!(message["sessionId"], answer.header("x-session-id"));
    }
    // The user's words need not be the last ones.
    let body = chat(&json!([{"role":"user","content":"A"},{"role":"assistant","content":"B"}]));
    complete(&bridge, Some("s"), &body).await;
    assert_eq!(sent(&bridge)["prompt"], "A");
}

#[tokio::test]
async fn mistakes_have_openais_form() {
    let bridge = Bridge::to(Agent::echo()).await;
    let with = |name: &str, value: Value| {
        let mut body = hello();
        body[name] = value;
        body
    };
    let image = json!([{"type":"image_url","image_url":{"url":"x"}}]);
    for (body, session, status, code) in [
        (json!([]), None, 400, "ValidationError"),
        (json!({ "messages": [] }), None, 400, "ValidationError"),
        (json!({ "model": "test" }), None, 400, "ValidationError"),
        (with("model", " ".into()), None, 400, "ValidationError"),
        (with("model", 1.into()), None, 400, "ValidationError"),
        (with("messages", "x".into()), None, 400, "ValidationError"),
        (with("stream", "yes".into()), None, 400, "ValidationError"),
        (with("metadata", "x".into()), None, 400, "ValidationError"),
        (
            with("metadata", json!({"sessionId": 1})),
            None,
            400,
            "ValidationError",
        ),
        (
            with("metadata", json!({"sessionId": "-"})),
            None,
            400,
            "ValidationError",
        ),
        (hello(), Some("not one"), 400, "ValidationError"),
        (chat(&json!([])), None, 400, "ValidationError"),
        (
            chat(&json!([{"role":"system","content":"x"}])),
            None,
            400,
            "ValidationError",
        ),
        (
            chat(&json!([{"role":"user","content":" "}])),
            None,
            400,
            "ValidationError",
        ),
        (
            chat(&json!([{"role":"user","content":image}])),
            None,
            400,
            "ValidationError",
        ),
        (with("model", "nobody".into()), None, 404, "NotFoundError"),
    ] {
        let answer = complete(&bridge, session, &body).await;
        assert_eq!(answer.status, status, "{body}");
        let told = answer.json();
        assert_eq!(told["error"]["code"], code, "{body}");
        assert_eq!(told["error"]["type"], "invalid_request_error");
        assert!(told["error"]["message"].is_string());
        assert_eq!(told["error"].as_object().unwrap().len(), 3);
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    let huge = "x".repeat(1_048_577);
    for (method, path, body, status) in [
        (Method::POST, "/v1/chat/completions", huge.as_str(), 413),
        (Method::GET, "/v1/chat/completions", "", 405),
        (Method::POST, "/v1/models", "", 405),
        (Method::GET, "/v1/models/test", "", 404),
        (Method::POST, "/v1/embeddings", "{}", 404),
    ] {
        let request = Request::builder().method(method).uri(path);
        let answer = bridge
            .send(request.body(body.to_owned().into()).unwrap())
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
        assert_eq!(answer.header("x-should-retry"), "false");
        if status == 405 {
            assert!(answer.headers.contains_key("allow"));
        }
    }
    assert!(bridge.emulator.connections().is_empty());
}

/// The clients repeat every 429 and 5xx unless they are told not to.
#[tokio::test]
async fn clients_are_told_whether_to_try_again() {
    let unavailable = Handshake::status(503, "ServiceUnavailable").with_header("retry-after", "7");
    for (agent, status, should_retry) in [
        (Agent::refusing(unavailable), 503, "true"),
        (
            Agent::refusing(Handshake::status(500, "InternalFailure")),
            503,
            "true",
        ),
        (
            Agent::scripted(vec![Step::text("data: {\"error\":\"e\"}\n\n")]),
            500,
            "false",
        ),
        (Agent::scripted(vec![Step::Reset]), 503, "false"),
        (
            Agent::refusing(Handshake::status(403, "ExpiredTokenException")),
            401,
            "false",
        ),
    ] {
        let bridge = Bridge::configured(agent, &[("RETRY_MAX_RETRIES", "0")]).await;
        let answer = complete(&bridge, Some("mine"), &hello()).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("x-should-retry"), should_retry);
        assert_eq!(answer.header("x-session-id"), "mine");
        let kind = if status < 500 {
            "invalid_request_error"
        } else {
            "server_error"
        };
        assert_eq!(answer.json()["error"]["type"], kind);
    }
    let bridge = Bridge::configured(Agent::echo(), &[("RATE_LIMIT_PER_MINUTE", "1")]).await;
    let caller = crate::support::known_caller("user-1");
    for status in [200, 429] {
        let request = Request::post("/v1/chat/completions").body(hello().to_string().into());
        let answer = bridge.send_from(request.unwrap(), caller.clone()).await;
        assert_eq!(answer.status, status);
        if status == 429 {
            assert_eq!(answer.header("x-should-retry"), "true");
            assert!(answer.headers.contains_key("retry-after"));
        }
    }
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_an_error_in_a_stream_and_cut_in_a_document() {
    let agent = Agent::scripted(script(&["a"], "data: {\"error\":\"SECRET\"}\n\n"));
    let bridge = Bridge::to(agent).await;
    let mut body = hello();
    let whole = complete(&bridge, None, &body).await;
    assert_eq!(whole.json()["choices"][0]["finish_reason"], "length");
    body["stream"] = true.into();
    let streamed = complete(&bridge, None, &body).await;
    let error = json!({ "error": {
        "message": "the agent reported an error", "type": "server_error", "code": "InternalError"
    }});
    let blocks: Vec<_> = streamed.text.trim_end().split("\n\n").collect();
    assert_eq!(blocks.len(), 4);
    assert_eq!(blocks[2][6..].parse::<Value>().unwrap(), error);
    assert_eq!(blocks[3], "data: [DONE]");
}

#[tokio::test]
async fn configured_agents_are_models() {
    let broken = [("BROKEN_AGENT_ARN", "arn:nonsense")];
    let bridge = Bridge::configured(Agent::echo(), &broken).await;
    let request = Request::get("/v1/models").body("".into()).unwrap();
    let answer = bridge.send(request).await;
    let told = answer.json();
    assert_eq!(told["object"], "list");
    let models = told["data"].as_array().unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!(
        (&models[0]["id"], &models[0]["object"]),
        (&"test".into(), &"model".into())
    );
    assert!(models[0]["created"].is_u64() && models[0]["owned_by"].is_string());
}

#[tokio::test]
async fn a_preflight_allows_the_headers_that_the_clients_send() {
    let origins = [("CORS_ALLOWED_ORIGINS", "*")];
    let bridge = Bridge::configured(Agent::echo(), &origins).await;
    for (path, is_allowed) in [
        ("/v1/chat/completions", true),
        ("/api/agents/invoke", false),
    ] {
        let request = Request::options(path)
            .header("origin", "https://app.example.com")
            .header(
                "access-control-request-headers",
                "authorization, X-Stainless-Lang,x-stainless-os,x-evil",
            );
        let answer = bridge.send(request.body("".into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        let allowed = answer.header("access-control-allow-headers");
        let has = |name: &str| allowed.split(',').any(|known| known == name);
        assert_eq!(
            has("x-stainless-lang") && has("x-stainless-os"),
            is_allowed,
            "{allowed}"
        );
        assert!(has("authorization") && has("x-session-id") && !has("x-evil"));
    }
    let request = Request::get("/v1/models").header("origin", "https://app.example.com");
    let answer = bridge.send(request.body("".into()).unwrap()).await;
    assert!(
        answer
            .header("access-control-expose-headers")
            .contains("x-session-id")
    );
}
