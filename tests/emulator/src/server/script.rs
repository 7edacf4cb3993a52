//! What an agent's script puts in the place of the service's answer.

use std::io;

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{drain, respond, response::Response};
use crate::{Ended, Handshake, observation::Entry};

/// Does what the script says; nothing is the result where the service is to answer.
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
            // Which one of them was settled when the attempt was counted; only one inside a delay
            // is left, and that has no count of its own.
            sequence @ Handshake::Sequence(_) => sequence.at(0).clone(),
        };
    };
    Ok(Some(ended))
}
