//! Wires the parts together: configuration → client → service → API.

use std::time::SystemTime;

use crate::agentcore::AgentCoreClient;
use crate::agentcore::credentials::{CredentialsCache, default_chain};
use crate::agentcore::wire::{Connector, tls};
use crate::api::Api;
use crate::config::Config;
use crate::env::{ConfigError, Environment};
use crate::service::AgentService;
use crate::telemetry::Metrics;

/// Builds the API that a configuration describes. Invocations are measured if `metrics` is given;
/// `now` is the clock for signing and dating.
///
/// # Errors
/// [`ConfigError`] if the configured root certificates cannot be read.
pub fn api(
    config: &Config,
    env: &Environment,
    metrics: Option<Metrics>,
    now: fn() -> SystemTime,
) -> Result<Api, ConfigError> {
    let connector = connector(config)?;
    let client = AgentCoreClient::new(
        config.client.clone(),
        CredentialsCache::new(default_chain(env, connector.clone()), now),
        connector,
        now,
    );
    let service = AgentService::new(config.agents.clone(), client, now);
    Ok(Api::new(service, config.api.clone(), metrics, now))
}

/// Builds the connector that opens all connections.
///
/// # Errors
/// [`ConfigError`] if the configured root certificates cannot be read.
pub fn connector(config: &Config) -> Result<Connector, ConfigError> {
    let roots = config.roots.load().map_err(|error| ConfigError {
        variable: error.variable.to_owned(),
        problem: error.to_string(),
        accepted: "a path with PEM certificates that can be read".to_owned(),
    })?;
    Ok(Connector::new(tls::client_config(roots)))
}
