//! Lambda's Runtime API over one connection.

use std::fmt::Write as _;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::Result;

const INVOCATION: &str = "/2018-06-01/runtime/invocation";
const WHOLE: &str = "Content-Type: application/json\r\nContent-Length: ";
pub(crate) const STREAMED: &str = "Content-Type: application/vnd.awslambda.http-integration-response\r\n\
    Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked";

pub(crate) struct RuntimeApi {
    stream: BufReader<TcpStream>,
    /// The bytes to be sent next.
    out: String,
}

impl RuntimeApi {
    pub(crate) async fn connect(authority: &str) -> Result<Self> {
        let stream = BufReader::new(TcpStream::connect(authority).await?);
        stream.get_ref().set_nodelay(true)?;
        let out = String::new();
        Ok(Self { stream, out })
    }

    /// Gets the next invocation: its id and its event.
    pub(crate) async fn next(&mut self) -> Result<(String, Vec<u8>)> {
        self.out = format!("GET {INVOCATION}/next HTTP/1.1\r\nHost: lambda\r\n\r\n");
        self.exchange().await
    }

    /// Sends a complete response.
    pub(crate) async fn whole(&mut self, id: &str, body: &str) -> Result<()> {
        self.begin(id, &format!("{WHOLE}{}", body.len()));
        self.out.push_str(body);
        self.exchange().await.map(drop)
    }

    /// Begins a streamed response, which is sent with its first chunk.
    pub(crate) fn begin(&mut self, id: &str, headers: &str) {
        let line = format_args!("POST {INVOCATION}/{id}/response HTTP/1.1");
        self.out = format!("{line}\r\nHost: lambda\r\n{headers}\r\n\r\n");
    }

    /// Sends a chunk of a streamed response.
    pub(crate) async fn send(&mut self, piece: &str, is_last: bool) -> Result<()> {
        write!(self.out, "{:x}\r\n{piece}\r\n", piece.len())?;
        if !is_last {
            return self.flush().await;
        }
        self.out.push_str("0\r\n\r\n");
        self.exchange().await.map(drop)
    }

    async fn flush(&mut self) -> Result<()> {
        let out = std::mem::take(&mut self.out);
        Ok(self.stream.write_all(out.as_bytes()).await?)
    }

    /// Sends the buffered bytes. Returns the invocation id and the body of Lambda's answer.
    async fn exchange(&mut self) -> Result<(String, Vec<u8>)> {
        self.flush().await?;
        let head = read_head(&mut self.stream, "HTTP/1.1 2").await?;
        let header = |name: &str| {
            let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
            let pair = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
            pair.map_or("0", |(_, value)| value)
        };
        let mut body = vec![0; header("content-length").parse()?];
        self.stream.read_exact(&mut body).await?;
        Ok((header("lambda-runtime-aws-request-id").to_owned(), body))
    }
}

/// Reads the head of a response, which must begin like this.
pub(crate) async fn read_head<S: AsyncBufRead + Unpin>(s: &mut S, start: &str) -> Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if s.read_line(&mut head).await? == 0 {
            return Err("the connection has ended".into());
        }
    }
    let fits = head.starts_with(start);
    if fits { Ok(head) } else { Err(head.into()) }
}
