//! Byte streams to a peer: DNS, TCP and TLS, through a proxy where there is one.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::dial::{Begun, dial};
use super::endpoint::Endpoint;
use super::gathered::Gathered;
use super::proxy::{self, Proxy};

/// A byte stream to a peer, encrypted or not.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// Opens byte streams. Clones share one TLS configuration, and with it sessions that can be resumed.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
    proxy: Option<Arc<Proxy>>,
}

impl Connector {
    /// A connector that speaks TLS as configured.
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls: tls.into(),
            proxy: None,
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
        self.connect_elsewhere(endpoint, &mut Begun::default())
            .await
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
        let tcp = dial(endpoint.host(), endpoint.port(), begun).await?;
        if !endpoint.is_secure() {
            return Ok(Box::new(tcp));
        }
        Ok(Box::new(self.encrypt(endpoint, tcp).await?))
    }

    /// A connection to an endpoint through a proxy, which may speak TLS itself.
    async fn tunnel(
        &self,
        proxy: &Proxy,
        endpoint: &Endpoint,
        begun: &mut Begun,
    ) -> io::Result<Box<dyn Transport>> {
        let at = proxy.endpoint();
        let tcp = dial(at.host(), at.port(), begun).await;
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

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
