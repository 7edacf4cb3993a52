//! Requests that a browser sends for pages of other sites, to the local run on a real port.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use std::net::SocketAddr;

use agentcore_emulator::Emulator;

use super::*;
use crate::behind::emulator;

const INVOCATION: &str = r#"{"agentId":"echo","prompt":"Hello there"}"#;

/// The local run with its emulator.
struct Local {
    emulator: Emulator,
    address: SocketAddr,
}

impl Local {
    async fn start(named: AllowedOrigins) -> Self {
        let mut variables = BTreeMap::new();
        let emulator = emulator(&mut variables).await.unwrap();
        let env: Environment = variables.into_iter().collect();
        let config = Config::from_env(&env).unwrap();
        let api = bridge::api(&config, &env, None, now).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let guard = Guard {
            named,
            trusts_own_pages: false,
        };
        let page = Page {
            turns: Turns::default(),
            exposed_steps: None,
            mode: "emulator",
            own_agents: None,
            emulator: None,
            base_path: Some("/base".to_owned()),
        };
        tokio::spawn(async move { axum::serve(listener, router(api, guard, page)).await });
        Self { emulator, address }
    }

    /// Sends a prompt with exactly these headers. Returns the status.
    async fn post(&self, headers: &str) -> u16 {
        let answer = self.send("POST /api/agents/invoke", headers, INVOCATION);
        status_of(&answer.await)
    }

