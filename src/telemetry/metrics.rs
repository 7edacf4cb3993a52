//! Metrics in CloudWatch's embedded metric format: JSON objects on standard output, from which
//! CloudWatch extracts the values. This needs no request and no waiting.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::events;
use super::invocation::{InvocationIdentity, Outcome, to_ms};
use super::line::Line;
use super::output::Output;
use super::timestamp;
use crate::env::{ConfigError, Environment};

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    /// The name in CloudWatch.
    pub name: &'static str,
    /// The unit, one of CloudWatch's.
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

/// As long as most objects are, so that their memory does not have to grow.
const OBJECT_BYTES: usize = 2 * 1024;

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

type Dimensions = &'static [&'static [&'static str]];

const BY_AGENT: Dimensions = &[&[], &[AGENT]];
const BY_VERSION: Dimensions = &[&[VERSION]];
const BY_ERROR: Dimensions = &[&[ERROR_TYPE], &[AGENT, ERROR_TYPE]];

/// Tells CloudWatch which metrics to extract, and by which dimensions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: Dimensions,
    metrics: &'a [Metric],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aws<'a> {
    /// In milliseconds since 1970.
    timestamp: u64,
    cloud_watch_metrics: &'a [Directive<'a>],
}

/// The value of a metric, or its values.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Number<'a> {
    One(u64),
    Many(&'a [u64]),
}

/// Reads the namespace. CloudWatch allows 1 to 255 characters and reserves the prefix `AWS/`.
/// `METRICS_NAMESPACE`
///
/// # Errors
/// [`ConfigError`] if the namespace is invalid.
pub fn metrics_namespace(env: &Environment) -> Result<String, ConfigError> {
    let accepted =
        "1 to 255 characters of A-Z, a-z, 0-9 and .-_/#: or space, not beginning with AWS/";
    env.parse(
        "METRICS_NAMESPACE",
        "AgentCoreBridge".to_owned(),
        accepted,
        |text| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
            let fits = (1..=255).contains(&text.len()) && text.chars().all(is_plain);
            (fits && !text.starts_with("AWS/") && !text.starts_with(':')).then(|| text.to_owned())
        },
    )
}

/// Writes the metrics of invocations.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The namespace in CloudWatch. `METRICS_NAMESPACE`
    pub namespace: String,
    /// The version of the function, so that the errors of a new version can be told apart.
    pub function_version: String,
    /// The clock by which metrics are dated.
    pub now: fn() -> SystemTime,
}

impl Metrics {
    /// Writes the metrics of one invocation.
    pub(super) fn emit(&self, identity: &InvocationIdentity, outcome: &Outcome<'_>) {
        Output.line(self.object(identity, outcome));
    }

    fn object(&self, identity: &InvocationIdentity, outcome: &Outcome<'_>) -> Vec<u8> {
        let error = outcome.ending.error_code();
        let connections = outcome.progress.connections.iter();
        let connections: Vec<u64> = connections.copied().map(to_ms).collect();
        let values = values(identity, outcome, &connections);
        let all: Vec<Metric> = values.iter().map(|(metric, _)| *metric).collect();
        let directive = |dimensions, metrics| Directive {
            namespace: &self.namespace,
            dimensions,
            metrics,
        };
        let directives = [
            directive(BY_AGENT, &all),
            directive(BY_VERSION, &[COUNT, ERRORS]),
            directive(BY_ERROR, &[ERRORS]),
        ];
        let declared = if error.is_some() { 3 } else { 2 };
        let now = (self.now)();
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let aws = Aws {
            timestamp: u64::try_from(since_1970.as_millis()).unwrap_or_default(),
            cloud_watch_metrics: &directives[..declared],
        };

        let mut line = Line::begin(&timestamp(now), "INFO");
        line.reserve(OBJECT_BYTES);
        line.field("message", events::MEASURED);
        line.request(&identity.request);
        line.field(AGENT, identity.agent.as_str());
        line.field(VERSION, &self.function_version);
        if let Some(error) = error {
            line.field(ERROR_TYPE, error);
        }
        for (metric, value) in &values {
            line.field(metric.name, value);
        }
        line.field("_aws", &aws);
        line.end()
    }
}

