//! Lambda's Runtime API over one connection.

use std::fmt::Write as _;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STREAMED: &str = "Content-Type: application/vnd.awslambda.http-integration-response\r\n\
    Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n";

pub(crate) struct RuntimeApi {
    authority: String,
    stream: TcpStream,
    out: String,
    buffer: Vec<u8>,
}

impl RuntimeApi {
    pub(crate) async fn connect(authority: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (out, buffer) = Default::default();
        let authority = authority.to_owned();
        Ok(Self {
            authority,
            stream,
            out,
            buffer,
        })
    }

    /// The next invocation: its id and its event.
    pub(crate) async fn next(&mut self) -> io::Result<(String, Vec<u8>)> {
        self.head("GET", "next", "");
        self.flush().await?;
        let (head, event) = self.response().await?;
        let id = header(&head, "lambda-runtime-aws-request-id").unwrap_or_default();
        Ok((id.to_owned(), event))
    }

    /// Sends an answer or an error as a whole.
    pub(crate) async fn whole(&mut self, id: &str, kind: &str, body: &str) -> io::Result<()> {
        let headers = format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.head("POST", &format!("{id}/{kind}"), &headers);
        self.out.push_str(body);
        self.flush().await?;
        self.response().await.map(drop)
    }

    /// Begins a streamed answer, which leaves with its first piece.
    pub(crate) fn begin(&mut self, id: &str) {
        self.head("POST", &format!("{id}/response"), STREAMED);
    }

    pub(crate) async fn send(&mut self, piece: &str) -> io::Result<()> {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{:x}\r\n{piece}\r\n", piece.len());
        self.flush().await
    }

    /// Sends the last piece.
    pub(crate) async fn end(&mut self, piece: &str) -> io::Result<()> {
        let _ = write!(self.out, "{:x}\r\n{piece}\r\n0\r\n\r\n", piece.len());
        self.flush().await?;
        self.response().await.map(drop)
    }

    fn head(&mut self, method: &str, path: &str, headers: &str) {
        self.out.clear();
        let _ = write!(
            self.out,
            "{method} /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
            self.authority
        );
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(self.out.as_bytes()).await?;
        self.out.clear();
        Ok(())
    }

    async fn response(&mut self) -> io::Result<(String, Vec<u8>)> {
        let head = read_head(&mut self.stream, &mut self.buffer).await?;
        if !head.starts_with("HTTP/1.1 2") {
            return Err(io::Error::other(head));
        }
        let length = header(&head, "content-length").map_or(Ok(0), str::parse);
        let length: usize = length.map_err(io::Error::other)?;
        while self.buffer.len() < length {
            receive(&mut self.stream, &mut self.buffer).await?;
        }
        Ok((head, self.buffer.drain(..length).collect()))
    }
}

/// Reads the head of a response, and leaves what comes after it in the buffer.
pub(crate) async fn read_head(
    stream: &mut (impl AsyncReadExt + Unpin),
    buffer: &mut Vec<u8>,
) -> io::Result<String> {
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return String::from_utf8(buffer.drain(..at + 4).collect()).map_err(io::Error::other);
        }
        receive(stream, buffer).await?;
    }
}

pub(crate) async fn receive(
    stream: &mut (impl AsyncReadExt + Unpin),
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
    let named = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim())
}
