//! Reads answers of the Runtime API (RFC 9112, section 6).

use std::fmt;
use std::io;
use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use httparse::{ParserConfig, Status, parse_chunk_size};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What an answer's lines may take, and the trailers behind its body. Lambda's largest header, the
/// client's context, has a few kilobytes.
const MAX_HEAD_BYTES: usize = 256 * 1024;
const MAX_HEADERS: usize = 100;

/// What is read at once, at least.
const READ_BYTES: usize = 8 * 1024;

/// No more room than this is made on the peer's word.
const MAX_PROMISED_BYTES: usize = 8 << 20;

/// Is told each header of an answer.
pub(super) type OnHeader<'a> = &'a mut (dyn FnMut(&str, &[u8]) + Send);

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// Whether the connection can carry another request.
    pub(super) keeps_connection: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is what callers sent.
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// How an answer's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    /// With the connection.
    Close,
}

struct Head {
    status: StatusCode,
    framing: Framing,
    keeps_connection: bool,
}

/// Reads an answer, of which some may have been received.
pub(super) async fn read_answer(
    reader: &mut (impl AsyncRead + Unpin),
    received: &mut BytesMut,
    on_header: OnHeader<'_>,
) -> io::Result<Answer> {
    let head = loop {
        match parse(received, on_header)? {
            // An interim answer says that another comes; a change of the protocol was not asked for.
            Some(head) if head.status.is_informational() => {
                if head.status == StatusCode::SWITCHING_PROTOCOLS {
                    return Err(invalid("another protocol"));
                }
            }
            Some(head) => break head,
            None if received.len() > MAX_HEAD_BYTES => return Err(invalid("too many headers")),
            None => fill(reader, received, READ_BYTES).await?,
        }
    };
    let body = match head.framing {
        Framing::Length(length) => {
            while let Some(missing) = length.checked_sub(received.len()).filter(|n| *n > 0) {
                fill(reader, received, missing).await?;
            }
            received.split_to(length).freeze()
        }
        Framing::Chunked => read_chunks(reader, received).await?,
        Framing::Close => {
            while read(reader, received, READ_BYTES).await? > 0 {}
            received.split().freeze()
        }
    };
    if received.is_empty() {
        // An event may be large, and holds what its caller sent: it goes when its reader drops it.
        *received = BytesMut::new();
    }
    Ok(Answer {
        status: head.status,
        body,
        keeps_connection: head.keeps_connection,
    })
}

/// The body of an answer in chunks, without its trailers.
async fn read_chunks(
    reader: &mut (impl AsyncRead + Unpin),
    received: &mut BytesMut,
) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let length = loop {
            match parse_chunk_size(received).map_err(|_| invalid("a malformed chunk"))? {
                // The library takes an empty line for a zero.
                Status::Complete(_) if !received.first().is_some_and(u8::is_ascii_hexdigit) => {
                    return Err(invalid("a malformed chunk"));
                }
                Status::Complete((line, length)) => {
                    received.advance(line);
                    break usize::try_from(length).map_err(|_| invalid("a chunk too large"))?;
                }
                Status::Partial if received.len() > MAX_HEAD_BYTES => {
                    return Err(invalid("a malformed chunk"));
                }
                Status::Partial => fill(reader, received, READ_BYTES).await?,
            }
        };
        if length == 0 {
            break;
        }
        let with_end = length
            .checked_add(2)
            .ok_or_else(|| invalid("a chunk too large"))?;
        while let Some(missing) = with_end.checked_sub(received.len()).filter(|n| *n > 0) {
            fill(reader, received, missing).await?;
        }
        let mut chunk = received.split_to(with_end);
        if chunk.split_off(length) != "\r\n" {
            return Err(invalid("a malformed chunk"));
        }
        body.unsplit(chunk);
    }
    loop {
        let mut trailers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        match httparse::parse_headers(received, &mut trailers) {
            Ok(Status::Complete((length, _))) => {
                received.advance(length);
                return Ok(body.freeze());
            }
            Ok(Status::Partial) if received.len() <= MAX_HEAD_BYTES => {
                fill(reader, received, READ_BYTES).await?;
            }
            _ => return Err(invalid("malformed trailers")),
        }
    }
}

/// Reads some more, of which at least this much is missing.
async fn fill(
    reader: &mut (impl AsyncRead + Unpin),
    received: &mut BytesMut,
    missing: usize,
) -> io::Result<()> {
    if read(reader, received, missing).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    received: &mut BytesMut,
    missing: usize,
) -> io::Result<usize> {
    received.reserve(missing.clamp(READ_BYTES, MAX_PROMISED_BYTES));
    reader.read_buf(received).await
}

/// Takes the lines of an answer off what has come; `None` where they have not all come.
fn parse(received: &mut BytesMut, on_header: OnHeader<'_>) -> io::Result<Option<Head>> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut answer,
        received,
        &mut headers,
    );
    let Status::Complete(length) = parsed.map_err(|_| invalid("an answer that is not HTTP"))?
    else {
        return Ok(None);
    };
    let code = answer.code.unwrap_or_default();
    let status = StatusCode::from_u16(code).map_err(|_| invalid("an impossible status"))?;
    let is_http_1_1 = answer.version == Some(1);
    let mut lengths = Lengths::default();
    let mut codings = None;
    let mut keeps_connection = is_http_1_1;
    for header in &*answer.headers {
        let is = |name| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            lengths.add(header.value);
        } else if is("transfer-encoding") {
            codings = Some(header.value);
        } else if is("connection") {
            for option in tokens(header.value) {
                keeps_connection = if is_http_1_1 {
                    keeps_connection && !option.eq_ignore_ascii_case(b"close")
                } else {
                    keeps_connection || option.eq_ignore_ascii_case(b"keep-alive")
                };
            }
        } else if !status.is_informational() {
            on_header(header.name, header.value);
        }
    }
    let framing = match codings {
        _ if matches!(status.as_u16(), 100..=199 | 204 | 304) => Framing::Length(0),
        // The chunks' end is the body's. A body in another coding ends with the connection.
        Some(codings) if is_http_1_1 => match tokens(codings).last() {
            Some(last) if last.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
            _ => Framing::Close,
        },
        Some(_) => return Err(invalid("chunks in HTTP/1.0")),
        None if lengths.are_unclear => return Err(invalid("an unclear length")),
        None => lengths.length.map_or(Framing::Close, Framing::Length),
    };
    received.advance(length);
    Ok(Some(Head {
        status,
        framing,
        keeps_connection: keeps_connection && framing != Framing::Close,
    }))
}

/// The values of a header that is a list.
fn tokens(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// What `content-length` says, which may be said twice, but not in two ways.
#[derive(Default)]
struct Lengths {
    length: Option<usize>,
    are_unclear: bool,
}

impl Lengths {
    fn add(&mut self, value: &[u8]) {
        for length in tokens(value) {
            // `parse` takes a sign, which the protocol does not.
            let digits = std::str::from_utf8(length).ok();
            let length = digits
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok());
            self.are_unclear |= length.is_none() || self.length.is_some_and(|n| Some(n) != length);
            self.length = length;
        }
    }
}

fn invalid(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests;
