//! Wires the parts together: configuration → client → service → API.

use std::time::SystemTime;

use crate::agentcore::AgentCoreClient;
use crate::agentcore::credentials::{CredentialsCache, default_chain};
use crate::agentcore::deployment::DeploymentClient;
use crate::agentcore::stored_secret::SecretReader;
use crate::agentcore::wire::proxy::Proxy;
use crate::agentcore::wire::tls::RootCertificates;
use crate::agentcore::wire::{Connector, tls};
use crate::api::Api;
use crate::config::Config;
use crate::env::{ConfigError, Environment};
use crate::hook::Hook;
use crate::service::AgentService;
use crate::telemetry::Metrics;

/// Builds the API that a configuration describes, which measures invocations where `metrics` are
/// given; `now` is the clock by which requests are signed. It waits for AWS only where a key is kept
/// there.
///
/// # Errors
/// [`ConfigError`] where root certificates or a key that were asked for cannot be read.
pub async fn api(
    config: &Config,
    env: &Environment,
    metrics: Option<Metrics>,
    now: fn() -> SystemTime,
) -> Result<Api, ConfigError> {
    let connector = connector(config)?;
    let credentials = CredentialsCache::new(default_chain(env, connector.clone()), now);
    let reader = SecretReader {
        credentials: &credentials,
        connector: &connector,
        variant: config.client.variant,
        endpoints: &config.secret_stores,
        now,
    };
    let binding = config
        .session_binding
        .resolve(async |arn| reader.read(arn).await);
    let binding = binding.await?;
    let client = AgentCoreClient::new(config.client.clone(), credentials, connector, now);
    let service = AgentService::new(config.agents.clone(), client, now);
    Ok(Api::new(service, config.api.clone(), binding, metrics, now))
}

/// Builds the hook of a deployment.
///
/// # Errors
/// [`ConfigError`] where the environment names no versions, or root certificates that cannot be read.
pub fn hook(env: &Environment, now: fn() -> SystemTime) -> Result<Hook, ConfigError> {
    let connector = connect_with(&RootCertificates::from_env(env), Proxy::from_env(env)?)?;
    let credentials = CredentialsCache::new(default_chain(env, connector.clone()), now);
    Hook::from_env(
        env,
        DeploymentClient::from_env(env, credentials, connector, now)?,
    )
}

/// Builds the connector that opens all connections.
///
/// # Errors
/// [`ConfigError`] if the configured root certificates cannot be read.
pub fn connector(config: &Config) -> Result<Connector, ConfigError> {
    connect_with(&config.roots, config.proxy.clone())
}

fn connect_with(roots: &RootCertificates, proxy: Option<Proxy>) -> Result<Connector, ConfigError> {
    let roots = roots.load().map_err(|error| ConfigError {
        variable: error.variable.to_owned(),
        problem: error.to_string(),
        accepted: "a path with PEM certificates that can be read".to_owned(),
    })?;
    let connector = Connector::new(tls::client_config(roots));
    Ok(connector.through(proxy))
}
