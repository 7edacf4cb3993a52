//! A bridge in this process, with an emulator behind it.

use std::io::Write;
use std::time::SystemTime;

use agentcore_bridge::api::{AnswerLimit, Api, RequestContext};
use agentcore_bridge::bridge;
use agentcore_bridge::caller::{Caller, Origin};
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use agentcore_emulator::{Agent, Credentials, Emulator};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;

mod events;
mod function;
mod log;
mod runtime_api;
mod statuses;

pub(crate) use events::{alb_event, at, event, http_event, rest_event, said, saying};
pub(crate) use function::{answered, function};
pub(crate) use log::{lines, told, told_at};
pub(crate) use runtime_api::{BadAnswer, Function, Listening, Outcome, whole};
pub(crate) use statuses::answer_to;

/// The ARN of the agent in most tests.
pub(crate) const ARN: &str =
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Test_Agent-Abcdef1234";

/// Timeouts that are short enough for tests and long enough for a busy machine.
const VARIABLES: [(&str, &str); 4] = [
    ("TEST_AGENT_ARN", ARN),
    ("RETRY_INITIAL_DELAY_MS", "1"),
    ("RETRY_MAX_DELAY_MS", "2"),
    ("CONNECT_TIMEOUT_MS", "10000"),
];

/// A bridge with its emulator.
pub(crate) struct Bridge {
    pub(crate) emulator: Emulator,
    pub(crate) api: Api,
}

/// A response of the API, completely read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header. Panics if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.to_str().unwrap()
    }
}

/// Variables that configure a bridge for an emulator.
pub(crate) fn variables(emulator: &Emulator, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let Credentials {
        access_key_id,
        secret_access_key,
        ..
    } = Credentials::example();
    let endpoint = emulator.endpoint();
    let own = [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", &access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &secret_access_key),
    ];
    let all = VARIABLES.iter().chain(&own).chain(more);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

impl Bridge {
    /// A bridge with one agent, `test`.
    pub(crate) async fn to(agent: Agent) -> Self {
        Self::configured(agent, &[]).await
    }

    /// A bridge with one agent, `test`, and further variables.
    pub(crate) async fn configured(agent: Agent, more: &[(&str, &str)]) -> Self {
        let emulator = Emulator::builder().agent(ARN, agent).start().await.unwrap();
        let env: Environment = variables(&emulator, more).into_iter().collect();
        let config = Config::from_env(&env).unwrap();
        let api = bridge::api(&config, &env, None, SystemTime::now)
            .await
            .unwrap();
        Self { emulator, api }
    }

    /// Sends a prompt to the agent.
    pub(crate) async fn say(&self, prompt: &str) -> Answer {
        self.invoke(&json!({ "agentId": "test", "prompt": prompt }))
            .await
    }

    pub(crate) async fn invoke(&self, body: &Value) -> Answer {
        self.post(body.to_string()).await
    }

    pub(crate) async fn post(&self, body: impl Into<Bytes>) -> Answer {
        self.send(
            Request::post("/api/agents/invoke")
                .body(body.into())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        self.send_from(request, context()).await
    }

    pub(crate) async fn send_from(
        &self,
        request: Request<Bytes>,
        context: RequestContext,
    ) -> Answer {
        let (parts, body) = self.api.answer(request, context).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

/// Prints a line that is shown in every run, captured or not.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

/// The context of a request from an unknown caller.
pub(crate) fn context() -> RequestContext {
    RequestContext {
        request_id: "request-1".to_owned(),
        received: Instant::now(),
        lambda_deadline: None,
        xray: None,
        stage: None,
        origin: Origin::default(),
        limit: AnswerLimit::Lambda,
        can_stream: false,
        exposed_steps: None,
    }
}

/// The context of a request from a user of an identity provider's.
pub(crate) fn known_caller(subject: &str) -> RequestContext {
    let caller = Caller::jwt("https://issuer.example.com/".to_owned(), subject.to_owned());
    RequestContext {
        origin: Origin {
            caller: Some(caller),
            address: Some([192, 0, 2, 1].into()),
        },
        ..context()
    }
}
