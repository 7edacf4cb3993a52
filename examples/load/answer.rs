//! What came back, as a caller of the API reads it.

use std::fmt;
use std::time::Duration;

use eventsource_stream::{Event, Eventsource};
use futures_util::StreamExt;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, Collected};
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::time::Instant;

use crate::arguments::AnswerKind;

/// One turn's answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// When the first piece of text was here.
    pub(crate) first: Option<Instant>,
    pub(crate) pieces: u64,
    /// How long the bridge took to connect to the agent, as it says in `Server-Timing`.
    pub(crate) agent_connection: Option<Duration>,
    pub(crate) outcome: Outcome,
}

/// How a turn ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Outcome {
    #[default]
    Complete,
    /// Under the name by which it is counted.
    Failed(String),
}

/// An error as the API writes it, or as AWS does in front of it.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
struct Details {
    phase: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    #[expect(dead_code, reason = "it has to be there")]
    response: String,
    session_id: String,
    #[serde(default)]
    incomplete: bool,
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    chunks: u64,
}

/// Reads an answer to its end, and notes when its first piece came.
pub(crate) async fn read(
    response: Response<Incoming>,
    kind: AnswerKind,
    session: &str,
    answer: &mut Answer,
) -> Outcome {
    let (head, body) = response.into_parts();
    answer.agent_connection = agent_connection(&head.headers);
    if head.status != StatusCode::OK {
        let body = body.collect().await;
        let body = body.map(Collected::to_bytes).unwrap_or_default();
        return Outcome::Failed(refusal(head.status, &head.headers, &body));
    }
    match kind {
        AnswerKind::Stream => stream(body, session, answer).await,
        AnswerKind::Json => whole(body, session, answer).await,
    }
}

async fn whole(body: Incoming, session: &str, answer: &mut Answer) -> Outcome {
    let Ok(body) = body.collect().await else {
        return Outcome::Failed("200, then broken off".to_owned());
    };
    match serde_json::from_slice::<Whole>(&body.to_bytes()) {
        Ok(whole) if whole.session_id != session => {
            Outcome::Failed("200 of another session".to_owned())
        }
        Ok(whole) => {
            answer.pieces = whole.metadata.chunks;
            if whole.incomplete {
                Outcome::Failed("200, incomplete".to_owned())
            } else {
                Outcome::Complete
            }
        }
        Err(_) => Outcome::Failed("200 that is no reply".to_owned()),
    }
}

async fn stream(body: Incoming, session: &str, answer: &mut Answer) -> Outcome {
    let frames = BodyStream::new(body).filter_map(async |frame| {
        let data = frame.map(|frame| frame.into_data().ok());
        data.transpose()
    });
    let mut events = Box::pin(frames.eventsource());
    let mut outcome = None;
    while let Some(event) = events.next().await {
        let Ok(event) = event else { break };
        if event.data == "[DONE]" {
            let outcome = outcome.unwrap_or(Outcome::Failed("200, no end told".to_owned()));
            // The end of the body, by which the connection is free again.
            while events.next().await.is_some() {}
            return outcome;
        }
        match take(&event, session) {
            Taken::Piece => {
                answer.first.get_or_insert_with(Instant::now);
                answer.pieces += 1;
            }
            Taken::End(end) => outcome = Some(end),
            Taken::Other => {}
        }
    }
    Outcome::Failed("200, then broken off".to_owned())
}

enum Taken {
    Piece,
    End(Outcome),
    Other,
}

fn take(event: &Event, session: &str) -> Taken {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Data {
        session_id: Option<String>,
        incomplete: bool,
    }

    let data = |event: &Event| serde_json::from_str::<Data>(&event.data).unwrap_or_default();
    match event.event.as_str() {
        "message" if event.data.starts_with("{\"chunk\":") => Taken::Piece,
        "session" if data(event).session_id.as_deref() != Some(session) => {
            Taken::End(Outcome::Failed("200 of another session".to_owned()))
        }
        "complete" if data(event).incomplete => {
            Taken::End(Outcome::Failed("200, incomplete".to_owned()))
        }
        "complete" => Taken::End(Outcome::Complete),
        "error" => {
            let error: Refusal = serde_json::from_str(&event.data).unwrap_or_default();
            Taken::End(Outcome::Failed(format!("200, then {error}")))
        }
        _ => Taken::Other,
    }
}

/// The name of an answer that is an error: its status, its code, and who says so. What AWS says in
/// front of the function has a type of its own in a header; what the bridge says has a phase.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let error: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let by = headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok());
    let by = by.map_or(String::new(), |name| {
        format!(" [{}]", name.split(':').next().unwrap_or(name))
    });
    let error = error.to_string();
    let space = if error.is_empty() { "" } else { " " };
    format!("{}{space}{error}{by}", status.as_u16())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.as_deref().unwrap_or_default())?;
        match &self.details.phase {
            Some(phase) => write!(f, " in {phase}"),
            None => Ok(()),
        }
    }
}

fn agent_connection(headers: &HeaderMap) -> Option<Duration> {
    let timing = headers.get("server-timing")?.to_str().ok()?;
    let connect = timing
        .split(',')
        .find_map(|one| one.trim().strip_prefix("connect;dur="))?;
    let ms: f64 = connect.parse().ok()?;
    Duration::try_from_secs_f64(ms / 1000.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(status: u16, by: Option<&'static str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        if let Some(by) = by {
            headers.insert("x-amzn-errortype", by.parse().unwrap());
        }
        refusal(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
        )
    }

    #[test]
    fn a_refusal_is_named_by_who_refused() {
        let ours = r#"{"error":"RateLimitError","message":"m","details":{"retryable":true}}"#;
        assert_eq!(named(429, None, ours), "429 RateLimitError");
        let gateway = "429 RateLimitError [TooManyRequestsException]";
        assert_eq!(named(429, Some("TooManyRequestsException"), ours), gateway);
        let lambda = r#"{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}"#;
        let type_with_address = Some("TooManyRequestsException:http://internal.amazon.com/");
        assert_eq!(
            named(429, type_with_address, lambda),
            "429 [TooManyRequestsException]"
        );
        let agentcore = r#"{"error":"ServiceUnavailableError","details":{"phase":"handshake"}}"#;
        assert_eq!(
            named(503, None, agentcore),
            "503 ServiceUnavailableError in handshake"
        );
        assert_eq!(named(502, None, "<html>"), "502");
    }

    #[test]
    fn the_connection_to_the_agent_is_that_of_server_timing() {
        let mut headers = HeaderMap::new();
        let timing = "sign;dur=0.042, connect;dur=17, first;dur=320";
        headers.insert("server-timing", timing.parse().unwrap());
        assert_eq!(agent_connection(&headers), Some(Duration::from_millis(17)));
        assert_eq!(agent_connection(&HeaderMap::new()), None);
    }
}