/// The values of an invocation. `connections` holds the durations of its connection attempts, in
/// milliseconds.
fn values<'c>(
    identity: &InvocationIdentity,
    outcome: &Outcome<'_>,
    connections: &'c [u64],
) -> Vec<(Metric, Number<'c>)> {
    let progress = outcome.progress;
    let error = outcome.ending.error_code();
    let one = Number::One;
    let flag = |is: bool| Number::One(is.into());
    let continuity = if identity.continues { 100 } else { 0 };
    let mut values = Vec::with_capacity(METRICS.len());
    values.extend([
        (COUNT, one(1)),
        (DURATION, one(outcome.duration)),
        (ERRORS, flag(error.is_some())),
        (CONNECTION_ATTEMPTS, one(connections.len() as u64)),
        (
            CONNECTION_FAILURES,
            one(progress.connection_failures.into()),
        ),
        (CHUNKS, one(progress.chunks)),
        (CONTINUITY, one(continuity)),
        (RETRIES, one(progress.retries.into())),
        (INCOMPLETE, flag(outcome.is_incomplete())),
        (EMPTY, flag(outcome.is_empty())),
    ]);
    // CloudWatch rejects a declared metric without a value, so these are declared only if they were
    // measured.
    if !connections.is_empty() {
        values.push((CONNECTION_TIME, Number::Many(connections)));
    }
    if let Some(first) = progress.first_piece {
        values.push((FIRST_CHUNK, one(to_ms(first))));
    }
    values
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;
    use crate::agent::AgentId;
    use crate::agentcore::error::{Failure, InvocationError, Phase};
    use crate::agentcore::invoke::Progress;
    use crate::session::SessionId;
    use crate::telemetry::invocation::{Ending, Told};
    use crate::telemetry::request::RequestIds;

    fn object(continues: bool, progress: &Progress, ending: &Ending<'_>) -> Value {
        let metrics = Metrics {
            namespace: "Team/Bridge".to_owned(),
            function_version: "7".to_owned(),
            now: || UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        };
        let identity = InvocationIdentity {
            request: RequestIds::new("request-1", None),
            agent: AgentId::from_variable_name("ECHO").unwrap(),
            session: SessionId::parse("mine").unwrap(),
            caller: None,
            continues,
        };
        let outcome = Outcome {
            progress,
            duration: 1_200,
            ending,
        };
        serde_json::from_slice(&metrics.object(&identity, &outcome)).unwrap()
    }

    /// What CloudWatch would extract from an object: (dimensions, metric, unit).
    fn declared(object: &Value) -> BTreeSet<(Vec<String>, String, String)> {
        let mut declared = BTreeSet::new();
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
                    declared.insert((set.clone(), text("Name"), text("Unit")));
                }
            }
        }
        declared
    }

    #[test]
    fn a_success_is_declared_in_total_by_agent_and_by_version() {
        let mut progress = Progress::since(Instant::now());
        progress.connections = [40, 51].map(Duration::from_millis).into();
        progress.connection_failures = 1;
        progress.retries = 1;
        (0..3).for_each(|_| progress.piece(1));
        progress.first_piece = Some(Duration::from_millis(300));
        let object = object(true, &progress, &Ending::Incomplete { response_bytes: 3 });
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
        assert_eq!(declared(&object), expected);
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
    fn an_error_is_declared_by_type_and_unmeasured_metrics_are_left_out() {
        let told = Told {
            code: "AuthenticationError",
            status: 401,
        };
        let error = InvocationError::new(Phase::Credentials, Failure::NoCredentials);
        let progress = Progress::since(Instant::now());
        let object = object(false, &progress, &Ending::Failed(told, &error));
        let declared = declared(&object);
        for set in [
            &[][..],
            &["AgentId"],
            &["FunctionVersion"],
            &["ErrorType"],
            &["AgentId", "ErrorType"],
        ] {
            let set = set.iter().map(ToString::to_string).collect();
            let errors = (set, "AgentInvocationErrors".to_owned(), "Count".to_owned());
            assert!(declared.contains(&errors), "{errors:?}");
        }
        assert_eq!(declared.len(), 10 * 2 + 2 + 2);
        assert_eq!(object["AgentInvocationErrors"], 1);
        assert_eq!(object["SessionContinuityRate"], 0);
        for absent in ["WebSocketConnectionTime", "FirstChunkLatency"] {
            assert_eq!(object.get(absent), None);
        }
    }
}
