//! Performs what an agent's script prescribes instead of the service's response.

use std::io;

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{drain, respond, response::Response};
use crate::{Ended, Handshake, observation::Entry};

/// Performs a scripted handshake. Returns `None` if the service itself is to respond.
pub(super) async fn follow(
    stream: &mut TcpStream,
    mut script: Handshake,
    entry: &Entry,
) -> io::Result<Option<Ended>> {
    let ended = loop {
        script = match script {
            Handshake::Accept => return Ok(None),
            Handshake::Status {
                status,
                error_type,
                mut headers,
                body,
            } => {
                if let Some(error_type) = error_type {
                    headers.insert(0, ("x-amzn-ErrorType".to_owned(), error_type));
                }
                let response = Response {
                    status,
                    headers,
                    body,
                };
                break respond(stream, &response, entry).await?;
            }
            Handshake::Stall => break drain(stream).await,
            Handshake::Reset => break Ended::Reset,
            Handshake::CloseSilently => {
                stream.shutdown().await?;
                break drain(stream).await;
            }
            Handshake::Raw { bytes, keep_open } => {
                stream.write_all(&bytes).await?;
                if !keep_open {
                    stream.shutdown().await?;
                }
                break drain(stream).await;
            }
            Handshake::Delayed { by, then } => tokio::select! {
                ended = drain(stream) => break ended,
                () = tokio::time::sleep(by) => *then,
            },
            // The attempt was resolved when it was counted. A sequence can only be left within a
            // delay, and has no count of its own, so its first element applies.
            sequence @ Handshake::Sequence(_) => sequence.at(0).clone(),
        };
    };
    Ok(Some(ended))
}
