//! Byte streams to a peer: DNS, TCP and TLS, through a proxy where there is one.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::dial::{Begun, dial};
use super::endpoint::Endpoint;
use super::gathered::Gathered;
use super::names::Names;
use super::proxy::{self, Proxy};

/// A byte stream to a peer, encrypted or not.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// Opens byte streams. Clones share one TLS configuration, and with it sessions that can be resumed.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
    proxy: Option<Arc<Proxy>>,
    names: Option<Arc<Names>>,
}

impl Connector {
    /// A connector that speaks TLS as configured.
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls: tls.into(),
            proxy: None,
            names: None,
        }
    }

    /// The same, which remembers the addresses of hosts for a short time.
    #[must_use]
    pub fn remembering_names(self, now: fn() -> SystemTime) -> Self {
        Self {
            names: Some(Arc::new(Names::new(now))),
            ..self
        }
    }

    /// The same, through a proxy.
    #[must_use]
    pub fn through(self, proxy: Option<Proxy>) -> Self {
        Self {
            proxy: proxy.map(Arc::new),
            ..self
        }
    }

    /// DNS, TCP and, where the endpoint wants it, TLS.
    ///
    /// # Errors
    /// What went wrong with any of these, or with the proxy.
    pub async fn connect(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Transport>> {
        let doubt = self.doubt(endpoint);
        let mut begun = Begun::default();
        let connected = self.connect_elsewhere(endpoint, &mut begun).await?;
        doubt.dispel();
        Ok(connected)
    }

    /// Whether a proxy stands between.
    pub fn has_proxy_for(&self, endpoint: &Endpoint) -> bool {
        self.proxy
            .as_ref()
            .is_some_and(|proxy| proxy.serves(endpoint))
    }

    /// The same for one of several attempts, each of which begins with another address.
    pub(in crate::agentcore) async fn connect_elsewhere(
        &self,
        endpoint: &Endpoint,
        begun: &mut Begun,
    ) -> io::Result<Box<dyn Transport>> {
        let proxy = self.proxy.as_ref();
        if let Some(proxy) = proxy.filter(|proxy| proxy.serves(endpoint)) {
            let tunnel = Box::pin(self.tunnel(proxy, endpoint, begun)).await?;
            return Ok(Box::new(self.encrypt(endpoint, tunnel).await?));
        }
        let tcp = self.dial(endpoint, begun).await?;
        if !endpoint.is_secure() {
            return Ok(Box::new(tcp));
        }
        Ok(Box::new(self.encrypt(endpoint, tcp).await?))
    }

    /// While it is open whether the peer at a remembered address does what is asked of it.
    pub(in crate::agentcore) fn doubt<'a>(&'a self, endpoint: &'a Endpoint) -> Doubt<'a> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.serves(endpoint));
        Doubt {
            names: self.names.as_deref(),
            host: proxy.map_or(endpoint, |proxy| proxy.endpoint()).host(),
        }
    }

    /// TCP. Attempts after the first ask the resolver, whatever is remembered.
    async fn dial(&self, endpoint: &Endpoint, begun: &mut Begun) -> io::Result<TcpStream> {
        let (host, port) = (endpoint.host(), endpoint.port());
        let names = self.names.as_ref();
        let remembered = names.filter(|_| begun.is_empty());
        if let Some(found) = remembered.and_then(|names| names.recall(host, port))
            && let Ok(tcp) = dial(&found, begun).await
        {
            return Ok(tcp);
        }
        let found: Vec<_> = lookup_host((host, port)).await?.collect();
        // An address is its own name.
        if let Some(names) = names.filter(|_| host.parse::<IpAddr>().is_err()) {
            names.remember(host, &found);
        }
        dial(&found, begun).await
    }

    /// A connection to an endpoint through a proxy, which may speak TLS itself.
    async fn tunnel(
        &self,
        proxy: &Proxy,
        endpoint: &Endpoint,
        begun: &mut Begun,
    ) -> io::Result<Box<dyn Transport>> {
        let at = proxy.endpoint();
        let tcp = self.dial(at, begun).await;
        let tcp = tcp.map_err(proxy::unreachable)?;
        let mut transport: Box<dyn Transport> = if at.is_secure() {
            let encrypted = self.encrypt(at, tcp).await;
            Box::new(encrypted.map_err(proxy::unreachable)?)
        } else {
            Box::new(tcp)
        };
        proxy.tunnel(&mut transport, endpoint).await?;
        Ok(transport)
    }

    async fn encrypt<T: Transport>(
        &self,
        endpoint: &Endpoint,
        transport: T,
    ) -> io::Result<TlsStream<Gathered<T>>> {
        let name = ServerName::try_from(endpoint.host().to_owned()).map_err(io::Error::other)?;
        let handshake = self.tls.connect(name, Gathered::new(transport));
        // A handshake is large, and would make all futures large that one is a part of.
        match Box::pin(handshake.into_fallible()).await {
            Ok(mut encrypted) => {
                encrypted.get_mut().0.shook_hands();
                Ok(encrypted)
            }
            Err((error, mut transport)) => {
                // The peer is told why, as far as that can be done.
                transport.shook_hands();
                let _ = transport.flush().await;
                Err(error)
            }
        }
    }
}

