//! `StopRuntimeSession` of the data plane: removes a runtime session.

use std::io;

use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;

use super::{
    admission::{self, unknown_runtime},
    request::{self, Request, SESSION_ID},
    respond,
    response::Response,
    script,
};
use crate::{Ended, Handshake, observation::Entry, state::State};

pub(super) async fn serve(
    stream: &mut TcpStream,
    request: &Request,
    arn: &str,
    state: &State,
    entry: &Entry,
) -> io::Result<Ended> {
    let body = request::read_body(stream, request).await?;
    let response = match admit(request, &body, arn, state) {
        Ok((session_id, stopping)) => {
            if let Some(ended) = script::follow(stream, stopping, entry).await? {
                return Ok(ended);
            }
            stop(arn, session_id, state)
        }
        Err(refusal) => refusal,
    };
    respond(stream, &response, entry).await
}

fn admit(
    request: &Request,
    body: &[u8],
    arn: &str,
    state: &State,
) -> Result<(String, Handshake), Response> {
    let session_id = admission::admit_stop(request, body, arn, state)?;
    check_body(body)?;
    let stopping = state.stop_attempt(arn).ok_or_else(unknown_runtime)?;
    Ok((session_id, stopping))
}

fn stop(arn: &str, session_id: String, state: &State) -> Response {
    if !state.forget(arn, &session_id) {
        return Response::error(404, "ResourceNotFoundException", "No such session");
    }
    let mut response = Response::json(&json!({}));
    response.headers.push((SESSION_ID.to_owned(), session_id));
    response
}

/// The body and its only member, a client token, are optional. The token is only validated:
/// stopping a session twice is a 404 with the same token too.
fn check_body(body: &[u8]) -> Result<(), Response> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        client_token: Option<String>,
    }
    let invalid = |message| Response::error(400, "ValidationException", message);
    if body.is_empty() {
        return Ok(());
    }
    let Wire { client_token } =
        serde_json::from_slice(body).map_err(|_| invalid("The body is not of its form"))?;
    match client_token {
        Some(token) if !is_client_token(&token) => Err(invalid(
            "The client token must have 33 to 256 letters, digits and -",
        )),
        _ => Ok(()),
    }
}

/// The service's model: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}`, 33 to 256 characters.
fn is_client_token(token: &str) -> bool {
    (33..=256).contains(&token.len())
        && token.starts_with(|first: char| first.is_ascii_alphanumeric())
        && token.ends_with(|last: char| last.is_ascii_alphanumeric())
        && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::check_body;

    #[test]
    fn a_body_is_empty_or_an_object_with_a_client_token() {
        let token = |token: &str| format!(r#"{{"clientToken":"{token}"}}"#);
        let uuid = "6c0c2a6e-5f0b-4b0e-9a3c-2f1f0a7d9b11";
        for good in [
            String::new(),
            "{}".to_owned(),
            r#"{"clientToken":null,"other":1}"#.to_owned(),
            token(uuid),
            token(&"a".repeat(256)),
        ] {
            assert!(check_body(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "x".to_owned(),
            "[]x".to_owned(),
            r#"{"clientToken":1}"#.to_owned(),
            token("short"),
            token(&"a".repeat(257)),
            token(&format!("-{uuid}")),
            token(&format!("{uuid}-")),
            token(&format!("{uuid}_1")),
        ] {
            let refusal = check_body(bad.as_bytes()).expect_err(&bad);
            assert_eq!(refusal.status, 400);
        }
    }
}
