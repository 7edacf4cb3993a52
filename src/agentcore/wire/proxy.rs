//! An HTTP proxy between us and the service, by `CONNECT` (RFC 9110, section 9.3.6).

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use tokio::io::AsyncWriteExt;
use url::Url;
use zeroize::Zeroizing;

use super::connect::Transport;
use super::endpoint::Endpoint;
use super::handshake::{HandshakeError, USER_AGENT, read_answer};
use super::no_proxy::Exceptions;
use crate::env::{ConfigError, Environment};
use crate::secret::Secret;

const ACCEPTED: &str = "a URL such as http://proxy.example.com:3128";

/// A proxy, and what goes without it.
#[derive(Clone)]
pub struct Proxy {
    endpoint: Endpoint,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Secret>,
    exceptions: Exceptions,
}

/// A proxy led nowhere. Nothing here says where it is.
#[derive(Debug, thiserror::Error)]
enum ProxyError {
    #[error("the proxy could not be reached")]
    Unreachable(#[source] io::Error),
    #[error("the proxy answered with status {0}")]
    Refused(u16),
    #[error("the proxy gave no answer")]
    Unanswered(#[source] io::Error),
    #[error("the proxy gave {0}")]
    Violation(&'static str),
}

impl From<ProxyError> for io::Error {
    fn from(error: ProxyError) -> Self {
        Self::other(error)
    }
}

/// What a proxy that could not be reached is reported as.
pub(super) fn unreachable(error: io::Error) -> io::Error {
    ProxyError::Unreachable(error).into()
}

impl Proxy {
    /// Reads `HTTPS_PROXY` and `NO_PROXY`.
    ///
    /// # Errors
    /// [`ConfigError`] where one is not accepted. It does not repeat the value, which may hold a
    /// password.
    pub fn from_env(env: &Environment) -> Result<Option<Self>, ConfigError> {
        let exceptions = match env.get_in_either_case("NO_PROXY") {
            None => Exceptions::default(),
            Some((name, value)) => Exceptions::parse(value).map_err(|problem| {
                let accepted = "hosts, domains, addresses and networks, separated by commas, or *";
                ConfigError::new(&name, problem, accepted)
            })?,
        };
        let Some((name, value)) = env.get_in_either_case("HTTPS_PROXY") else {
            return Ok(None);
        };
        let proxy = Self::parse(value.trim(), exceptions);
        proxy
            .map(Some)
            .map_err(|problem| ConfigError::new(&name, problem, ACCEPTED))
    }

    fn parse(text: &str, exceptions: Exceptions) -> Result<Self, &'static str> {
        // `proxy:3128` is what many write; a scheme is what is missing.
        let completed = format!("http://{text}");
        let text = if text.contains("://") {
            text
        } else {
            &completed
        };
        let url = Url::parse(text).map_err(|_| "it is not a URL with a host")?;
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err("its scheme is not http or https"),
        };
        let host = url.host_str().ok_or("it is not a URL with a host")?;
        let port = url.port_or_known_default().ok_or("it has no port")?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("it holds a path, a query or a fragment");
        }
        Ok(Self {
            endpoint: Endpoint::new(secure, host.to_owned(), port, ""),
            authorization: authorization(&url),
            exceptions,
        })
    }

    /// Where the proxy is.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether a connection to an endpoint goes through the proxy. One without TLS never does: it leads
    /// to this machine, or to a link-local address that gives credentials.
    pub(super) fn serves(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_secure() && !self.exceptions.contain(endpoint.host(), endpoint.port())
    }

    /// Asks the proxy, over a connection to it, for one to an endpoint, which the transport then is.
    pub(super) async fn tunnel<T: Transport>(
        &self,
        transport: &mut T,
        endpoint: &Endpoint,
    ) -> io::Result<()> {
        let exchange = async {
            transport.write_all(&self.request(endpoint)).await?;
            transport.flush().await?;
            read_answer(transport).await
        };
        let (answer, behind) = exchange.await.map_err(|error| match error {
            HandshakeError::Lost(cause) => ProxyError::Unanswered(cause),
            HandshakeError::Violation(what) => ProxyError::Violation(what),
            HandshakeError::Refused(refused) => ProxyError::Refused(refused.status),
        })?;
        if !(200..300).contains(&answer.status) {
            return Err(ProxyError::Refused(answer.status).into());
        }
        // The peer says nothing before we do: whatever this is, it is not the peer's.
        if !behind.is_empty() {
            return Err(ProxyError::Violation("more than its answer").into());
        }
        Ok(())
    }