/// Where it is not dispelled, since something went wrong or nobody waits any more, the next connection asks
/// the resolver.
#[must_use]
pub(in crate::agentcore) struct Doubt<'a> {
    names: Option<&'a Names>,
    host: &'a str,
}

impl Doubt<'_> {
    pub(in crate::agentcore) fn dispel(mut self) {
        self.names = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(names) = self.names {
            names.forget(self.host);
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::net::TcpListener;

    use super::super::tls::client_config;
    use super::*;

    fn connector() -> Connector {
        let roots = tokio_rustls::rustls::RootCertStore::empty();
        Connector::new(client_config(roots)).remembering_names(|| SystemTime::UNIX_EPOCH)
    }

    async fn listener() -> (TcpListener, Endpoint) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint::parse(&format!("ws://localhost:{port}")).unwrap();
        (listener, endpoint)
    }

    fn remembered(connector: &Connector) -> Option<Vec<SocketAddr>> {
        connector.names.as_ref().unwrap().recall("localhost", 1)
    }

    #[tokio::test]
    async fn a_name_is_remembered_until_something_goes_wrong() {
        let connector = connector();
        let (listener, endpoint) = listener().await;
        connector.connect(&endpoint).await.unwrap();
        assert!(remembered(&connector).is_some());
        drop(listener);
        assert!(connector.connect(&endpoint).await.is_err());
        assert_eq!(remembered(&connector), None);
    }

    /// Nobody listens at the address that is remembered. All of 127.0.0.0/8 is this machine on Linux.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn where_a_remembered_address_is_gone_the_resolver_is_asked_at_once() {
        let connector = connector();
        let (_listener, endpoint) = listener().await;
        let gone: SocketAddr = "127.0.0.9:1".parse().unwrap();
        let names = connector.names.as_ref().unwrap();
        names.remember("localhost", &[gone]);
        connector.connect(&endpoint).await.unwrap();
        assert!(remembered(&connector).is_some_and(|known| !known.contains(&gone)));
    }

    /// The address that is remembered takes connections, and does not do what is asked of it.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_second_attempt_asks_the_resolver() {
        let connector = connector();
        let (_listener, endpoint) = listener().await;
        let wrong = TcpListener::bind(("127.0.0.9", endpoint.port()))
            .await
            .unwrap();
        let wrong = wrong.local_addr().unwrap();
        let names = connector.names.as_ref().unwrap();
        names.remember("localhost", &[wrong]);
        let mut begun = Begun::default();
        for expected in [true, false] {
            let attempt = connector.dial(&endpoint, &mut begun).await.unwrap();
            assert_eq!(attempt.peer_addr().unwrap() == wrong, expected);
        }
    }

    #[tokio::test]
    async fn an_attempt_that_is_given_up_leaves_nothing_remembered() {
        let connector = connector();
        let (_listener, endpoint) = listener().await;
        connector.connect(&endpoint).await.unwrap();
        assert!(remembered(&connector).is_some());
        drop(connector.doubt(&endpoint));
        assert_eq!(remembered(&connector), None);
    }

    #[tokio::test]
    async fn an_address_is_its_own_name() {
        let connector = connector();
        let (listener, _) = listener().await;
        let endpoint = format!("ws://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint::parse(&endpoint).unwrap();
        connector.connect(&endpoint).await.unwrap();
        let names = connector.names.as_ref().unwrap();
        assert_eq!(names.recall("127.0.0.1", 1), None);
    }
}
