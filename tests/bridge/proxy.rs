//! Connections through an HTTP proxy.

use std::sync::{Arc, Mutex};

use agentcore_emulator::Agent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{ARN, Bridge, Function, answered, rest_event, said, variables};
use crate::tls::{Secured, secured};

/// A proxy that knows `CONNECT`, and what it was asked for, head by head.
struct Proxy {
    authority: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that serves those who name these credentials, or everybody.
    async fn start(credentials: Option<&str>) -> Self {
        let wanted = credentials.map(|credentials| {
            format!(
                "Proxy-Authorization: Basic {}",
                STANDARD.encode(credentials)
            )
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, wanted.clone(), Arc::clone(&log)));
            }
        });
        Self { authority, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The first line of each request.
    fn targets(&self) -> Vec<String> {
        let first = |head: &String| head.lines().next().unwrap().to_owned();
        self.asked().iter().map(first).collect()
    }
}

async fn serve(mut stream: TcpStream, wanted: Option<String>, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap() == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let is_let_in = wanted.is_none_or(|line| head.lines().any(|own| own == line));
    let target = head.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(head);
    let refusal = if !is_let_in {
        "407 Proxy Authentication Required"
    } else if let Ok(mut there) = TcpStream::connect(&target).await {
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
            .unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut there).await;
        return;
    } else {
        "502 Bad Gateway"
    };
    let answer = format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Variables for an endpoint with TLS behind a proxy.
fn through<'a>(secured: &'a Secured, proxy: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", &secured.endpoint),
        ("SSL_CERT_FILE", secured.certificate.to_str().unwrap()),
        ("RETRY_MAX_RETRIES", "1"),
        ("HTTPS_PROXY", proxy),
    ]
}

fn connect_line(endpoint: &str) -> String {
    format!(
        "CONNECT {} HTTP/1.1",
        endpoint.strip_prefix("https://").unwrap()
    )
}

#[tokio::test]
async fn an_agent_is_invoked_through_a_proxy() {
    let secured = secured("localhost").await;
    for (credentials, user_info) in [(None, ""), (Some("us er:p@ss"), "us%20er:p%40ss@")] {
        let proxy = Proxy::start(credentials).await;
        let url = format!("http://{user_info}{}", proxy.authority);
        let bridge = Bridge::configured(Agent::echo(), &through(&secured, &url)).await;
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        assert_eq!(proxy.targets(), [connect_line(&secured.endpoint)]);
        let named = proxy.asked()[0].contains("Proxy-Authorization");
        assert_eq!(named, credentials.is_some());
    }
    let connections = secured.emulator.connections();
    assert_eq!(connections.len(), 2);
    for connection in connections {
        assert_eq!(connection.header("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_a_503() {
    let secured = secured("localhost").await;
    let proxy = Proxy::start(Some("user:password")).await;
    let wrong = format!("http://user:MARKER@{}", proxy.authority);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let absent = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for url in [&wrong, &absent] {
        let bridge = Bridge::configured(Agent::echo(), &through(&secured, url)).await;
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
        let told = answer.json();
        assert_eq!(told["error"], "ServiceUnavailableError");
        assert_eq!(told["details"]["phase"], "connect");
        assert_eq!(told["details"]["retryable"], true);
        assert!(!answer.text.contains("127.0.0.1"), "{answer:?}");
    }
    assert_eq!(proxy.asked().len(), 2, "an attempt and its retry");
    assert!(secured.emulator.connections().is_empty());
}

#[tokio::test]
async fn what_is_excepted_and_what_has_no_tls_goes_without_the_proxy() {
    let secured = secured("localhost").await;
    let proxy = Proxy::start(None).await;
    let url = format!("http://{}", proxy.authority);
    for exceptions in ["localhost", "other.example, .localhost", "*"] {
        let mut variables = through(&secured, &url);
        variables.push(("NO_PROXY", exceptions));
        let bridge = Bridge::configured(Agent::echo(), &variables).await;
        assert_eq!(bridge.say("Hi").await.status.as_u16(), 200, "{exceptions}");
    }
    let plain = Bridge::configured(Agent::echo(), &[("https_proxy", &url)]).await;
    assert_eq!(plain.say("Hi").await.status.as_u16(), 200);
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn the_control_plane_is_asked_through_it_too() {
    let secured = secured("localhost").await;
    secured.emulator.register(ARN, Agent::echo());
    let proxy = Proxy::start(None).await;
    let url = format!("http://{}", proxy.authority);
    let mut variables = through(&secured, &url);
    variables.push((
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        &secured.endpoint,
    ));
    let bridge = Bridge::configured(Agent::echo(), &variables).await;
    let request = Request::get("/api/agents/test/status");
    let answer = bridge.send(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(answer.json()["status"], "available", "{answer:?}");
    assert_eq!(proxy.targets(), [connect_line(&secured.endpoint)]);
}

/// Where connections would go that are not let out of this machine.
#[tokio::test]
async fn the_public_endpoints_are_those_that_are_chosen() {
    for (fips, dual_stack, host) in [
        ("", "", "bedrock-agentcore{}.us-east-1.amazonaws.com"),
        (
            "true",
            "",
            "bedrock-agentcore{}-fips.us-east-1.amazonaws.com",
        ),
        ("false", "true", "bedrock-agentcore{}.us-east-1.api.aws"),
        ("true", "true", "bedrock-agentcore{}-fips.us-east-1.api.aws"),
    ] {
        let proxy = Proxy::start(Some("nobody:knows")).await;
        let url = format!("http://{}", proxy.authority);
        let bridge = Bridge::configured(
            Agent::echo(),
            &[
                ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", ""),
                ("RETRY_MAX_RETRIES", "0"),
                ("HTTPS_PROXY", &url),
                ("AWS_USE_FIPS_ENDPOINT", fips),
                ("AWS_USE_DUALSTACK_ENDPOINT", dual_stack),
            ],
        )
        .await;
        assert_eq!(bridge.say("Hi").await.status.as_u16(), 503);
        for request in [
            Request::get("/api/agents/test/status"),
            Request::delete("/api/agents/test/sessions/mine"),
        ] {
            bridge.send(request.body(Bytes::new()).unwrap()).await;
        }
        let connect = |plane| format!("CONNECT {}:443 HTTP/1.1", host.replace("{}", plane));
        let expected = [connect(""), connect("-control"), connect("")];
        assert_eq!(proxy.targets(), expected);
    }
}

#[tokio::test]
async fn a_password_of_the_proxys_is_in_no_log() {
    let secured = secured("localhost").await;
    let proxy = Proxy::start(None).await;
    let refusing = Proxy::start(Some("user:other")).await;
    let encoded = STANDARD.encode("user:MARKER");
    for authority in [&proxy.authority, &refusing.authority] {
        let url = format!("http://user:MARKER@{authority}");
        let mut more = through(&secured, &url);
        more.push(("LOG_LEVEL", "trace"));
        let function = Function::start(variables(&secured.emulator, &more)).await;
        let event = rest_event("POST", "/api/agents/invoke", Some(&said("Hi")));
        let (status, _) = answered(function.invoke(&event).await);
        assert_eq!(status == 200, authority == &proxy.authority);
        let ended = function.stop().await;
        let log = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!log.contains("MARKER") && !log.contains(&encoded), "{log}");
        let tells = log.contains("the proxy answered with status 407");
        assert_eq!(tells, status != 200, "{log}");
    }
}
