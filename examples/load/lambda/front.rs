//! The function URL: requests as events, and responses as answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::environments::{Environments, Outcome, Throttled};

/// The largest event that Lambda takes.
const MAX_BODY_BYTES: usize = 6 << 20;

/// What is between the prelude of a streamed response and its body.
const DELIMITER: [u8; 8] = [0; 8];

pub(super) fn router(environments: Arc<Environments>) -> Router {
    Router::new().fallback(invoke).with_state(environments)
}

async fn invoke(State(environments): State<Arc<Environments>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let event = event(&parts, &body).to_string();
    // A task of its own: a buffered invocation goes on where its caller has gone.
    let invoked = tokio::spawn(async move { environments.invoke(event.into()).await });
    let (outcome, running) = match invoked.await {
        Ok(Ok(invoked)) => invoked,
        Ok(Err(Throttled)) => return throttled(),
        Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
    };
    let answer = match outcome {
        Outcome::Whole(whole) => rendered(&whole),
        Outcome::Stream(body, left) => streamed(body, (left, running)).await,
        Outcome::Failed => None,
    };
    answer.unwrap_or_else(|| (StatusCode::BAD_GATEWAY, "Internal Server Error").into_response())
}

/// What a function URL says where there is no environment to be had.
fn throttled() -> Response {
    let body = json!({
        "Reason": "ConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    });
    let headers = [
        ("content-type", "application/json"),
        ("x-amzn-errortype", "TooManyRequestsException"),
    ];
    (StatusCode::TOO_MANY_REQUESTS, headers, body.to_string()).into_response()
}

/// A request as an event of a function URL.
fn event(parts: &Parts, body: &[u8]) -> Value {
    let mut headers = BTreeMap::<&str, String>::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let all = headers.entry(name.as_str()).or_default();
        let comma = if all.is_empty() { "" } else { "," };
        *all = format!("{all}{comma}{value}");
    }
    let (body, encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "domainName": headers.get("host"),
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
            },
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": encoded,
    })
}

/// The head of a response, and its body where it is not streamed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Head {
    fn into_response(self, body: Body) -> Option<Response> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status_code).ok()?;
        set(response.headers_mut(), self.headers)?;
        Some(response)
    }
}

fn set(headers: &mut HeaderMap, from: BTreeMap<String, Value>) -> Option<()> {
    for (name, value) in from {
        let name = HeaderName::try_from(name).ok()?;
        let values = match value {
            Value::Array(several) => several,
            one => vec![one],
        };
        for value in values {
            headers.append(&name, HeaderValue::from_str(value.as_str()?).ok()?);
        }
    }
    Some(())
}

fn rendered(whole: &[u8]) -> Option<Response> {
    let mut head: Head = serde_json::from_slice(whole).ok()?;
    let body = std::mem::take(&mut head.body);
    let body = if head.is_base64_encoded {
        Body::from(STANDARD.decode(body).ok()?)
    } else {
        Body::from(body)
    };
    head.into_response(body)
}

/// A streamed response, whose body keeps something for as long as it is being sent.
async fn streamed<K: Send + 'static>(mut body: Body, keeps: K) -> Option<Response> {
    let mut begun = BytesMut::new();
    let end = loop {
        if let Some(at) = begun.windows(8).position(|window| window == DELIMITER) {
            break at;
        }
        begun.extend_from_slice(&body.frame().await?.ok()?.into_data().ok()?);
    };
    let rest = begun.split_off(end + DELIMITER.len()).freeze();
    let head: Head = serde_json::from_slice(&begun[..end]).ok()?;
    let first =
        futures_util::stream::iter((!rest.is_empty()).then_some(Ok::<Bytes, axum::Error>(rest)));
    let kept = first.chain(body.into_data_stream()).map(move |part| {
        let _ = &keeps;
        part
    });
    head.into_response(Body::from_stream(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(request: Request<()>) -> Parts {
        request.into_parts().0
    }

    #[test]
    fn a_request_becomes_the_event_of_a_function_url() {
        let request = Request::post("/a/b?c=d%20e")
            .header("host", "h")
            .header("accept", "a")
            .header("accept", "b");
        let event = event(&parts(request.body(()).unwrap()), b"{}");
        assert_eq!(event["rawPath"], "/a/b");
        assert_eq!(event["rawQueryString"], "c=d%20e");
        assert_eq!(event["headers"], json!({ "host": "h", "accept": "a,b" }));
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("{}"), &json!(false))
        );
    }

    #[test]
    fn a_body_that_is_no_text_is_encoded() {
        let event = event(&parts(Request::post("/").body(()).unwrap()), &[0xff]);
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("/w=="), &json!(true))
        );
    }

    #[tokio::test]
    async fn a_streamed_response_may_be_cut_anywhere() {
        let whole = b"{\"statusCode\":201,\"headers\":{\"x-a\":[\"b\",\"c\"]},\"cookies\":[]}\0\0\0\0\0\0\0\0text";
        for size in 1..whole.len() {
            let parts: Vec<_> = whole
                .chunks(size)
                .map(|part| Ok::<_, axum::Error>(Bytes::copy_from_slice(part)))
                .collect();
            let body = Body::from_stream(futures_util::stream::iter(parts));
            let response = streamed(body, ()).await.unwrap();
            assert_eq!(response.status(), 201);
            assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "text");
        }
    }
}
