//! The lean program that the bridge is measured against: it reads one kind of event and one kind of
//! reply, and does nothing that the exchange does not need.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::time::timeout;

mod agent;
mod runtime_api;
mod sign;

const INVOCATION_TIMEOUT: Duration = Duration::from_secs(25);
const PRELUDE: &str = "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/event-stream\",\
    \"cache-control\":\"no-store\"},\"cookies\":[]}\0\0\0\0\0\0\0\0";

/// What is read of an event of a function URL.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    body: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    agent_id: Cow<'a, str>,
    #[serde(borrow)]
    prompt: Cow<'a, str>,
    #[serde(borrow)]
    session_id: Option<Cow<'a, str>>,
}

struct Function {
    api: runtime_api::RuntimeApi,
    agent: agent::Agent,
    streams: bool,
}

fn main() -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let mut function = Function {
        api: runtime_api::RuntimeApi::connect(&variable("AWS_LAMBDA_RUNTIME_API")?).await?,
        agent: agent::Agent::from_env()?,
        streams: variable("INVOKE_MODE").is_ok_and(|mode| mode == "response_stream"),
    };
    loop {
        let (id, event) = function.api.next().await?;
        let answered = timeout(INVOCATION_TIMEOUT, function.answer(&id, &event)).await;
        if let Err(error) = answered.unwrap_or_else(|late| Err(late.into())) {
            let error = json(&error.to_string());
            let error = format!("{{\"errorType\":\"Error\",\"errorMessage\":{error}}}");
            function.api.whole(&id, "error", &error).await?;
        }
    }
}

impl Function {
    async fn answer(&mut self, id: &str, event: &[u8]) -> io::Result<()> {
        let start = Instant::now();
        let event: Event<'_> = serde_json::from_slice(event)?;
        let request: Request<'_> = serde_json::from_str(&event.body)?;
        if request.agent_id != "bench" {
            return Err(io::Error::other("no such agent"));
        }
        let fresh = || format!("session-{}-0000", sign::hex(&random::<16>())).into();
        let session = request.session_id.unwrap_or_else(fresh);
        let mut conversation = self.agent.say(&request.prompt, &session).await?;
        // The reply, or where it is streamed what has not left of its events.
        let (mut text, mut chunks) = (String::new(), 0);
        if self.streams {
            self.api.begin(id);
            text = format!("{PRELUDE}event: session\ndata: {{\"sessionId\":\"{session}\"}}\n\n");
        }
        loop {
            let goes_on = conversation.read(|chunk| {
                chunks += 1;
                match self.streams {
                    // Writing to a String cannot fail.
                    true => drop(write!(text, "data: {{\"chunk\":{}}}\n\n", json(chunk))),
                    false => text.push_str(chunk),
                }
            });
            if !goes_on.await? {
                break;
            }
            if chunks > 0 && self.streams && !text.is_empty() {
                self.api.send(&text).await?;
                text.clear();
            }
        }
        conversation.close().await?;
        let duration = start.elapsed().as_millis();
        let about = format!(
            "\"sessionId\":\"{session}\",\"metadata\":{{\"chunks\":{chunks},\"duration\":{duration}}}}}"
        );
        if self.streams {
            text.push_str("event: complete\ndata: {");
            text.push_str(&about);
            text.push_str("\n\ndata: [DONE]\n\n");
            return self.api.end(&text).await;
        }
        let body = json(&format!("{{\"response\":{},{about}", json(&text)));
        let answer = format!(
            "{{\"statusCode\":200,\"headers\":{{\"content-type\":\"application/json\",\
             \"cache-control\":\"no-store\"}},\"body\":{body},\"isBase64Encoded\":false}}"
        );
        self.api.whole(id, "response", &answer).await
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn random<const N: usize>() -> [u8; N] {
    let random = ring::rand::generate(&ring::rand::SystemRandom::new());
    random.map_or([0; N], ring::rand::Random::expose)
}

fn variable(name: &str) -> io::Result<String> {
    #[expect(clippy::disallowed_methods, reason = "a program of one page")]
    std::env::var(name).map_err(|_| io::Error::other(format!("{name} is not set")))
}
