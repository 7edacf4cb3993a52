//! The opening handshake of a WebSocket (RFC 6455, section 4.1).

use std::io;
use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::{ParserConfig, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use zeroize::Zeroizing;

use super::connect::Transport;
use super::endpoint::Endpoint;

/// All that an answer's lines may take, interim answers included.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;

pub(super) const USER_AGENT: &str = concat!("agentcore-bridge/", env!("CARGO_PKG_VERSION"));

/// Why the opening handshake did not lead to a WebSocket.
#[derive(Debug)]
pub(in crate::agentcore) enum HandshakeError {
    /// The peer answered with another status.
    Refused(Box<RefusedUpgrade>),
    /// The connection broke off.
    Lost(io::Error),
    /// The answer is no HTTP, or not one that fits the request.
    Violation(&'static str),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// An answer that is not an upgrade.
#[derive(Debug)]
pub(in crate::agentcore) struct RefusedUpgrade {
    pub(in crate::agentcore) status: u16,
    pub(in crate::agentcore) headers: HeaderMap,
    /// As much of the body as came with the headers.
    pub(in crate::agentcore) body: Vec<u8>,
}

/// Asks for a WebSocket at a path and query, the endpoint's prefix included. `headers` go with what RFC 6455
/// wants. Gives what the peer sent behind its answer.
pub(super) async fn shake_hands<T: Transport>(
    transport: &mut T,
    endpoint: &Endpoint,
    target: &str,
    headers: &HeaderMap,
) -> Result<BytesMut, HandshakeError> {
    let key = generate_key();
    transport
        .write_all(&request(endpoint, target, headers, &key))
        .await?;
    transport.flush().await?;

    let (answer, rest) = read_answer(transport).await?;
    if answer.status == 101 {
        answer.check(&key)?;
        return Ok(rest);
    }
    let refused = RefusedUpgrade {
        status: answer.status,
        headers: answer.headers,
        body: rest.to_vec(),
    };
    Err(HandshakeError::Refused(refused.into()))
}

/// The answer to a request, and what came behind its lines. Interim answers say that another comes (RFC
/// 9110, section 15.2); a 101 is none.
pub(super) async fn read_answer<T: Transport>(
    transport: &mut T,
) -> Result<(Answer, BytesMut), HandshakeError> {
    let mut received = BytesMut::with_capacity(4 * 1024);
    let mut interim_bytes = 0;
    loop {
        if let Some((length, answer)) = parse(&received)? {
            let rest = received.split_off(length);
            if !matches!(answer.status, 100 | 102..=199) {
                return Ok((answer, rest));
            }
            interim_bytes += length;
            received = rest;
            continue;
        }
        if interim_bytes + received.len() > MAX_ANSWER_BYTES {
            return Err(HandshakeError::Violation("a handshake longer than allowed"));
        }
        if transport.read_buf(&mut received).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// One buffer, and so one packet: a header of ours is never apart from the others. It holds a
/// signature or a token, so it is wiped when it has been sent, and has its size from the beginning: a
/// buffer that grows leaves copies of itself behind.
fn request(
    endpoint: &Endpoint,
    target: &str,
    headers: &HeaderMap,
    key: &str,
) -> Zeroizing<Vec<u8>> {
    let first = [
        "GET ",
        target,
        " HTTP/1.1\r\nHost: ",
        endpoint.authority(),
        "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: ",
        key,
        "\r\nUser-Agent: ",
        USER_AGENT,
        "\r\n",
    ];
    let lines = || {
        let lines = headers.iter();
        lines.flat_map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"])
    };
    let parts = || {
        let first = first.iter().map(|part| part.as_bytes());
        first.chain(lines()).chain([&b"\r\n"[..]])
    };
    let mut request = Zeroizing::new(Vec::with_capacity(parts().map(<[u8]>::len).sum()));
    parts().for_each(|part| request.extend_from_slice(part));
    request
}

/// The lines of an answer.
pub(super) struct Answer {
    pub(super) status: u16,
    is_http_1_1: bool,
    headers: HeaderMap,
}

/// An answer's lines and how many bytes they take; `None` where they have not all come.
fn parse(received: &[u8]) -> Result<Option<(usize, Answer)>, HandshakeError> {
    if received.is_empty() {
        return Ok(None);
    }
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut answer,
        received,
        &mut headers,
    );
    let not_http = |_| HandshakeError::Violation("an answer that is not HTTP");
    let Status::Complete(length) = parsed.map_err(not_http)? else {
        return Ok(None);
    };
    let headers = answer.headers.iter().filter_map(|header| {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(header.value).ok()?))
    });
    let answer = Answer {
        status: answer.code.unwrap_or_default(),
        is_http_1_1: answer.version == Some(1),
        headers: headers.collect(),
    };
    Ok(Some((length, answer)))
}

impl Answer {
    /// Whether the upgrade is the one that was asked for.
    fn check(&self, key: &str) -> Result<(), HandshakeError> {
        if !self.is_http_1_1 {
            // What answers so is a proxy that cannot pass an upgrade on.
            return Err(io::Error::other("an upgrade in HTTP/1.0").into());
        }
        let accepted = self.headers.get("sec-websocket-accept");
        let not_asked_for = ["sec-websocket-extensions", "sec-websocket-protocol"];
        let problem = if !self.lists("connection", "upgrade") || !self.lists("upgrade", "websocket")
        {
            "an upgrade that is not as RFC 6455 wants it"
        } else if accepted.is_none_or(|value| value != derive_accept_key(key.as_bytes()).as_str()) {
            "an upgrade for another request"
        } else if not_asked_for
            .iter()
            .any(|name| self.headers.contains_key(*name))
        {
            "an upgrade with what was not asked for"
        } else {
            return Ok(());
        };
        Err(HandshakeError::Violation(problem))
    }

    /// Whether a header's list, over all its lines, holds a token in any case.
    fn lists(&self, name: &str, token: &str) -> bool {
        let lines = self.headers.get_all(name).iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .any(|listed| listed.trim().eq_ignore_ascii_case(token))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// What comes of an answer that is made of the key, and that comes in parts of so many bytes.
    async fn outcome(answer: &str, part: usize) -> Result<String, HandshakeError> {
        let (mut ours, mut theirs) = duplex(1 << 20);
        let endpoint = Endpoint::parse("ws://127.0.0.1:1/prefix").unwrap();
        let headers = HeaderMap::new();
        let shaken = shake_hands(&mut ours, &endpoint, "/prefix/ws?a=b", &headers);
        let peer = async {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                theirs.read_buf(&mut request).await.unwrap();
            }
            let request = String::from_utf8(request).unwrap();
            assert!(request.starts_with("GET /prefix/ws?a=b HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"));
            let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap();
            let accept = derive_accept_key(key.split('\r').next().unwrap().as_bytes());
            let answer = answer.replace("{accept}", &accept);
            for part in answer.as_bytes().chunks(part) {
                theirs.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            theirs.shutdown().await.unwrap();
        };
        let (shaken, ()) = tokio::join!(shaken, peer);
        shaken.map(|rest| String::from_utf8(rest.to_vec()).unwrap())
    }

    const UPGRADE: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";

    #[tokio::test]
    async fn legal_upgrades_are_upgrades() {
        let lists = UPGRADE.replace("Connection: Upgrade", "Connection: keep-alive, upgrade");
        let lines = UPGRADE.replace(
            "Connection: Upgrade",
            "connection: keep-alive\r\nCONNECTION: UPGRADE",
        );
        let interim = format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{UPGRADE}"
        );
        for answer in [UPGRADE, &lists, &lines, &interim] {
            for part in [1, 7, 1 << 20] {
                assert_eq!(outcome(answer, part).await.unwrap(), "", "{answer}");
            }
            let behind = format!("{answer}frame");
            assert_eq!(outcome(&behind, 1 << 20).await.unwrap(), "frame");
        }
    }

    #[tokio::test]
    async fn other_upgrades_are_violations() {
        for (from, to) in [
            ("{accept}", "AAAA"),
            ("Sec-WebSocket-Accept: {accept}\r\n", ""),
            ("Connection: Upgrade", "Connection: close"),
            ("Upgrade: websocket", "Upgrade: h2c"),
            ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n"),
            ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
            ("HTTP/1.1", "SMTP"),
        ] {
            let answer = UPGRADE.replacen(from, to, 1);
            let outcome = outcome(&answer, 1 << 20).await;
            assert!(
                matches!(outcome, Err(HandshakeError::Violation(_))),
                "{answer}: {outcome:?}"
            );
        }
    }

    #[tokio::test]
    async fn refusals_keep_their_headers_and_what_came_of_the_body() {
        let answer = "HTTP/1.1 403 Forbidden\r\nX-Amzn-ErrorType: AccessDenied\r\n\
                      Content-Length: 9\r\n\r\n{\"a\":\"b\"";
        let Err(HandshakeError::Refused(refused)) = outcome(answer, 1 << 20).await else {
            panic!("a refusal");
        };
        assert_eq!(refused.status, 403);
        assert_eq!(refused.headers["x-amzn-errortype"], "AccessDenied");
        assert_eq!(refused.body, b"{\"a\":\"b\"");
        let answer = "HTTP/1.0 502 Bad Gateway\r\n\r\n";
        let outcome = outcome(answer, 1).await;
        assert!(matches!(outcome, Err(HandshakeError::Refused(refused)) if refused.status == 502));
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(4_000);
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000));
        for answer in [interim, long] {
            let outcome = outcome(&answer, 1 << 10).await;
            assert!(
                matches!(outcome, Err(HandshakeError::Violation(_))),
                "{outcome:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_end_before_the_answer_is_a_lost_connection() {
        for answer in ["", "HTTP/1.1 101 Sw", "HTTP/1.1 100 Continue\r\n\r\n"] {
            let outcome = outcome(answer, 1 << 20).await;
            assert!(matches!(outcome, Err(HandshakeError::Lost(_))), "{answer}");
        }
        let old = UPGRADE.replace("HTTP/1.1", "HTTP/1.0");
        let outcome = outcome(&old, 1 << 20).await;
        assert!(matches!(outcome, Err(HandshakeError::Lost(_))));
    }
}
