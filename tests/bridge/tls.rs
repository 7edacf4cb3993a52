//! TLS to the service, with trusted and untrusted certificates.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agentcore_emulator::{Agent, Emulator};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{HandshakeKind, ServerConfig, crypto::ring};

use crate::support::{ARN, Bridge};

/// An emulator behind TLS.
pub(crate) struct Secured {
    pub(crate) emulator: Emulator,
    pub(crate) endpoint: String,
    /// Where its certificate is, to be named by `SSL_CERT_FILE`.
    pub(crate) certificate: std::path::PathBuf,
    handshakes: Arc<Mutex<Vec<Option<HandshakeKind>>>>,
}

impl Secured {
    pub(crate) fn port(&self) -> u16 {
        let port = self.endpoint.rsplit(':').next();
        port.unwrap().parse().unwrap()
    }
}

pub(crate) async fn secured(name: &str) -> Secured {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let certificate = folder.join(format!("{name}-{}.pem", uuid::Uuid::new_v4()));
    std::fs::write(&certificate, cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let emulator = Emulator::builder()
        .agent(ARN, Agent::echo())
        .start()
        .await
        .unwrap();
    let behind = emulator.address();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let handshakes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&handshakes);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut outside) = acceptor.accept(stream).await else {
                continue;
            };
            seen.lock()
                .unwrap()
                .push(outside.get_ref().1.handshake_kind());
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    Secured {
        emulator,
        endpoint,
        certificate,
        handshakes,
    }
}

/// A bridge to an endpoint, with or without a trusted certificate.
async fn bridge_to(endpoint: &str, certificate: Option<&std::path::Path>) -> Bridge {
    let certificate = certificate.map_or("", |path| path.to_str().unwrap());
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", endpoint),
        ("SSL_CERT_FILE", certificate),
        ("RETRY_MAX_RETRIES", "0"),
        ("CONNECT_TIMEOUT_MS", "1000"),
    ];
    Bridge::configured(Agent::echo(), &variables).await
}

#[tokio::test]
async fn an_agent_is_invoked_over_tls_and_the_session_is_resumed() {
    let secured = secured("localhost").await;
    let bridge = bridge_to(&secured.endpoint, Some(&secured.certificate)).await;
    for _ in 0..2 {
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        let reply = answer.json()["response"].clone();
        assert_eq!(reply, "You said: Hi (turn 1 of this session)");
    }
    let connections = secured.emulator.wait_until(|all| all.len() == 2).await;
    assert!(
        connections
            .iter()
            .all(|connection| connection.status == Some(101))
    );
    let handshakes = secured.handshakes.lock().unwrap().clone();
    assert_eq!(
        handshakes,
        [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]
    );
}

#[tokio::test]
async fn untrusted_or_mismatched_certificates_are_refused() {
    let known = secured("localhost").await;
    let other = secured("elsewhere.example").await;
    for (endpoint, certificate) in [
        (&known.endpoint, None),
        (&known.endpoint, Some(&other.certificate)),
        (&other.endpoint, Some(&other.certificate)),
    ] {
        let bridge = bridge_to(endpoint, certificate.map(std::path::PathBuf::as_path)).await;
        let answer = bridge.say("Hi").await;
        assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
        let told = answer.json();
        assert_eq!(told["details"]["phase"], "connect");
        assert_eq!(told["details"]["retryable"], true);
        assert!(!answer.text.contains("localhost") && !answer.text.contains("elsewhere"));
    }
    assert!(known.emulator.connections().is_empty() && other.emulator.connections().is_empty());
}

#[tokio::test]
async fn garbage_or_silence_instead_of_tls_fails_in_time() {
    for (garbage, status) in [(true, 503), (false, 504)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if garbage {
                    stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
                }
                open.push(stream);
            }
        });
        let start = Instant::now();
        let answer = bridge_to(&endpoint, None).await.say("Hi").await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        assert_eq!(answer.json()["details"]["phase"], "connect");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
