//! Log lines and metrics of the built binary.

use std::time::Duration;

use agentcore_emulator::{Agent, Handshake, Step};
use serde_json::{Value, json};

use crate::support::{
    Function, Listening, Outcome, answered, function, lines, rest_event, told, told_at, variables,
};

fn body() -> Value {
    json!({ "agentId": "TEST-agent", "prompt": "Grüße", "sessionId": "mine" })
}

fn piece(text: &str) -> Step {
    Step::text(format!("data: {}\n\n", json!({ "chunk": text })))
}

#[tokio::test]
async fn an_invocation_is_logged_from_start_to_end() {
    let overloaded = Handshake::status(503, "ServiceUnavailableException");
    let agent = Agent::scripted(vec![piece("one "), piece("zwö"), Step::Close(Some(1000))])
        .handshake(Handshake::Sequence(vec![overloaded, Handshake::Accept]));
    let told = told(agent, &body()).await;
    assert_eq!(told.status, 200);
    assert_eq!(
        told.messages(),
        [
            "agent invocation started",
            "retrying",
            "websocket connected",
            "stream finished",
            "websocket closed",
            "agent invocation complete",
        ]
    );
    for event in &told.events {
        assert_eq!(event["agentId"], "test");
        assert_eq!(event["sessionId"], "mine");
        let level = if event["message"] == "retrying" {
            "WARN"
        } else {
            "INFO"
        };
        assert_eq!(event["level"], level, "{event}");
    }
    assert_eq!(told.event("agent invocation started")["promptLength"], 7);
    let retrying = told.event("retrying");
    assert_eq!(retrying["attempt"], 1);
    assert!((1..=2).contains(&retrying["delayMs"].as_u64().unwrap()));
    let reason = "the handshake was answered with status 503";
    assert_eq!(retrying["reason"], reason);
    let connected = told.event("websocket connected");
    assert_eq!(connected["attempt"], 2);
    let finished = told.event("stream finished");
    assert_eq!(
        (&finished["chunks"], &finished["bytes"]),
        (&json!(2), &json!(8))
    );
    let complete = told.event("agent invocation complete");
    assert_eq!(complete["responseLength"], 8);
    assert_eq!(complete["incomplete"], false);

    // The response, its headers, the log and the metrics agree.
    let metrics = told.metrics();
    let times = metrics["WebSocketConnectionTime"].as_array().unwrap();
    assert_eq!(times.len(), 2);
    assert_eq!(times[1], connected["durationMs"]);
    let duration = &metrics["AgentInvocationDuration"];
    assert_eq!(duration, &complete["durationMs"]);
    assert_eq!(duration, &told.body()["metadata"]["duration"]);
    let timing = told.header("server-timing");
    let expected = format!(
        ", connect;dur={}, first;dur={}, total;dur={duration}",
        times[1], metrics["FirstChunkLatency"]
    );
    assert!(timing.ends_with(&expected), "{timing} {expected}");
    let sign = timing
        .strip_prefix("sign;dur=")
        .and_then(|t| t.split(',').next());
    assert!(sign.unwrap().parse::<f64>().unwrap() > 0.0, "{timing}");
    for (name, value) in [
        ("AgentInvocationCount", 1),
        ("AgentInvocationErrors", 0),
        ("WebSocketConnectionAttempts", 2),
        ("WebSocketConnectionFailures", 1),
        ("StreamingChunkCount", 2),
        ("SessionContinuityRate", 100),
        ("RetryCount", 1),
        ("IncompleteReplyCount", 0),
        ("EmptyReplyCount", 0),
    ] {
        assert_eq!(metrics[name], value, "{name}");
    }
    assert_eq!(metrics["AgentId"], "test");
    assert_eq!(metrics["FunctionVersion"], "$LATEST");
    assert_eq!(metrics["level"], "INFO");
    let directive = &metrics["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "AgentCoreBridge");
}

#[tokio::test]
async fn a_failure_is_logged_with_its_causes_and_counted() {
    let told = told(
        Agent::refusing(Handshake::status(403, "AccessDeniedException")),
        &json!({ "agentId": "test", "prompt": "x" }),
    )
    .await;
    let messages = ["agent invocation started", "agent invocation failed"];
    assert_eq!((told.status, told.messages()), (403, messages.to_vec()));
    let failed = told.event(messages[1]);
    assert_eq!(failed["level"], "WARN");
    assert_eq!(failed["errorCode"], "AuthorizationError");
    assert_eq!(failed["status"], 403);
    assert_eq!(failed["phase"], "handshake");
    let causes = "the handshake was answered with status 403";
    assert_eq!(failed["causes"], causes);
    let metrics = told.metrics();
    for (name, value) in [
        ("AgentInvocationCount", 1),
        ("AgentInvocationErrors", 1),
        ("WebSocketConnectionAttempts", 1),
        ("WebSocketConnectionFailures", 1),
        ("StreamingChunkCount", 0),
        ("SessionContinuityRate", 0),
        ("RetryCount", 0),
    ] {
        assert_eq!(metrics[name], value, "{name}");
    }
    assert_eq!(metrics["ErrorType"], "AuthorizationError");
    assert_eq!(metrics.get("FirstChunkLatency"), None);
    let timing = told.header("server-timing");
    let expected = format!(
        ", connect;dur={}, total;dur={}",
        metrics["WebSocketConnectionTime"][0], metrics["AgentInvocationDuration"]
    );
    assert!(timing.ends_with(&expected), "{timing} {expected}");
}

#[tokio::test]
async fn a_partial_reply_is_not_an_error_and_logs_why_it_broke_off() {
    let agent = Agent::scripted(vec![piece("one"), Step::Reset]);
    let told = told(agent, &body()).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.body()["incomplete"], true);
    let finished = told.event("stream finished");
    assert_eq!(finished["level"], "WARN");
    let causes = finished["causes"].as_str().unwrap();
    assert!(causes.starts_with("the connection was lost: "), "{causes}");
    let complete = told.event("agent invocation complete");
    assert_eq!(complete["incomplete"], true);
    assert!(!told.messages().contains(&"agent invocation failed"));
    assert_eq!(told.metrics()["AgentInvocationErrors"], 0);
    assert_eq!(told.metrics()["IncompleteReplyCount"], 1);
    assert_eq!(told.metrics()["EmptyReplyCount"], 0);
    assert_eq!(told.metrics().get("ErrorType"), None);
}

