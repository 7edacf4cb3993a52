//! Agents that do what no library lets them: any bytes at any moment, after a right handshake.

use std::future::Future;
use std::time::Duration;

use agentcore_emulator::{Agent, Emulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::support::{ARN, Function, Listening, variables};

/// A frame's first byte: the last of its message, and what it is.
pub(crate) const TEXT: u8 = 0x81;
/// Of a message in fragments: the first, and one that is neither the first nor the last.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const GOES_ON: u8 = 0x00;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;

/// Keeps our timeouts from ending what is looked at.
pub(crate) const PATIENT: [(&str, &str); 2] = [
    ("CHUNK_TIMEOUT_MS", "900000"),
    ("INVOKE_TIMEOUT_MS", "900000"),
];

/// A server on loopback that gives each connection to `serve`, as it comes.
pub(crate) async fn server<S, F>(serve: S) -> String
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream));
        }
    });
    endpoint
}

/// Answers the opening handshake.
pub(crate) async fn accept(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).unwrap();
    let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap();
    let accept = derive_accept_key(key.split('\r').next().unwrap().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// A frame as a server sends it.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    if let Ok(length @ 0..=125) = u8::try_from(payload.len()) {
        frame.push(length);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        frame.push(126);
        frame.extend_from_slice(&length.to_be_bytes());
    } else {
        frame.push(127);
        frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    frame.extend_from_slice(payload);
    frame
}

/// Reads whatever comes until the peer ends its side.
pub(crate) async fn read_out(stream: &mut TcpStream) {
    let mut dropped = vec![0; 16 * 1024];
    while stream.read(&mut dropped).await.unwrap_or(0) > 0 {}
}

/// The built binary with its agents at this endpoint.
pub(crate) async fn function_to(endpoint: &str, more: &[(&str, &str)]) -> Function {
    // Only the variables are the emulator's: nobody asks it anything.
    let emulator = Emulator::builder().agent(ARN, Agent::echo());
    let emulator = emulator.start().await.unwrap();
    let own = [("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint)];
    let variables = variables(&emulator, &[&own[..], more].concat());
    let limit = Duration::from_mins(5);
    Function::start_with(variables, limit, Listening::Always).await
}
