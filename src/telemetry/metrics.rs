//! Metrics for CloudWatch, in its embedded metric format: a JSON object on standard output, out of
//! which CloudWatch takes the numbers. Nothing is called and nothing waited for.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::events;
use super::output::Output;
use super::request::RequestIds;
use super::timestamp;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    /// As CloudWatch knows it.
    pub name: &'static str,
    /// One of CloudWatch's units.
    pub unit: &'static str,
}

impl Metric {
    const fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit }
    }
}

const COUNT: Metric = Metric::new("AgentInvocationCount", "Count");
const DURATION: Metric = Metric::new("AgentInvocationDuration", "Milliseconds");
const ERRORS: Metric = Metric::new("AgentInvocationErrors", "Count");
const CONNECTION_TIME: Metric = Metric::new("WebSocketConnectionTime", "Milliseconds");
const CONNECTION_ATTEMPTS: Metric = Metric::new("WebSocketConnectionAttempts", "Count");
const CONNECTION_FAILURES: Metric = Metric::new("WebSocketConnectionFailures", "Count");
const CHUNKS: Metric = Metric::new("StreamingChunkCount", "Count");
const CONTINUITY: Metric = Metric::new("SessionContinuityRate", "Percent");
const FIRST_CHUNK: Metric = Metric::new("FirstChunkLatency", "Milliseconds");
const RETRIES: Metric = Metric::new("RetryCount", "Count");
const INCOMPLETE: Metric = Metric::new("IncompleteReplyCount", "Count");
const EMPTY: Metric = Metric::new("EmptyReplyCount", "Count");

/// All metrics.
pub const METRICS: [Metric; 12] = [
    COUNT,
    DURATION,
    ERRORS,
    CONNECTION_TIME,
    CONNECTION_ATTEMPTS,
    CONNECTION_FAILURES,
    CHUNKS,
    CONTINUITY,
    FIRST_CHUNK,
    RETRIES,
    INCOMPLETE,
    EMPTY,
];

const AGENT: &str = "AgentId";
const VERSION: &str = "FunctionVersion";
const ERROR_TYPE: &str = "ErrorType";

/// What one invocation measured; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Measurements {
    pub(super) agent_id: String,
    /// The error's code, where there was one.
    pub(super) error: Option<&'static str>,
    pub(super) duration: u64,
    /// One for each attempt that began to connect.
    pub(super) connection_times: Vec<u64>,
    pub(super) connection_failures: u32,
    pub(super) chunks: u64,
    /// The caller sent the session's id.
    pub(super) continues: bool,
    pub(super) first_chunk: Option<u64>,
    pub(super) retries: u32,
    /// The reply, or the stream of it, broke off after its first piece, or was cut.
    pub(super) incomplete: bool,
    /// The reply was whole and had no text.
    pub(super) empty: bool,
}

/// Where measurements go.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// CloudWatch's namespace for them. `METRICS_NAMESPACE`
    pub namespace: String,
    /// The version of the function, so that a new one's errors are seen apart.
    pub function_version: String,
    /// The clock by which they are dated.
    pub now: fn() -> SystemTime,
}

impl Metrics {
    /// Writes one invocation's measurements.
    pub(super) fn emit(&self, request: &RequestIds, measured: &Measurements) {
        Output.line(&self.object(request, measured).to_string());
    }

