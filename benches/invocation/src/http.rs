//! The part of HTTP/1.1 that a Runtime API needs. It is kept small, since it runs on the machine
//! that is measured.

use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The text of a reply's first chunk.
const CHUNK: &[u8] = b"\"chunk\"";

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The offset of the first unread byte in the buffer.
    at: usize,
}

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    /// When the first chunk of a reply arrived, if the body was chunked.
    pub(crate) first_chunk: Option<Instant>,
}

enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Disables Nagle's algorithm. A failure only makes sending slower.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
            at: 0,
        }
    }

    /// The next request; `None` if the client has closed the connection.
    pub(crate) async fn request(&mut self) -> io::Result<Option<Request>> {
        let head = loop {
            if let Some(head) = self.head()? {
                break head;
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        };
        let (mut request, length) = head;
        match length {
            Length::Known(bytes) => request.body = self.take(bytes).await?,
            Length::Chunked => self.chunked(&mut request).await?,
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        Ok(Some(request))
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    fn head(&mut self) -> io::Result<Option<(Request, Length)>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(&self.buffer).map_err(io::Error::other)?;
        let httparse::Status::Complete(at) = status else {
            return Ok(None);
        };
        self.at = at;
        let header = |name| {
            let mut headers = parsed.headers.iter();
            let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(header.value).ok()
        };
        let length = match header("transfer-encoding") {
            Some("chunked") => Length::Chunked,
            _ => Length::Known(
                header("content-length")
                    .map_or(Ok(0), str::parse)
                    .map_err(io::Error::other)?,
            ),
        };
        let request = Request {
            method: parsed.method.unwrap_or_default().to_owned(),
            path: parsed.path.unwrap_or_default().to_owned(),
            body: Vec::new(),
            first_chunk: None,
        };
        Ok(Some((request, length)))
    }

    async fn chunked(&mut self, request: &mut Request) -> io::Result<()> {
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                break;
            }
            let piece = self.take(size).await?;
            request.body.extend_from_slice(&piece);
            self.line().await?;
            let has_chunk = |body: &[u8]| body.windows(CHUNK.len()).any(|bytes| bytes == CHUNK);
            if request.first_chunk.is_none() && has_chunk(&request.body) {
                request.first_chunk = Some(Instant::now());
            }
        }
        // Trailers, up to an empty line.
        while !self.line().await?.is_empty() {}
        Ok(())
    }

    async fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() - self.at < bytes {
            self.more().await?;
        }
        let taken = self.buffer[self.at..self.at + bytes].to_vec();
        self.at += bytes;
        Ok(taken)
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.at += end + 2;
                return Ok(line);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
