//! A server that sends what a case says, with the bridge as its client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agentcore_bridge::api::Api;
use agentcore_bridge::bridge;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use agentcore_emulator::frame::{Masking, Parser, opcode};
use agentcore_emulator::{Agent, Emulator};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::attack::hostile::{self, PATIENT};
use crate::support::{ARN, context, variables};

/// How long a client has for failing early. It does so at once, or only at the next frame.
const EARLY: Duration = Duration::from_millis(300);

/// What the client did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What the caller was told.
    pub(super) text: String,
    pub(super) is_whole: bool,
    pub(super) pongs: Vec<Vec<u8>>,
    /// Of its close frame.
    pub(super) code: Option<u16>,
    pub(super) was_early: bool,
}

/// What the server has to do for a prompt, and where it says what the client did.
struct Order {
    writes: Vec<Vec<u8>>,
    waits_for_failure: bool,
    seen: oneshot::Sender<Outcome>,
}

type Orders = Arc<Mutex<HashMap<String, Order>>>;

/// The bridge, and the server behind it.
pub(super) struct Client {
    api: Api,
    orders: Orders,
    _emulator: Emulator,
}

impl Client {
    pub(super) async fn start() -> Self {
        let orders = Orders::default();
        let all = Arc::clone(&orders);
        let endpoint = hostile::server(move |stream| serve(stream, Arc::clone(&all))).await;
        // Only the variables are the emulator's: nobody asks it anything.
        let emulator = Emulator::builder().agent(ARN, Agent::echo());
        let emulator = emulator.start().await.unwrap();
        let own = [("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint.as_str())];
        let variables = variables(&emulator, &[&own[..], &PATIENT].concat());
        let env: Environment = variables.into_iter().collect();
        let config = Config::from_env(&env).unwrap();
        let api = bridge::api(&config, &env, None, SystemTime::now);
        Self {
            api: api.await.unwrap(),
            orders,
            _emulator: emulator,
        }
    }

    /// Has the server write this, and closes in the end if nothing else did.
    pub(super) async fn run(&self, writes: &[Vec<u8>], waits_for_failure: bool) -> Outcome {
        let prompt = uuid::Uuid::new_v4().to_string();
        let (sender, seen) = oneshot::channel();
        let order = Order {
            writes: writes.to_vec(),
            waits_for_failure,
            seen: sender,
        };
        self.orders.lock().unwrap().insert(prompt.clone(), order);
        let body = json!({ "agentId": "test", "prompt": prompt }).to_string();
        let request = Request::post("/api/agents/invoke/stream").body(body.into());
        let mut context = context();
        context.can_stream = true;
        let (parts, body) = self
            .api
            .answer(request.unwrap(), context)
            .await
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let seen = timeout(Duration::from_mins(1), seen).await;
        let mut outcome = seen.expect("an end in time").unwrap();
        if parts.status == 200 {
            outcome.text = told(&body);
            outcome.is_whole =
                body.contains("event: complete\n") && !body.contains("event: error\n");
        }
        outcome
    }
}

/// The chunks of a stream.
fn told(stream: &str) -> String {
    let data = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"));
    let data = data.map(|data| serde_json::from_str::<Value>(&format!("{{{data}")).unwrap());
    data.filter_map(|data| data["chunk"].as_str().map(str::to_owned))
        .collect()
}

async fn serve(mut stream: TcpStream, orders: Orders) {
    hostile::accept(&mut stream).await;
    let mut parser = Parser::new(Masking::Required, 1 << 20);
    let Some(prompt) = prompt(&mut stream, &mut parser).await else {
        return;
    };
    let order = orders.lock().unwrap().remove(&prompt).expect("an order");
    let (mut reading, mut writing) = stream.into_split();
    let (count, waits) = (order.writes.len(), order.waits_for_failure);
    let (failed, mut failure) = oneshot::channel::<()>();
    let client = tokio::spawn(async move {
        let mut outcome = Outcome::default();
        let mut failed = Some(failed);
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = reading.read(&mut buffer).await {
            parser.push(&buffer[..read]);
            while let Some(frame) = parser.next_frame().unwrap() {
                match frame.opcode {
                    opcode::PONG => outcome.pongs.push(frame.payload),
                    opcode::CLOSE => {
                        let code = frame.payload.first_chunk().copied();
                        outcome.code = code.map(u16::from_be_bytes);
                        failed.take();
                    }
                    _ => {}
                }
            }
        }
        outcome
    });
    let mut was_early = false;
    for (n, bytes) in order.writes.into_iter().enumerate() {
        if waits && n + 1 == count {
            was_early = timeout(EARLY, &mut failure).await.is_ok();
        }
        // A client that has failed the connection reads no more.
        let _ = writing.write_all(&bytes).await;
    }
    let mut outcome = client.await.unwrap();
    outcome.was_early = was_early;
    let _ = order.seen.send(outcome);
}

/// The prompt of the client's first message.
async fn prompt(stream: &mut TcpStream, parser: &mut Parser) -> Option<String> {
    loop {
        if let Some(frame) = parser.next_frame().unwrap() {
            let message: Value = serde_json::from_slice(&frame.payload).unwrap();
            return message["prompt"].as_str().map(str::to_owned);
        }
        let mut bytes = [0; 4096];
        let read = stream
            .read(&mut bytes)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        parser.push(&bytes[..read]);
    }
}