#[tokio::test]
async fn an_empty_reply_is_logged_with_what_was_read_instead() {
    let agent = Agent::scripted(vec![
        Step::text("{\"type\":\"thinking\",\"text\":\"MARKER\"}"),
        Step::text("{\"city\":\"MARKER\"}"),
        Step::Close(Some(1000)),
    ]);
    let told = told(agent, &body()).await;
    assert_eq!((told.status, &told.body()["response"]), (200, &json!("")));
    assert_eq!(told.body()["metadata"]["chunks"], 0);
    assert_eq!(told.body().get("incomplete"), None);
    let finished = told.event("stream finished");
    assert_eq!(finished["level"], "WARN");
    assert_eq!(
        (&finished["messages"], &finished["unread"]),
        (&json!(2), &json!(1))
    );
    assert!(
        finished["hint"]
            .as_str()
            .unwrap()
            .contains("docs/operate.md#an-empty-reply")
    );
    assert_eq!(told.metrics()["EmptyReplyCount"], 1);
    assert_eq!(told.metrics()["IncompleteReplyCount"], 0);
    assert_eq!(told.metrics()["AgentInvocationErrors"], 0);
}

#[tokio::test]
async fn a_truncated_reply_is_counted_as_incomplete() {
    let agent = Agent::scripted(vec![piece("one"), Step::Close(Some(1000))]);
    let (_emulator, function) = function(agent, &[("MAX_RESPONSE_BYTES", "2")]).await;
    let event = rest_event("POST", "/api/agents/invoke", Some(&body().to_string()));
    assert_eq!(answered(function.invoke(&event).await).0, 200);
    let lines = lines(&function.stop().await.stdout);
    let metrics = lines.iter().find(|line| line.get("_aws").is_some());
    assert_eq!(metrics.unwrap()["IncompleteReplyCount"], 1);
}

/// A stream reports an error to its caller, where JSON would be incomplete.
#[tokio::test]
async fn a_stream_that_breaks_off_is_logged_as_failed() {
    let agent = Agent::scripted(vec![piece("one"), Step::Reset]);
    let told = told_at("/api/agents/invoke/stream", agent, &body()).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.event("stream finished")["level"], "WARN");
    let failed = told.event("agent invocation failed");
    assert_eq!(told.metrics()["IncompleteReplyCount"], 1);
    assert_eq!(failed["phase"], "stream");
    assert_eq!(failed["errorCode"], "ServiceUnavailableError");
    assert!(!told.messages().contains(&"agent invocation complete"));
    let metrics = told.metrics();
    assert_eq!(metrics["AgentInvocationErrors"], 1);
    assert_eq!(metrics["ErrorType"], "ServiceUnavailableError");
    assert_eq!(metrics["StreamingChunkCount"], 1);
    assert!(metrics["FirstChunkLatency"].as_u64().unwrap() > 0);
}

/// The caller has a part of it already, though no chunk.
#[tokio::test]
async fn a_stream_that_breaks_off_after_a_step_is_counted_as_incomplete() {
    let step = json!({ "type": "reasoning-delta", "id": "r", "delta": "hm" });
    let agent = Agent::scripted(vec![
        Step::text(format!("data: {step}\n\n")),
        Step::Close(Some(1011)),
    ]);
    let (_emulator, function) = function(agent, &[("EXPOSE_STEPS", "reasoning")]).await;
    let event = rest_event(
        "POST",
        "/api/agents/invoke/stream",
        Some(&body().to_string()),
    );
    let answer = format!("{:?}", function.invoke(&event).await);
    assert!(answer.contains("event: error"), "{answer}");
    let lines = lines(&function.stop().await.stdout);
    let metrics = lines.iter().find(|line| line.get("_aws").is_some());
    assert_eq!(metrics.unwrap()["IncompleteReplyCount"], 1);
}

