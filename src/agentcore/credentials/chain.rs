//! Credentials from where AWS keeps them.

use std::sync::Arc;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::OnceCell;

use super::http;
use crate::agentcore::wire::Connector;
use crate::env::Environment;

/// Credentials of the AWS default chain.
///
/// Its first link is read here: on Lambda the credentials are in the environment, and the rest of
/// the chain, with its HTTP client and its files, need not be built.
pub fn default_chain(env: &Environment, connector: Connector) -> SharedCredentialsProvider {
    match from_environment(env) {
        Some(credentials) => SharedCredentialsProvider::new(credentials),
        None => SharedCredentialsProvider::new(LazyChain::new(connector)),
    }
}

fn from_environment(env: &Environment) -> Option<Credentials> {
    let access_key_id = env.get("AWS_ACCESS_KEY_ID")?;
    let secret_access_key = env.get("AWS_SECRET_ACCESS_KEY")?;
    let session_token = env.get("AWS_SESSION_TOKEN").map(str::to_owned);
    Some(Credentials::new(
        access_key_id,
        secret_access_key,
        session_token,
        None,
        "environment",
    ))
}

/// The chain, built when it is first asked.
#[derive(Clone, Debug)]
struct LazyChain {
    chain: Arc<OnceCell<DefaultCredentialsChain>>,
    connector: Connector,
}

impl ProvideCredentials for LazyChain {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async { self.chain().await.provide_credentials().await })
    }
}

impl LazyChain {
    fn new(connector: Connector) -> Self {
        Self {
            chain: Arc::default(),
            connector,
        }
    }

    async fn chain(&self) -> &DefaultCredentialsChain {
        self.chain
            .get_or_init(|| build_chain(self.connector.clone()))
            .await
    }
}

async fn build_chain(connector: Connector) -> DefaultCredentialsChain {
    let config = ProviderConfig::without_region().with_http_client(http::client(connector));
    let config = config.load_default_region().await;
    DefaultCredentialsChain::builder()
        .configure(config)
        .build()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agentcore::wire::tls::{RootCertificates, client_config};

    #[tokio::test]
    async fn the_environment_comes_first() {
        let env = Environment::from([
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", ""),
        ]);
        let roots = RootCertificates::default().load().unwrap();
        let connector = Connector::new(client_config(roots));
        let chain = default_chain(&env, connector);
        let credentials = chain.provide_credentials().await;
        let credentials = credentials.unwrap();
        assert_eq!(credentials.access_key_id(), "AKID");
        assert_eq!(credentials.session_token(), None);
    }

    #[test]
    fn half_of_the_credentials_is_none() {
        let env = Environment::from([("AWS_ACCESS_KEY_ID", "AKID")]);
        assert!(from_environment(&env).is_none());
    }
}
