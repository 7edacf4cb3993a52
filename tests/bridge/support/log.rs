//! Reads the log lines of the binary.

use agentcore_bridge::telemetry::{EVENTS, LogEvent};
use agentcore_emulator::Agent;
use serde_json::Value;

use super::{Outcome, function, rest_event};

pub(crate) const QUICK: [(&str, &str); 2] =
    [("CHUNK_TIMEOUT_MS", "300"), ("RETRY_MAX_RETRIES", "1")];

/// Parses the lines of an output. Each must be a JSON object with the fields that every line has.
pub(crate) fn lines(output: &str) -> Vec<Value> {
    let line = |line: &str| {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for name in ["timestamp", "level", "message"] {
            assert!(parsed[name].is_string(), "{name} in {line}");
        }
        let message = parsed["message"].as_str().unwrap();
        if parsed.get("target").is_none() {
            let event = EVENTS.iter().find(|event| event.message == message);
            check_fields(
                event.unwrap_or_else(|| panic!("no such event: {line}")),
                &parsed,
            );
        }
        parsed
    };
    output.lines().map(line).collect()
}

/// Fields that every line may have.
const EVERYWHERE: [&str; 5] = ["timestamp", "level", "message", "requestId", "traceId"];

/// Asserts that a line has exactly the fields that are declared for its event, except optional
/// ones.
fn check_fields(event: &LogEvent, line: &Value) {
    if line.get("_aws").is_some() {
        return;
    }
    for field in event.fields {
        let may_be_absent = field.ends_with('?');
        assert!(
            may_be_absent || line.get(field).is_some(),
            "no {field} in {line}"
        );
    }
    for name in line.as_object().unwrap().keys() {
        let is_told = event
            .fields
            .iter()
            .any(|field| field.trim_end_matches('?') == name);
        assert!(
            is_told || EVERYWHERE.contains(&name.as_str()),
            "{name} in {line}"
        );
    }
}

/// The response and the log lines of one invocation.
pub(crate) struct LoggedInvocation {
    pub(crate) status: u64,
    /// The response as Lambda received it.
    pub(crate) answer: Value,
    /// The log lines in order, without those of the metrics.
    pub(crate) events: Vec<Value>,
    pub(crate) metrics: Vec<Value>,
}

impl LoggedInvocation {
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.events
            .iter()
            .map(|event| event["message"].as_str().unwrap())
            .collect()
    }

    pub(crate) fn event(&self, message: &str) -> &Value {
        let mut events = self.events.iter().filter(|e| e["message"] == message);
        let event = events.next();
        assert!(events.next().is_none(), "{message} twice");
        event.unwrap_or_else(|| panic!("no {message} in {:#?}", self.events))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let headers = &self.answer["multiValueHeaders"];
        headers[name][0].as_str().unwrap_or_default()
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(self.answer["body"].as_str().unwrap()).unwrap()
    }

    /// The metrics. Panics unless there is exactly one line of them.
    pub(crate) fn metrics(&self) -> &Value {
        assert_eq!(self.metrics.len(), 1, "{:#?}", self.metrics);
        &self.metrics[0]
    }
}

/// Invokes an agent once, in a process of its own.
pub(crate) async fn told(agent: Agent, body: &Value) -> LoggedInvocation {
    told_at("/api/agents/invoke", agent, body).await
}

pub(crate) async fn told_at(path: &str, agent: Agent, body: &Value) -> LoggedInvocation {
    let (_emulator, function) = function(agent, &QUICK).await;
    let event = rest_event("POST", path, Some(&body.to_string()));
    let Outcome::Response(answer) = function.invoke(&event).await else {
        panic!("no answer")
    };
    let lines = lines(&function.stop().await.stdout);
    for line in &lines {
        assert_eq!(line["requestId"], "8476a536-e9f4-11e8-9739-000000000001");
        assert_eq!(line["traceId"], "1-5bef4de7-ad49b0e87f6ef6c87fc2e700");
    }
    let (metrics, events) = lines
        .into_iter()
        .partition(|line| line.get("_aws").is_some());
    LoggedInvocation {
        status: answer["statusCode"].as_u64().unwrap(),
        answer,
        events,
        metrics,
    }
}