    fn object(&self, request: &RequestIds, measured: &Measurements) -> Value {
        let mut values: Vec<(Metric, Value)> = vec![
            (COUNT, 1.into()),
            (DURATION, measured.duration.into()),
            (ERRORS, u8::from(measured.error.is_some()).into()),
            (CONNECTION_ATTEMPTS, measured.connection_times.len().into()),
            (CONNECTION_FAILURES, measured.connection_failures.into()),
            (CHUNKS, measured.chunks.into()),
            (CONTINUITY, (100 * u8::from(measured.continues)).into()),
            (RETRIES, measured.retries.into()),
            (INCOMPLETE, u8::from(measured.incomplete).into()),
            (EMPTY, u8::from(measured.empty).into()),
        ];
        // A value that is not there may not be announced either.
        if !measured.connection_times.is_empty() {
            let times = measured.connection_times.clone();
            values.push((CONNECTION_TIME, times.into()));
        }
        if let Some(first_chunk) = measured.first_chunk {
            values.push((FIRST_CHUNK, first_chunk.into()));
        }

        let all: Vec<Metric> = values.iter().map(|(metric, _)| *metric).collect();
        let directive = |dimensions: Value, metrics: &[Metric]| json!({ "Namespace": self.namespace, "Dimensions": dimensions, "Metrics": metrics });
        let mut directives = vec![
            directive(json!([[], [AGENT]]), &all),
            directive(json!([[VERSION]]), &[COUNT, ERRORS]),
        ];
        if measured.error.is_some() {
            let dimensions = json!([[ERROR_TYPE], [AGENT, ERROR_TYPE]]);
            directives.push(directive(dimensions, &[ERRORS]));
        }

        let now = (self.now)();
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = u64::try_from(since_1970.as_millis()).unwrap_or_default();
        let mut object: Map<String, Value> = values
            .into_iter()
            .map(|(metric, value)| (metric.name.to_owned(), value))
            .collect();
        let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
        set("timestamp", timestamp(now).into());
        set("level", "INFO".into());
        set("message", events::MEASURED.into());
        set("requestId", request.request_id.clone().into());
        if let Some(trace_id) = &request.trace_id {
            set("traceId", trace_id.clone().into());
        }
        set(AGENT, measured.agent_id.clone().into());
        set(VERSION, self.function_version.clone().into());
        if let Some(error) = measured.error {
            set(ERROR_TYPE, error.into());
        }
        set(
            "_aws",
            json!({ "Timestamp": milliseconds, "CloudWatchMetrics": directives }),
        );
        object.into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    fn object(measured: &Measurements) -> Value {
        let metrics = Metrics {
            namespace: "Team/Bridge".to_owned(),
            function_version: "7".to_owned(),
            now: || UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        };
        let request = RequestIds {
            request_id: "request-1".to_owned(),
            trace_id: None,
        };
        metrics.object(&request, measured)
    }

    /// What CloudWatch would take out of an object: (dimensions, metric, unit).
    fn announced(object: &Value) -> BTreeSet<(Vec<String>, String, String)> {
        let mut announced = BTreeSet::new();
        for directive in object["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            assert_eq!(directive["Namespace"], "Team/Bridge");
            for set in directive["Dimensions"].as_array().unwrap() {
                let set: Vec<String> = serde_json::from_value(set.clone()).unwrap();
                assert!(set.iter().all(|name| object[name].is_string()), "{object}");
                for metric in directive["Metrics"].as_array().unwrap() {
                    let text = |key| metric[key].as_str().unwrap().to_owned();
                    let value = &object[text("Name")];
                    let values = value.as_array().map_or(1, Vec::len);
                    assert!((1..=100).contains(&values) && !value.is_null(), "{object}");
                    announced.insert((set.clone(), text("Name"), text("Unit")));
                }
            }
        }
        announced
    }

    #[test]
    fn a_success_is_announced_in_all_and_by_agent_and_version() {
        let object = object(&Measurements {
            agent_id: "echo".to_owned(),
            duration: 1_200,
            connection_times: vec![40, 51],
            connection_failures: 1,
            chunks: 3,
            continues: true,
            first_chunk: Some(300),
            retries: 1,
            incomplete: true,
            empty: false,
            error: None,
        });
        let mut expected = BTreeSet::new();
        for Metric { name, unit } in METRICS {
            for set in [vec![], vec!["AgentId".to_owned()]] {
                expected.insert((set, name.to_owned(), unit.to_owned()));
            }
        }
        for name in ["AgentInvocationCount", "AgentInvocationErrors"] {
            let set = vec!["FunctionVersion".to_owned()];
            expected.insert((set, name.to_owned(), "Count".to_owned()));
        }
        assert_eq!(announced(&object), expected);
        let expected = json!({
            "_aws": object["_aws"],
            "timestamp": "2023-11-14T22:13:20.123Z",
            "level": "INFO",
            "message": "agent invocation metrics",
            "requestId": "request-1",
            "AgentId": "echo",
            "FunctionVersion": "7",
            "AgentInvocationCount": 1,
            "AgentInvocationDuration": 1200,
            "AgentInvocationErrors": 0,
            "WebSocketConnectionTime": [40, 51],
            "WebSocketConnectionAttempts": 2,
            "WebSocketConnectionFailures": 1,
            "StreamingChunkCount": 3,
            "SessionContinuityRate": 100,
            "FirstChunkLatency": 300,
            "RetryCount": 1,
            "IncompleteReplyCount": 1,
            "EmptyReplyCount": 0,
        });
        assert_eq!(object, expected);
        assert_eq!(object["_aws"]["Timestamp"], 1_700_000_000_123_u64);
    }

    #[test]
    fn an_error_is_announced_by_its_type_too_and_what_was_not_measured_is_not() {
        let object = object(&Measurements {
            agent_id: "echo".to_owned(),
            error: Some("AuthenticationError"),
            ..Measurements::default()
        });
        let announced = announced(&object);
        for set in [
            &[][..],
            &["AgentId"],
            &["FunctionVersion"],
            &["ErrorType"],
            &["AgentId", "ErrorType"],
        ] {
            let set = set.iter().map(ToString::to_string).collect();
            let errors = (set, "AgentInvocationErrors".to_owned(), "Count".to_owned());
            assert!(announced.contains(&errors), "{errors:?}");
        }
        assert_eq!(announced.len(), 10 * 2 + 2 + 2);
        assert_eq!(object["AgentInvocationErrors"], 1);
        assert_eq!(object["SessionContinuityRate"], 0);
        for absent in ["WebSocketConnectionTime", "FirstChunkLatency"] {
            assert_eq!(object.get(absent), None);
        }
    }
}
