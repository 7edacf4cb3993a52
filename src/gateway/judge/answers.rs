//! Rendered responses against those of `lambda_http`.

use std::convert::Infallible;

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Context, LambdaEvent, Service, service_fn};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::captured;
use crate::gateway::{Event, Gateway, render};

/// Asserts that both render a response alike, for each gateway.
fn assert_rendered_as_by_lambda_http(response: &Response<Vec<u8>>) {
    for (name, gateway) in [
        ("rest-api", Gateway::Rest),
        ("http-api-payload-1", Gateway::Rest),
        ("http-api", Gateway::Http),
        ("function-url", Gateway::Http),
        ("alb", Gateway::LoadBalancer),
        ("alb-multi-value", Gateway::LoadBalancer),
    ] {
        let event = captured(name);
        assert_eq!(Event::read(event.as_bytes()).unwrap().gateway, gateway);
        let event: LambdaRequest = serde_json::from_str(&event).unwrap();
        let handler = service_fn(async |_: lambda_http::Request| {
            let (parts, body) = response.clone().into_parts();
            let body = match String::from_utf8(body) {
                Ok(text) => Body::from(text),
                Err(error) => Body::from(error.into_bytes()),
            };
            Ok::<_, Infallible>(Response::from_parts(parts, body))
        });
        let event = LambdaEvent::new(event, Context::default());
        let written = Adapter::from(handler).call(event).now_or_never().unwrap();
        let written = serde_json::to_value(written.unwrap()).unwrap();

        let (parts, body) = response.clone().into_parts();
        let ours: Value = serde_json::from_slice(&render(Some(gateway), &parts, &body)).unwrap();
        assert_eq!(ours, written, "{name}");
    }
}

#[test]
fn responses_are_rendered_as_by_lambda_http() {
    for (status, content_type, body) in [
        (
            200,
            Some("application/json"),
            r#"{"response":"\"é\u2028\n"}"#.as_bytes(),
        ),
        (
            200,
            Some("text/event-stream; charset=utf-8"),
            b"data: [DONE]\n\n",
        ),
        (204, None, b""),
        (404, Some("application/json"), b""),
        (599, Some("application/octet-stream"), b"\xff\0"),
    ] {
        let mut response = Response::new(body.to_vec());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let headers = response.headers_mut();
        for (name, value) in [
            ("vary", "origin"),
            ("vary", "accept"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("x-quoted", "\"\\"),
            ("x-utf-8", "é"),
        ] {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        if let Some(content_type) = content_type {
            headers.insert("content-type", HeaderValue::from_static(content_type));
        }
        assert_rendered_as_by_lambda_http(&response);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn generated_responses_are_rendered_as_by_lambda_http(
        status in 200..600_u16,
        headers in proptest::collection::vec(("[a-z][a-z-]{0,3}|set-cookie", "[ -~]{0,8}"), 0..5),
        content_type in select(vec!["application/json", "text/event-stream; charset=utf-8"]),
        body in any::<String>(),
    ) {
        // The library drops a byte order mark. No response of ours begins with one.
        let mut response = Response::new(format!(" {body}").into_bytes());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            response.headers_mut().append(name, HeaderValue::from_str(&value).unwrap());
        }
        response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        assert_rendered_as_by_lambda_http(&response);
    }
}

#[test]
fn without_a_gateway_the_form_is_one_that_all_accept() {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
        .headers_mut()
        .insert("x-a", HeaderValue::from_static("b"));
    let (parts, ()) = response.into_parts();
    let response: Value = serde_json::from_slice(&render(None, &parts, b"text")).unwrap();
    let expected = serde_json::json!({
        "statusCode": 400,
        "headers": { "x-a": "b" },
        "multiValueHeaders": {},
        "isBase64Encoded": false,
        "body": "text",
    });
    assert_eq!(response, expected);
}
