//! The connection to the agent: TCP, TLS, the WebSocket handshake, frames, events.

use std::sync::Arc;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::{Result, json, random, runtime_api, variable};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

pub(crate) struct Agent {
    pub(crate) arn: String,
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    /// Host and port.
    pub(crate) authority: String,
    pub(crate) streams: bool,
    tls: Option<TlsConnector>,
}

impl Agent {
    pub(crate) fn from_env() -> Result<Self> {
        let endpoint = variable("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE")?;
        let (scheme, authority) = endpoint.split_once("://").unwrap_or_default();
        Ok(Self {
            arn: variable("BENCH_AGENT_ARN")?,
            key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret: variable("AWS_SECRET_ACCESS_KEY")?,
            token: variable("AWS_SESSION_TOKEN")?,
            authority: authority.to_owned(),
            streams: variable("INVOKE_MODE").is_ok_and(|mode| mode == "response_stream"),
            tls: (scheme == "https").then(tls).transpose()?,
        })
    }

    /// Connects and sends the prompt.
    pub(crate) async fn say(&self, prompt: &str, session: &str) -> Result<Conversation> {
        let authority = &self.authority;
        let tcp = TcpStream::connect(authority).await?;
        tcp.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = Box::new(tcp);
        if let Some(tls) = &self.tls {
            let host = authority.split(':').next().unwrap_or_default();
            let name = ServerName::try_from(host.to_owned())?;
            stream = Box::new(tls.connect(name, stream).await?);
        }
        let target = self.target(session);
        // Hexadecimal digits are valid base64 digits: 22 of them and `==` encode 16 bytes.
        let key = &hex::encode(random::<16>())[..21];
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}A==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut stream = BufReader::with_capacity(16 * 1024, stream);
        runtime_api::read_head(&mut stream, "HTTP/1.1 101 ").await?;
        let events = Vec::new();
        let mut conversation = Conversation { stream, events };
        let prompt = json(prompt);
        let message = format!("{{\"prompt\":{prompt},\"sessionId\":\"{session}\"}}");
        conversation.send(0x81, message.as_bytes()).await?;
        Ok(conversation)
    }
}

fn tls() -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    if let Ok(file) = variable("SSL_CERT_FILE") {
        for root in CertificateDer::pem_file_iter(file)? {
            roots.add(root?)?;
        }
    } else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()).into())
}

#[derive(Deserialize)]
struct Chunk {
    chunk: String,
}

pub(crate) struct Conversation {
    pub(crate) stream: BufReader<Box<dyn Stream>>,
    /// Received text that is not yet a complete event.
    events: Vec<u8>,
}

impl Conversation {
    /// The next chunk; `None` at the end of the reply, after the close frame was sent.
    pub(crate) async fn next(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(end) = self.events.windows(2).position(|two| two == b"\n\n") {
                let data = self.events[..end]
                    .strip_prefix(b"data: ")
                    .ok_or("no data")?;
                if data == b"[DONE]" {
                    self.send(0x88, &1000_u16.to_be_bytes()).await?;
                    self.stream.shutdown().await?;
                    return Ok(None);
                }
                let Chunk { chunk } = serde_json::from_slice(data)?;
                self.events.drain(..end + 2);
                return Ok(Some(chunk));
            }
            let opcode = self.stream.read_u8().await? & 0xf;
            let length = match self.stream.read_u8().await? {
                126 => self.stream.read_u16().await?.into(),
                127 => self.stream.read_u64().await?.try_into()?,
                short => usize::from(short),
            };
            let at = self.events.len();
            self.events.resize(at + length, 0);
            self.stream.read_exact(&mut self.events[at..]).await?;
            if opcode > 2 {
                // Pings and the like. A close before the end is an incomplete reply.
                self.events.truncate(at);
            }
        }
    }

    async fn send(&mut self, first: u8, payload: &[u8]) -> Result<()> {
        let mask: [u8; 4] = random();
        let mut frame = vec![first];
        if payload.len() < 126 {
            frame.push(0x80 | u8::try_from(payload.len())?);
        } else {
            frame.push(0xfe);
            frame.extend(u16::try_from(payload.len())?.to_be_bytes());
        }
        frame.extend(mask);
        let masked = payload.iter().zip(mask.iter().cycle());
        frame.extend(masked.map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).await?;
        Ok(self.stream.flush().await?)
    }
}
