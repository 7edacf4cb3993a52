//! The same API, written in a straightforward way on common crates.

use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use bytes::Bytes;
use futures_util::{SinkExt, Stream, StreamExt};
use http_body_util::StreamBody;
use lambda_http::http::header::CONTENT_TYPE;
use lambda_http::{Error, Request, Response, service_fn};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tracing::info;
use uuid::Uuid;

mod sign;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invoke {
    agent_id: String,
    prompt: String,
    session_id: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    chunk: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().init();
    // Two of the crates bring a crypto provider each, so rustls has to be told which one to use.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let config = &config;
    if variable("INVOKE_MODE").is_ok_and(|mode| mode == "response_stream") {
        let handler = |request| async move { stream(config, request).await.map_err(boxed) };
        return lambda_http::run_with_streaming_response(service_fn(handler)).await;
    }
    let handler = |request| async move { answer(config, request).await.map_err(boxed) };
    lambda_http::run(service_fn(handler)).await
}

async fn answer(config: &SdkConfig, request: Request) -> Result<Response<String>> {
    let start = Instant::now();
    let (mut socket, session) = begin(config, &request).await?;
    let mut response = String::new();
    let mut chunks = 0;
    while let Some(chunk) = next(&mut socket).await? {
        response.push_str(&chunk);
        chunks += 1;
    }
    socket.close(None).await?;
    let duration = u64::try_from(start.elapsed().as_millis())?;
    info!(session, chunks, duration, "invocation completed");
    let body = json!({
        "response": response,
        "sessionId": session,
        "metadata": { "chunks": chunks, "duration": duration },
    });
    let response = Response::builder().header(CONTENT_TYPE, "application/json");
    Ok(response.body(body.to_string())?)
}

type Frame = http_body::Frame<Bytes>;

async fn stream(
    config: &SdkConfig,
    request: Request,
) -> Result<Response<StreamBody<impl Stream<Item = Result<Frame, Error>> + use<>>>> {
    let start = Instant::now();
    let (mut socket, session) = begin(config, &request).await?;
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        let told = async {
            send(
                &sender,
                format!(
                    "event: session\ndata: {}\n\n",
                    json!({ "sessionId": session })
                ),
            )
            .await?;
            let mut chunks = 0;
            while let Some(chunk) = next(&mut socket).await? {
                send(&sender, format!("data: {}\n\n", json!({ "chunk": chunk }))).await?;
                chunks += 1;
            }
            socket.close(None).await?;
            let duration = u64::try_from(start.elapsed().as_millis())?;
            info!(session, chunks, duration, "invocation completed");
            let metadata = json!({ "chunks": chunks, "duration": duration });
            let data = json!({ "sessionId": session, "metadata": metadata });
            send(
                &sender,
                format!("event: complete\ndata: {data}\n\ndata: [DONE]\n\n"),
            )
            .await
        };
        let told: Result<()> = told.await;
        if let Err(error) = told {
            let _ = sender.send(Err(boxed(error))).await;
        }
    });
    let response = Response::builder().header(CONTENT_TYPE, "text/event-stream");
    Ok(response.body(StreamBody::new(ReceiverStream::new(receiver)))?)
}

async fn send(sender: &mpsc::Sender<Result<Frame, Error>>, text: String) -> Result<()> {
    Ok(sender.send(Ok(Frame::data(text.into()))).await?)
}

/// Connects and sends the prompt.
async fn begin(config: &SdkConfig, request: &Request) -> Result<(Socket, String)> {
    let invoke: Invoke = serde_json::from_slice(request.body())?;
    let arn = variable(&format!("{}_AGENT_ARN", invoke.agent_id.to_uppercase()))?;
    let fresh = || format!("session-{}", Uuid::new_v4());
    let session = invoke.session_id.unwrap_or_else(fresh);
    let provider = config.credentials_provider().context("no credentials")?;
    let credentials = provider.provide_credentials().await?;
    let endpoint = variable("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE")?;
    let url = sign::presign(&endpoint, &arn, &session, &credentials, now())?;
    let (mut socket, _) = connect_async(url).await?;
    let message = json!({ "prompt": invoke.prompt, "sessionId": session });
    socket.send(Message::text(message.to_string())).await?;
    info!(agent = invoke.agent_id, session, "invocation started");
    Ok((socket, session))
}

/// The next chunk of the reply.
async fn next(socket: &mut Socket) -> Result<Option<String>> {
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_close() {
            return Ok(None);
        }
        let Some(data) = message
            .to_text()?
            .trim()
            .strip_prefix("data: ")
            .map(str::to_owned)
        else {
            continue;
        };
        if data == "[DONE]" {
            return Ok(None);
        }
        let Chunk { chunk } = serde_json::from_str(&data)?;
        return Ok(Some(chunk));
    }
    bail!("the agent has gone")
}

fn boxed(error: anyhow::Error) -> Error {
    error.into()
}

#[expect(clippy::disallowed_methods, reason = "without a second thought")]
fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

#[expect(clippy::disallowed_methods, reason = "without a second thought")]
fn now() -> SystemTime {
    SystemTime::now()
}
