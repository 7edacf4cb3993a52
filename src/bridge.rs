//! The parts put together: configuration → client → service → API.

use std::time::SystemTime;

use crate::agentcore::credentials::{CredentialsCache, default_chain};
use crate::agentcore::wire::{Connector, tls};
use crate::agentcore::{self, AgentCoreClient};
use crate::api::{Api, Settings};
use crate::config::{Config, ConfigError, Environment};
use crate::service::AgentService;
use crate::telemetry::Metrics;

/// Builds the API that a configuration describes, which measures invocations where `metrics` are
/// given; `now` is the clock by which requests are signed.
///
/// # Errors
/// [`ConfigError`] where root certificates that were asked for cannot be read.
pub fn api(
    config: &Config,
    env: &Environment,
    metrics: Option<Metrics>,
    now: fn() -> SystemTime,
) -> Result<Api, ConfigError> {
    let connector = connector(config)?;
    let client = AgentCoreClient::new(
        agentcore::Settings {
            endpoint: config.endpoint.clone(),
            control_endpoint: config.control_endpoint.clone(),
            timeouts: config.timeouts,
            retry: config.retry,
        },
        CredentialsCache::new(default_chain(env, connector.clone()), now),
        connector,
        now,
    );
    let service = AgentService::new(config.agents.clone(), client, now);
    let settings = Settings {
        max_prompt_bytes: config.max_prompt_bytes,
        max_response_bytes: config.max_response_bytes,
        allowed_origins: config.allowed_origins.clone(),
        base_path: config.base_path.clone(),
        session_binding: config.session_binding.clone(),
        rate_limits: config.rate_limits,
        metrics,
        now,
    };
    Ok(Api::new(service, settings))
}

/// What opens the connections that a configuration describes.
///
/// # Errors
/// [`ConfigError`] where root certificates that were asked for cannot be read.
pub fn connector(config: &Config) -> Result<Connector, ConfigError> {
    let roots = config.roots.load().map_err(|error| ConfigError {
        variable: error.variable.to_owned(),
        problem: error.to_string(),
        accepted: "a path with PEM certificates that can be read".to_owned(),
    })?;
    Ok(Connector::new(tls::client_config(roots)))
}
