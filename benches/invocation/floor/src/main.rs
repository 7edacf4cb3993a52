//! The minimal program that the bridge is compared with: one kind of event, one kind of reply.
#![expect(clippy::disallowed_methods, reason = "a program of one page")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::time::timeout;

use agent::Agent;
use runtime_api::{RuntimeApi, STREAMED};

mod agent;
mod runtime_api;
mod sign;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const INVOCATION_TIMEOUT: Duration = Duration::from_secs(25);
const PRELUDE: &str = "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/event-stream\",\
    \"cache-control\":\"no-store\"},\"cookies\":[]}\0\0\0\0\0\0\0\0";

/// The fields that are used of a function URL's event.
#[derive(Deserialize)]
struct Event {
    body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    agent_id: String,
    prompt: String,
    session_id: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut api = RuntimeApi::connect(&variable("AWS_LAMBDA_RUNTIME_API")?).await?;
    let agent = Agent::from_env()?;
    loop {
        let (id, event) = api.next().await?;
        // A failure ends the process, and Lambda starts a new one.
        timeout(INVOCATION_TIMEOUT, answer(&mut api, &agent, &id, &event)).await??;
    }
}

async fn answer(api: &mut RuntimeApi, agent: &Agent, id: &str, event: &[u8]) -> Result<()> {
    let start = Instant::now();
    let Event { body } = serde_json::from_slice(event)?;
    let request: Request = serde_json::from_str(&body)?;
    if request.agent_id != "bench" {
        return Err("no such agent".into());
    }
    let fresh = format!("session-{}-0000", hex::encode(random::<16>()));
    let session = request.session_id.unwrap_or(fresh);
    let mut conversation = agent.say(&request.prompt, &session).await?;
    // The reply, or when streaming, the events that have not been sent.
    let (mut text, mut chunks) = (String::new(), 0);
    if agent.streams {
        api.begin(id, STREAMED);
        text = format!("{PRELUDE}event: session\ndata: {{\"sessionId\":\"{session}\"}}\n\n");
    }
    while let Some(chunk) = conversation.next().await? {
        chunks += 1;
        if !agent.streams {
            text.push_str(&chunk);
            continue;
        }
        write!(text, "data: {{\"chunk\":{}}}\n\n", json(&chunk))?;
        if conversation.stream.buffer().is_empty() {
            api.send(&std::mem::take(&mut text), false).await?;
        }
    }
    let ms = start.elapsed().as_millis();
    let metadata = format!("{{\"chunks\":{chunks},\"duration\":{ms}}}");
    let about = format!("\"sessionId\":\"{session}\",\"metadata\":{metadata}");
    if agent.streams {
        let end = format!("{text}event: complete\ndata: {{{about}}}\n\ndata: [DONE]\n\n");
        return api.send(&end, true).await;
    }
    let body = json(&format!("{{\"response\":{},{about}}}", json(&text)));
    let answer = format!(
        "{{\"statusCode\":200,\"headers\":{{\"content-type\":\"application/json\",\
         \"cache-control\":\"no-store\"}},\"body\":{body},\"isBase64Encoded\":false}}"
    );
    api.whole(id, &answer).await
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn random<const N: usize>() -> [u8; N] {
    let random = ring::rand::generate(&ring::rand::SystemRandom::new());
    random.map_or([0; N], ring::rand::Random::expose)
}

fn variable(name: &str) -> Result<String> {
    Ok(std::env::var(name).map_err(|_| format!("{name} is not set"))?)
}