    /// Sends a request with exactly these headers. Returns the whole answer.
    async fn send(&self, asked: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers = headers.replace("PORT", &self.address.port().to_string());
        let length = body.len();
        let request = format!(
            "{asked} HTTP/1.1\r\n{}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}",
            headers.replace('\n', "\r\n")
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn invocations(&self) -> usize {
        self.emulator.connections().len()
    }
}

fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_page_of_another_site_cannot_invoke_an_agent() {
    let local = Local::start(AllowedOrigins::None).await;
    for headers in [
        // Text and forms are sent without a preflight.
        "Host: 127.0.0.1:PORT\nOrigin: https://evil.example\nSec-Fetch-Site: cross-site\n\
         Sec-Fetch-Mode: no-cors\nContent-Type: text/plain;charset=UTF-8\n",
        "Host: localhost:PORT\nOrigin: https://evil.example\nSec-Fetch-Site: cross-site\n\
         Sec-Fetch-Mode: navigate\nContent-Type: application/x-www-form-urlencoded\n",
        // From a sandboxed frame, or a file.
        "Host: localhost:PORT\nOrigin: null\nContent-Type: text/plain\n",
        // An old browser does not send `Sec-Fetch-Site`.
        "Host: localhost:PORT\nOrigin: https://evil.example\nContent-Type: text/plain\n",
        // DNS rebinding: the browser considers it the page's own site.
        "Host: evil.example:PORT\nOrigin: http://evil.example:PORT\nSec-Fetch-Site: same-origin\n\
         Content-Type: application/json\n",
        "Host: evil.example:PORT\nContent-Type: application/json\n",
    ] {
        assert_eq!(local.post(headers).await, 403, "{headers}");
    }
    assert_eq!(local.invocations(), 0);
}

#[tokio::test]
async fn requests_of_this_machine_are_served() {
    let local = Local::start(AllowedOrigins::None).await;
    let of_the_user = [
        // curl.
        "Host: 127.0.0.1:PORT\nUser-Agent: curl/8.5.0\nAccept: */*\n",
        // A page served by the local run itself.
        "Host: localhost:PORT\nOrigin: http://localhost:PORT\nSec-Fetch-Site: same-origin\n",
        // Development servers that proxy, with and without changing the Host.
        "Host: localhost:5173\nOrigin: http://localhost:5173\nSec-Fetch-Site: same-origin\n",
        "Host: 127.0.0.1:PORT\nOrigin: http://localhost:5173\nSec-Fetch-Site: same-origin\n",
    ];
    for headers in of_the_user {
        assert_eq!(local.post(headers).await, 200, "{headers}");
    }
    assert_eq!(local.invocations(), of_the_user.len());
}

#[tokio::test]
async fn a_configured_origin_may_be_of_another_site() {
    let origins = vec!["https://app.example".to_owned()];
    let local = Local::start(AllowedOrigins::Listed(origins)).await;
    let from = |host: &str, origin: &str| {
        format!("Host: {host}:PORT\nOrigin: {origin}\nSec-Fetch-Site: cross-site\n")
    };
    for (host, origin, expected) in [
        ("127.0.0.1", "https://app.example", 200),
        ("127.0.0.1", "https://evil.example", 403),
        ("app.example", "https://app.example", 403),
    ] {
        assert_eq!(
            local.post(&from(host, origin)).await,
            expected,
            "{host} {origin}"
        );
    }
    assert_eq!(local.invocations(), 1);
}

#[tokio::test]
async fn links_of_other_sites_lead_to_the_page_and_to_nothing_that_it_knows() {
    let local = Local::start(AllowedOrigins::None).await;
    let from_a_link =
        "Host: localhost:PORT\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\n";
    let rebound = "Host: evil.example:PORT\nSec-Fetch-Site: same-origin\n";
    let own = "Host: localhost:PORT\nSec-Fetch-Site: same-origin\n";
    for (path, of_link, of_own) in [
        ("/", 200, 200),
        ("/agents-client.js", 200, 200),
        ("/base/", 200, 200),
        ("/base", 308, 308),
        ("/local/info", 403, 200),
        ("/base/local/info", 403, 200),
        ("/local/turns/turn-1", 403, 0),
        ("/local/turns/a%2Fb", 403, 404),
        ("/local/nothing", 403, 404),
        ("/nothing.js", 403, 404),
    ] {
        let asked = format!("GET {path}");
        assert_eq!(
            status_of(&local.send(&asked, from_a_link, "").await),
            of_link,
            "{path}"
        );
        assert_eq!(
            status_of(&local.send(&asked, rebound, "").await),
            403,
            "{path}"
        );
        // The events of a turn that has not begun are waited for.
        if of_own != 0 {
            assert_eq!(
                status_of(&local.send(&asked, own, "").await),
                of_own,
                "{path}"
            );
        }
    }
    let answer = local.send("HEAD /", own, "").await;
    assert!(answer.contains("content-security-policy: default-src 'none'; script-src 'self'"));
    assert!(answer.ends_with("\r\n\r\n"), "no body");
    assert_eq!(status_of(&local.send("POST /", own, "").await), 404);
}

#[tokio::test]
async fn what_happens_in_a_turn_that_was_named_is_told_and_ends() {
    let local = Local::start(AllowedOrigins::None).await;
    let own = "Host: localhost:PORT\n";
    let named = format!("{own}x-local-turn: turn-1\n");
    local
        .send("POST /api/agents/invoke", &named, INVOCATION)
        .await;
    let events = local.send("GET /local/turns/turn-1", own, "").await;
    let kinds: Vec<_> = events
        .lines()
        .filter_map(|line| {
            let event: serde_json::Value =
                serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
            event["kind"].as_str().map(str::to_owned)
        })
        .collect();
    let expected = [
        "connected",
        "open",
        "sent",
        "message",
        "message",
        "message",
        "message",
        "over",
    ];
    assert_eq!(kinds, expected, "{events}");
    assert!(events.contains("event: over"));
    // A request that is refused has no events, and an end all the same.
    let named = format!("{own}x-local-turn: turn-2\n");
    local.send("POST /api/agents/invoke", &named, "{}").await;
    let events = local.send("GET /local/turns/turn-2", own, "").await;
    assert!(
        events.contains("event: over") && !events.contains("kind"),
        "{events}"
    );
}
