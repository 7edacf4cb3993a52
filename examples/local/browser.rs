//! Requests that a browser sends for pages of other sites, to the local run on a real port.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

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
            mode: "emulator",
            own_agents: None,
            emulator: None,
            base_path: Some("/base".to_owned()),
        };
        tokio::spawn(async move { axum::serve(listener, router(api, guard, page)).await });
        Self { emulator, address }
    }

    /// Sends a request with exactly these headers. Returns the status.
    async fn post(&self, headers: &str) -> u16 {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers = headers.replace("PORT", &self.address.port().to_string());
        let length = INVOCATION.len();
        let request = format!(
            "POST /api/agents/invoke HTTP/1.1\r\n{}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{INVOCATION}",
            headers.replace('\n', "\r\n")
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn invocations(&self) -> usize {
        self.emulator.connections().len()
    }
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
