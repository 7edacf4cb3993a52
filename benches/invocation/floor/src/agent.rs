//! A conversation with the agent: TCP, TLS, the opening handshake, frames, events.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::runtime_api::{read_head, receive};
use crate::{json, random, sign, variable};

pub(crate) struct Agent {
    signer: sign::Signer,
    /// Host and port.
    authority: String,
    tls: Option<TlsConnector>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    chunk: Cow<'a, str>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl Agent {
    pub(crate) fn from_env() -> io::Result<Self> {
        let endpoint = variable("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE")?;
        let (scheme, authority) = endpoint.split_once("://").unwrap_or_default();
        Ok(Self {
            signer: sign::Signer::from_env()?,
            authority: authority.to_owned(),
            tls: (scheme == "https").then(tls).transpose()?,
        })
    }

    /// Connects, and hands the prompt over.
    pub(crate) async fn say(&self, prompt: &str, session: &str) -> io::Result<Conversation> {
        let authority = &self.authority;
        let tcp = TcpStream::connect(authority).await?;
        tcp.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = Box::new(tcp);
        if let Some(tls) = &self.tls {
            let host = authority
                .rsplit_once(':')
                .map_or(authority.as_str(), |(host, _)| host);
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            stream = Box::new(tls.connect(name, stream).await?);
        }
        let target = self.signer.target(authority, session);
        // A digit of base 16 is one of base 64 too: 16 bytes are 22 of them and two signs.
        let key = &sign::hex(&random::<16>())[..21];
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}A==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut buffer = Vec::with_capacity(16 * 1024);
        let head = read_head(&mut stream, &mut buffer).await?;
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(io::Error::other(head));
        }
        let mut conversation = Conversation {
            stream,
            buffer,
            events: Vec::new(),
        };
        let prompt = json(prompt);
        let message = format!("{{\"prompt\":{prompt},\"sessionId\":\"{session}\"}}");
        conversation.send(0x81, message.as_bytes()).await?;
        Ok(conversation)
    }
}

fn tls() -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match variable("SSL_CERT_FILE") {
        Ok(file) => {
            for root in CertificateDer::pem_file_iter(file).map_err(io::Error::other)? {
                let root = root.map_err(io::Error::other)?;
                roots.add(root).map_err(io::Error::other)?;
            }
        }
        Err(_) => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config).into())
}

pub(crate) struct Conversation {
    stream: Box<dyn Stream>,
    /// What has been received and is no whole frame yet.
    buffer: Vec<u8>,
    /// What messages held and is no whole event yet.
    events: Vec<u8>,
}

impl Conversation {
    /// Gives the chunks that are there, and reads once if there are none; false at the reply's end.
    pub(crate) async fn read(&mut self, each: impl FnMut(&str)) -> io::Result<bool> {
        let mut at = 0;
        while let Some((opcode, payload)) = frame(&self.buffer, at) {
            at = payload.end;
            match opcode {
                0..=2 => self.events.extend_from_slice(&self.buffer[payload]),
                8 => return Ok(false),
                9 => {
                    let ping = self.buffer[payload].to_vec();
                    self.send(0x8a, &ping).await?;
                }
                _ => {}
            }
        }
        self.buffer.drain(..at);
        if at == 0 {
            receive(&mut self.stream, &mut self.buffer).await?;
        }
        self.take_events(each)
    }

    fn take_events(&mut self, mut each: impl FnMut(&str)) -> io::Result<bool> {
        let mut rest = self.events.as_slice();
        while let Some(end) = rest.windows(2).position(|two| two == b"\n\n") {
            match rest[..end].strip_prefix(b"data: ") {
                Some(b"[DONE]") => return Ok(false),
                Some(data) => each(&serde_json::from_slice::<Chunk<'_>>(data)?.chunk),
                None => {}
            }
            rest = &rest[end + 2..];
        }
        let taken = self.events.len() - rest.len();
        self.events.drain(..taken);
        Ok(true)
    }

    /// Closes with 1000, without waiting for the answer.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        self.send(0x88, &1000_u16.to_be_bytes()).await?;
        self.stream.shutdown().await
    }

    async fn send(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        let mask: [u8; 4] = random();
        let mut frame = vec![first];
        match payload.len() {
            short @ ..126 => frame.extend(u8::try_from(short).map(|short| 0x80 | short)),
            long => {
                let long = u16::try_from(long).map_err(io::Error::other)?;
                frame.push(0xfe);
                frame.extend_from_slice(&long.to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        let masked = payload.iter().zip(mask.iter().cycle());
        frame.extend(masked.map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).await?;
        self.stream.flush().await
    }
}

/// The opcode of the frame that begins there, and where its payload is, if the whole is there.
fn frame(bytes: &[u8], at: usize) -> Option<(u8, Range<usize>)> {
    let bytes = bytes.get(at..)?;
    let (start, length) = match *bytes.get(1)? {
        126 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, short.into()),
    };
    let end = start + usize::try_from(length).ok()?;
    (bytes.len() >= end).then(|| (bytes[0] & 0xf, at + start..at + end))
}
