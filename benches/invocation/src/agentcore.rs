//! The AgentCore emulator, with TLS in front of it if a case requires it.

use std::path::PathBuf;
use std::sync::Arc;

use agentcore_emulator::{Credentials, Emulator};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

use crate::Error;
use crate::case::Case;

const ARN: &str = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Bench_Agent-Abcdef1234";

/// As long as the credentials of a function's role.
const TOKEN_BYTES: usize = 900;

/// The agent for the functions of one case.
pub(crate) struct AgentCore {
    /// The variables that configure a function for it.
    pub(crate) variables: Vec<(&'static str, String)>,
    _emulator: Emulator,
    /// Ends with this.
    _tls: JoinSet<()>,
    certificate: Option<PathBuf>,
}

impl Drop for AgentCore {
    fn drop(&mut self) {
        // On failure a small temporary file remains.
        let _ = self.certificate.take().map(std::fs::remove_file);
    }
}

impl AgentCore {
    pub(crate) async fn start(case: Case, delay_ms: u64) -> Result<Self, Error> {
        let token: String = "IQoJb3JpZ2luX2VjE/+"
            .chars()
            .cycle()
            .take(TOKEN_BYTES)
            .collect();
        let credentials = Credentials {
            session_token: Some(token.clone()),
            ..Credentials::example()
        };
        let mut variables = vec![
            ("BENCH_AGENT_ARN", ARN.to_owned()),
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
            (
                "AWS_SECRET_ACCESS_KEY",
                credentials.secret_access_key.clone(),
            ),
            ("AWS_SESSION_TOKEN", token),
        ];
        let emulator = Emulator::builder()
            .agent(ARN, case.agent(delay_ms))
            .credentials(credentials)
            .start()
            .await?;
        let mut tls = JoinSet::new();
        let mut endpoint = emulator.endpoint();
        let mut file = None;
        if case.tls {
            let (acceptor, certificate) = acceptor()?;
            variables.push(("SSL_CERT_FILE", certificate.to_string_lossy().into_owned()));
            file = Some(certificate);
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            endpoint = format!("https://localhost:{}", listener.local_addr()?.port());
            let behind = emulator.address();
            tls.spawn(async move {
                let mut open = JoinSet::new();
                loop {
                    tokio::select! {
                        Ok((stream, _)) = listener.accept() => {
                            open.spawn(pass_on(acceptor.clone(), stream, behind));
                        }
                        Some(_) = open.join_next() => {}
                    }
                }
            });
        }
        variables.push(("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint));
        Ok(Self {
            variables,
            _emulator: emulator,
            _tls: tls,
            certificate: file,
        })
    }
}

async fn pass_on(acceptor: TlsAcceptor, stream: TcpStream, behind: std::net::SocketAddr) {
    // A client may disconnect at any time; its own checks notice missing data.
    let _ = stream.set_nodelay(true);
    let Ok(mut outside) = acceptor.accept(stream).await else {
        return;
    };
    if let Ok(mut inside) = TcpStream::connect(behind).await {
        let _ = inside.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
    }
}

/// A TLS server with its own certificate, and the file with that certificate.
fn acceptor() -> Result<(TlsAcceptor, PathBuf), Error> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let file = std::env::temp_dir().join(format!("invocation-{}.pem", std::process::id()));
    std::fs::write(&file, cert.pem())?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    // Otherwise the server caches some sessions, and one program's would evict another's.
    config.ticketer = ring::Ticketer::new()?;
    Ok((TlsAcceptor::from(Arc::new(config)), file))
}
