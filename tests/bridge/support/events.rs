//! Creates events of gateways.

use serde_json::{Value, json};

/// An event of a REST API, as in its documentation.
pub(crate) fn rest_event(method: &str, path: &str, body: Option<&str>) -> Value {
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": { "Host": "abc.execute-api.us-east-1.amazonaws.com", "Accept": "*/*" },
        "multiValueHeaders": { "Host": ["abc.execute-api.us-east-1.amazonaws.com"] },
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": { "proxy": path.trim_start_matches('/') },
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "httpMethod": method,
            "identity": { "sourceIp": "192.0.2.1" },
            "path": format!("/prod{path}"),
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// An event of an HTTP API or a function URL, as in their documentation.
pub(crate) fn http_event(method: &str, path: &str, query: &str, body: Option<&str>) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "host": "abc.lambda-url.us-east-1.on.aws", "x-forwarded-proto": "https" },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.lambda-url.us-east-1.on.aws",
            "domainPrefix": "abc",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1_583_348_638_390_i64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// An event of an Application Load Balancer, as in its documentation.
pub(crate) fn alb_event(method: &str, path: &str) -> Value {
    json!({
        "requestContext": {
            "elb": {
                "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/bridge/49e9d65c45c6791a",
            },
        },
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": { "host": "bridge.example.com", "x-forwarded-proto": "http" },
        "body": "",
        "isBase64Encoded": false,
    })
}

pub(crate) fn said(prompt: &str) -> String {
    json!({ "agentId": "test", "prompt": prompt }).to_string()
}

/// A captured event with these fields in its request context.
pub(crate) fn event(name: &str, context: &Value) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");
    let event = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
    let mut event: Value = serde_json::from_str(&event).unwrap();
    for (name, value) in context.as_object().unwrap() {
        event["requestContext"][name] = value.clone();
    }
    event
}

/// Changes the method and path of an event.
pub(crate) fn at(mut event: Value, method: &str, path: &str) -> Value {
    if event.get("rawPath").is_some() {
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["method"] = method.into();
        event["requestContext"]["http"]["path"] = path.into();
    } else {
        event["path"] = path.into();
        event["httpMethod"] = method.into();
        event["requestContext"]["httpMethod"] = method.into();
    }
    event
}

/// Changes the body of an event.
pub(crate) fn saying(mut event: Value, body: &Value) -> Value {
    event["body"] = body.to_string().into();
    event
}
