//! Meets a request that has been let through, as its agent's script says.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    admission::{Admitted, SESSION_ID},
    conversation, drain,
    request::Request,
    respond,
    response::Response,
};
use crate::{Ended, Handshake, observation::Entry, state::State};

pub(super) async fn meet(
    stream: &mut TcpStream,
    request: Request,
    admitted: Admitted,
    state: &State,
    entry: &Entry,
) -> io::Result<Ended> {
    let mut handshake = admitted.handshake.clone();
    loop {
        handshake = match handshake {
            Handshake::Accept => break,
            Handshake::Status {
                status,
                error_type,
                mut headers,
                body,
            } => {
                if let Some(error_type) = error_type {
                    headers.insert(0, ("x-amzn-ErrorType".to_owned(), error_type));
                }
                return respond(
                    stream,
                    &Response {
                        status,
                        headers,
                        body,
                    },
                    entry,
                )
                .await;
            }
            Handshake::Stall => return Ok(drain(stream).await),
            Handshake::Reset => return Ok(Ended::Reset),
            Handshake::CloseSilently => {
                stream.shutdown().await?;
                return Ok(drain(stream).await);
            }
            Handshake::Raw { bytes, keep_open } => {
                stream.write_all(&bytes).await?;
                if !keep_open {
                    stream.shutdown().await?;
                }
                return Ok(drain(stream).await);
            }
            Handshake::Delayed { by, then } => tokio::select! {
                ended = drain(stream) => return Ok(ended),
                () = tokio::time::sleep(by) => *then,
            },
            // Which one of them was settled when the attempt was counted; only one inside a delay
            // is left, and that has no count of its own.
            sequence @ Handshake::Sequence(_) => sequence.at(0).clone(),
        };
    }
    let response = upgrade(&request, &admitted.runtime_session_id);
    entry.update(|connection| connection.status = Some(response.status));
    stream.write_all(&response.encode()).await?;
    Ok(conversation::hold(stream, &request.rest, &admitted, state, entry).await)
}

/// RFC 6455, section 4.2.2.
fn upgrade(request: &Request, runtime_session_id: &str) -> Response {
    let headers = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        (
            "sec-websocket-accept",
            &accept(request.header("sec-websocket-key").unwrap_or_default()),
        ),
        (SESSION_ID, runtime_session_id),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    Response {
        status: 101,
        headers,
        body: Vec::new(),
    }
}

fn accept(key: &str) -> String {
    let key = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(Sha1::digest(key))
}

#[cfg(test)]
mod tests {
    // The example of RFC 6455, section 1.3.
    #[test]
    fn a_key_is_answered_as_in_the_standard() {
        assert_eq!(
            super::accept("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
