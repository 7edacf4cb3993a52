//! Upgrades an admitted connection, unless its agent's script says otherwise.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    admission::Admitted,
    conversation,
    request::{Request, SESSION_ID},
    response::Response,
    script,
};
use crate::{Ended, observation::Entry, state::State};

pub(super) async fn meet(
    stream: &mut TcpStream,
    request: Request,
    admitted: Admitted,
    state: &State,
    entry: &Entry,
) -> io::Result<Ended> {
    if let Some(ended) = script::follow(stream, admitted.handshake.clone(), entry).await? {
        return Ok(ended);
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
