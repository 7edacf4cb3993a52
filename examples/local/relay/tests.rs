//! The relay between a client and agents of one's own, over real sockets.

use std::sync::Arc;

use agentcore_bridge::agentcore::wire::tls::client_config;
use futures_util::{SinkExt, StreamExt};
use rustls::RootCertStore;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};

use super::*;

const SESSION_ID: &str = "session-0123456789-0123456789-0123456789";

/// A relay for one agent, and the address of its WebSocket there.
async fn relay(url: &str, roots: RootCertStore) -> (Relay, String) {
    let agent = OwnAgent::parse(&format!("mine={url}")).unwrap();
    let arn =
        percent_encoding::utf8_percent_encode(&agent.arn(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
    let relay = Relay::start(vec![agent], client_config(roots).into(), false)
        .await
        .unwrap();
    let address = format!(
        "ws://{}/runtimes/{arn}/ws?{SESSION}={SESSION_ID}",
        relay.address
    );
    (relay, address)
}

async fn connect(
    relay: &Relay,
    address: &str,
) -> Result<tokio_tungstenite::WebSocketStream<TcpStream>, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(relay.address).await?;
    Ok(client_async(address, stream).await?.0)
}

#[tokio::test]
async fn an_agent_behind_tls_is_reached_where_its_certificate_is_trusted() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()).into();
    let config = rustls::ServerConfig::builder_with_provider(
        rustls::crypto::ring::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate.clone()], key)
    .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!(
        "wss://localhost:{}/ws",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut agent = accept_async(stream).await.unwrap();
            let said = agent.next().await.unwrap().unwrap();
            agent.send(said).await.unwrap();
        }
    });

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let (trusting, address) = relay(&url, roots).await;
    let mut socket = connect(&trusting, &address).await.unwrap();
    socket.send(Message::text("Hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("Hello")
    );

    let (wary, address) = relay(&url, RootCertStore::empty()).await;
    let refused = connect(&wary, &address).await.unwrap_err().to_string();
    assert!(refused.contains("424"), "{refused}");
    let health = wary.agents.health().await;
    let problem = health[0].problem.as_deref().unwrap_or_default();
    assert!(problem.contains("UnknownIssuer"), "{problem}");
}

#[tokio::test]
async fn an_end_without_a_close_frame_stays_one() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut agent = accept_async(stream).await.unwrap();
        agent.send(Message::text("half")).await.unwrap();
        // Gone, as a process that is killed.
        drop(agent);
    });
    let (relay, address) = relay(&url, RootCertStore::empty()).await;
    let mut socket = connect(&relay, &address).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("half"));
    assert!(
        socket.next().await.unwrap().is_err(),
        "it is no close frame"
    );
}

#[tokio::test]
async fn the_client_that_leaves_takes_the_agents_connection_along() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let agent = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut agent = accept_async(stream).await.unwrap();
        agent.next().await.is_none_or(|said| said.is_err())
    });
    let (relay, address) = relay(&url, RootCertStore::empty()).await;
    drop(connect(&relay, &address).await.unwrap());
    assert!(agent.await.unwrap());
}

#[tokio::test]
async fn what_is_not_an_agents_is_not_found() {
    let (relay, address) = relay("ws://localhost:1", RootCertStore::empty()).await;
    let other = address.replace("mine", "other");
    let refused = connect(&relay, &other).await.unwrap_err().to_string();
    assert!(refused.contains("404"), "{refused}");
}
