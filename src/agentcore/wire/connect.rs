//! Byte streams to a peer: DNS, TCP and TLS.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::endpoint::Endpoint;

/// A byte stream to a peer, encrypted or not.
pub(in crate::agentcore) trait Transport:
    AsyncRead + AsyncWrite + Send + Unpin + 'static
{
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// Opens byte streams. Clones share one TLS configuration, and with it sessions that can be resumed.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
}

impl Connector {
    /// A connector that speaks TLS as configured.
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self { tls: tls.into() }
    }

    /// DNS, TCP and, where the endpoint wants it, TLS.
    pub(in crate::agentcore) async fn connect(
        &self,
        endpoint: &Endpoint,
    ) -> io::Result<Box<dyn Transport>> {
        let tcp = TcpStream::connect((endpoint.host(), endpoint.port())).await?;
        // Every write is a whole message: nothing to wait for.
        tcp.set_nodelay(true)?;
        if !endpoint.is_secure() {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(endpoint.host().to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, tcp).await?))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