    fn request(&self, endpoint: &Endpoint) -> Zeroizing<Vec<u8>> {
        let target = endpoint.host_and_port();
        let mut request = Zeroizing::new(Vec::with_capacity(1_024));
        let mut push = |part: &[u8]| request.extend_from_slice(part);
        for part in ["CONNECT ", &target, " HTTP/1.1\r\nHost: ", &target] {
            push(part.as_bytes());
        }
        for part in ["\r\nUser-Agent: ", USER_AGENT, "\r\n"] {
            push(part.as_bytes());
        }
        if let Some(authorization) = &self.authorization {
            for part in [b"Proxy-Authorization: ", authorization.expose(), b"\r\n"] {
                push(part);
            }
        }
        push(b"\r\n");
        request
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// User info as Basic authorization (RFC 7617).
fn authorization(url: &Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| Zeroizing::new(percent_decode_str(text).collect::<Vec<u8>>());
    let mut credentials = decoded(url.username());
    credentials.reserve_exact(1 + url.password().map_or(0, str::len));
    credentials.push(b':');
    credentials.extend_from_slice(&decoded(url.password().unwrap_or_default()));
    let encoded = Zeroizing::new(STANDARD.encode(&*credentials));
    Some(Secret::new(format!("Basic {}", encoded.as_str())))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    fn proxy(variables: &[(&str, &str)]) -> Result<Option<Proxy>, ConfigError> {
        let own = variables
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Proxy::from_env(&own.collect())
    }

    fn endpoint(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap()
    }

    #[test]
    fn the_forms_that_people_write_are_read() {
        for (text, secure, host, port) in [
            (
                "http://proxy.example.com:3128",
                false,
                "proxy.example.com",
                3128,
            ),
            ("http://proxy.example.com/", false, "proxy.example.com", 80),
            ("proxy.example.com:3128", false, "proxy.example.com", 3128),
            ("https://proxy.example.com", true, "proxy.example.com", 443),
            ("http://u:p@[::1]:9", false, "::1", 9),
            (" 10.0.0.1:8080 ", false, "10.0.0.1", 8080),
        ] {
            let proxy = proxy(&[("HTTPS_PROXY", text)]).unwrap().unwrap();
            let got = proxy.endpoint();
            assert_eq!(
                (got.is_secure(), got.host(), got.port()),
                (secure, host, port)
            );
        }
        assert!(proxy(&[]).unwrap().is_none());
        let both = [
            ("HTTPS_PROXY", "http://upper"),
            ("https_proxy", "http://lower"),
        ];
        let lower = proxy(&both).unwrap().unwrap();
        assert_eq!(lower.endpoint().host(), "lower");
        let no_proxy = [
            ("https_proxy", "http://p"),
            ("no_proxy", "*"),
            ("NO_PROXY", "x"),
        ];
        let proxy = proxy(&no_proxy).unwrap().unwrap();
        assert!(!proxy.serves(&endpoint("https://example.com")));
    }

    #[test]
    fn what_is_no_proxy_is_told_without_its_password() {
        for (variable, value) in [
            ("HTTPS_PROXY", "socks5://user:MARKER@proxy:1080"),
            ("https_proxy", "http://user:MARKER@"),
            ("HTTPS_PROXY", "http://user:MARKER@proxy/path"),
            ("HTTPS_PROXY", "http://user:MARKER@proxy:99999"),
        ] {
            let error = proxy(&[(variable, value)]).unwrap_err();
            assert_eq!(error.variable, variable);
            assert!(!error.to_string().contains("MARKER"), "{error}");
        }
        for variable in ["NO_PROXY", "no_proxy"] {
            let error = proxy(&[(variable, "10.0.0.0/33")]).unwrap_err();
            assert_eq!(error.variable, variable);
        }
    }

    #[test]
    fn a_connection_without_tls_goes_without_it() {
        let proxy = proxy(&[("HTTPS_PROXY", "http://proxy")]).unwrap().unwrap();
        assert!(proxy.serves(&endpoint("https://example.com")));
        assert!(proxy.serves(&endpoint("wss://localhost:8443")));
        assert!(!proxy.serves(&endpoint("http://localhost")));
        let credentials = "http://169.254.170.2/v2".parse().unwrap();
        assert!(!proxy.serves(&Endpoint::of_uri(&credentials).unwrap()));
    }

    #[test]
    fn its_password_is_not_shown() {
        let proxy = proxy(&[("HTTPS_PROXY", "http://user:MARKER@proxy")]).unwrap();
        let shown = format!("{proxy:?}");
        assert!(
            !shown.contains("MARKER") && !shown.contains("user"),
            "{shown}"
        );
    }

    /// What comes of an answer of the proxy's, and what it was asked.
    async fn tunnelled(proxy_url: &str, answer: &str) -> (io::Result<()>, String) {
        let proxy = proxy(&[("HTTPS_PROXY", proxy_url)]).unwrap().unwrap();
        let (mut ours, mut theirs) = duplex(1 << 20);
        let endpoint = endpoint("https://[::1]/x");
        let peer = async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                theirs.read_buf(&mut request).await.unwrap();
            }
            theirs.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        };
        tokio::join!(proxy.tunnel(&mut ours, &endpoint), peer)
    }

    #[tokio::test]
    async fn it_is_asked_for_the_endpoint_with_what_the_url_says_of_the_user() {
        let ok = "HTTP/1.1 200 Connection established\r\n\r\n";
        let (outcome, request) = tunnelled("http://us%65r:p%40ss:w@proxy", ok).await;
        outcome.unwrap();
        let lines: Vec<_> = request.lines().collect();
        assert_eq!(lines[0], "CONNECT [::1]:443 HTTP/1.1");
        assert_eq!(lines[1], "Host: [::1]:443");
        let expected = format!(
            "Proxy-Authorization: Basic {}",
            STANDARD.encode("user:p@ss:w")
        );
        assert!(lines.contains(&expected.as_str()), "{request}");
        let (outcome, request) = tunnelled("http://proxy", ok).await;
        outcome.unwrap();
        assert!(!request.contains("Authorization"), "{request}");
    }

    #[tokio::test]
    async fn what_is_no_tunnel_is_told() {
        for (answer, told) in [
            (
                "HTTP/1.1 407 Who\r\n\r\n",
                "the proxy answered with status 407",
            ),
            (
                "HTTP/1.1 101 Yes\r\n\r\n",
                "the proxy answered with status 101",
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nmore",
                "the proxy gave more than its answer",
            ),
            (
                "SSH-2.0\r\n\r\n",
                "the proxy gave an answer that is not HTTP",
            ),
            ("HTTP/1.1 200 OK\r\n", "the proxy gave no answer"),
        ] {
            let (outcome, _) = tunnelled("http://proxy", answer).await;
            assert_eq!(outcome.unwrap_err().to_string(), told);
        }
        let interim = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 200 OK\r\nA: b\r\n\r\n";
        tunnelled("http://proxy", interim).await.0.unwrap();
    }
}