#[tokio::test]
async fn failures_after_the_prompt_are_logged_too() {
    let agent = Agent::scripted(vec![Step::text("data: {\"error\":\"oh\"}\n\n")]);
    let told = told(agent, &body()).await;
    assert_eq!(told.status, 500);
    assert_eq!(
        told.messages(),
        [
            "agent invocation started",
            "websocket connected",
            "websocket closed",
            "agent invocation failed",
        ]
    );
    assert_eq!(
        told.event("agent invocation failed")["phase"],
        "first_chunk"
    );
    assert_eq!(told.metrics()["ErrorType"], "InternalError");
    assert_eq!(told.metrics()["WebSocketConnectionFailures"], 0);
}

#[tokio::test]
async fn invalid_requests_are_logged_but_not_measured() {
    for (body, status, code) in [
        (
            json!({ "agentId": "test", "prompt": " " }),
            400,
            "ValidationError",
        ),
        (
            json!({ "agentId": "nobody", "prompt": "x" }),
            404,
            "NotFoundError",
        ),
    ] {
        let told = told(Agent::echo(), &body).await;
        assert_eq!(told.status, status);
        assert_eq!(told.messages(), ["agent invocation failed"]);
        let failed = &told.events[0];
        assert_eq!(failed["level"], "INFO");
        assert_eq!(failed["errorCode"], code);
        assert_eq!(failed["status"], status);
        assert_eq!(failed.get("phase"), None);
        assert_eq!(told.metrics.len(), 0);
        let timing = told.header("server-timing");
        assert!(timing.starts_with("total;dur="), "{timing}");
    }
}

#[tokio::test]
async fn the_log_level_does_not_hide_metrics() {
    let (_emulator, function) = function(Agent::echo(), &[("LOG_LEVEL", "error")]).await;
    let event = rest_event("POST", "/api/agents/invoke", Some(&body().to_string()));
    assert_eq!(answered(function.invoke(&event).await).0, 200);
    let said = lines(&function.stop().await.stdout);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0]["AgentInvocationCount"], 1);
}

/// More lines than the pipe and the buffer hold.
const MANY: usize = 300;

#[tokio::test]
async fn unread_output_does_not_block_invocations() {
    let emulator = agentcore_emulator::Emulator::builder()
        .agent(crate::support::ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let event = rest_event("POST", "/api/agents/invoke", Some(&body().to_string()));
    let timeout = Duration::from_secs(30);
    for listening in [Listening::Later, Listening::Never] {
        let variables = variables(&emulator, &[]);
        let mut function = Function::start_with(variables, timeout, listening).await;
        for _ in 0..MANY {
            assert_eq!(answered(function.invoke(&event).await).0, 200);
        }
        function.listen();
        for _ in 0..10 {
            assert_eq!(answered(function.invoke(&event).await).0, 200);
            tokio::task::yield_now().await;
        }
        let ended = function.stop().await;
        assert_eq!(ended.stderr, "");
        if listening == Listening::Never {
            continue;
        }
        // The lines read are complete, and report how many were dropped.
        let said = lines(&ended.stdout);
        let lost: u64 = said.iter().filter_map(|line| line["lines"].as_u64()).sum();
        assert!(lost > 0, "{} lines and none lost", said.len());
        let per_invocation = 6;
        let all = u64::try_from((MANY + 10) * per_invocation).unwrap();
        let notices = said
            .iter()
            .filter(|line| line.get("lines").is_some())
            .count();
        let read = u64::try_from(said.len() - notices).unwrap();
        assert_eq!(read + lost, all);
    }
}

#[tokio::test]
async fn lines_outside_of_invocations_have_their_declared_fields() {
    let nowhere = (
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        "http://127.0.0.1:9",
    );
    let malformed = ("BROKEN_AGENT_ARN", "arn:aws:bedrock-agentcore:x");
    let (_emulator, function) = function(Agent::echo(), &[nowhere, malformed]).await;
    for (method, path) in [
        ("GET", "/api/agents/test/status"),
        ("DELETE", "/api/agents/test/sessions/mine"),
        ("DELETE", "/api/agents/broken/sessions/mine"),
    ] {
        let event = rest_event(method, path, None);
        assert!(matches!(
            function.invoke(&event).await,
            Outcome::Response(_)
        ));
    }
    let lines = lines(&function.stop().await.stdout);
    let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
    let expected = [
        "agent is not configured: malformed ARN",
        "agent status unknown",
        "session ended",
        "session not ended",
    ];
    assert_eq!(messages, expected);
}
