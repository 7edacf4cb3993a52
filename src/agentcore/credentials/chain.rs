//! Credentials from where AWS keeps them.

use std::sync::Arc;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use tokio::sync::OnceCell;

use super::http;
use super::process::CredentialProcess;
use super::profile::{self, Base};
use super::why::Why;
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

/// The rest of the chain, built when it is first asked.
#[derive(Clone, Debug)]
struct LazyChain {
    chain: Arc<OnceCell<Chain>>,
    connector: Connector,
}

/// What the selected profile leads to.
#[derive(Debug)]
enum Chain {
    /// The library's chain, of which the profile is one link.
    Library(DefaultCredentialsChain),
    /// The same, where the profile wants a person to have signed in.
    SignIn(DefaultCredentialsChain),
    /// A credential process.
    Process(CredentialProcess),
    /// Roles that are assumed with what a credential process gives.
    Roles(ProfileFileCredentialsProvider),
}

/// The name of our credential process in profiles of our making.
const OURS: &str = "AgentCoreBridgeProcess";

const NO_SIGN_IN: Why = Why(
    "the profile signs in by SSO or `aws login`, and this build has no SSO: \
     use cargo local, or build with --features sso",
);
const NOT_SIGNED_IN: Why =
    Why("the sign-in of the profile gave none: sign in with `aws sso login`, or `aws login`");

impl ProvideCredentials for LazyChain {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            let chain = self
                .chain
                .get_or_init(|| Chain::build(self.connector.clone()));
            chain.await.credentials().await
        })
    }
}

impl LazyChain {
    fn new(connector: Connector) -> Self {
        Self {
            chain: Arc::default(),
            connector,
        }
    }
}

impl Chain {
    async fn build(connector: Connector) -> Self {
        let config = ProviderConfig::without_region().with_http_client(http::client(connector));
        let config = config.load_default_region().await;
        let source = profile::selected().await;
        let roles = source
            .as_ref()
            .and_then(|source| source.profiles_of_roles(OURS));
        let base = source.map_or(Base::Other, |source| source.base);
        let process = match base {
            Base::Process(process) => process,
            Base::SignIn => return Self::SignIn(library(config).await),
            Base::Other => return Self::Library(library(config).await),
        };
        let Some(roles) = roles else {
            return Self::Process(process);
        };
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, roles);
        let roles = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_files(files.build())
            .profile_name(profile::profile_name(0))
            .with_custom_provider(OURS, process);
        Self::Roles(roles.build())
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        match self {
            Self::Library(chain) => chain.provide_credentials().await,
            Self::SignIn(_) if !cfg!(feature = "sso") => Err(NO_SIGN_IN.into()),
            Self::SignIn(chain) => {
                let signed_in = chain.provide_credentials().await;
                signed_in.map_err(|_| NOT_SIGNED_IN.into())
            }
            Self::Process(process) => process.provide_credentials().await,
            Self::Roles(roles) => roles.provide_credentials().await,
        }
    }
}

async fn library(config: ProviderConfig) -> DefaultCredentialsChain {
    let chain = DefaultCredentialsChain::builder().configure(config);
    chain.build().await
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
