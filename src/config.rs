//! The complete configuration. Each concern reads its own variables with [`crate::env`].

use crate::agent::AgentRegistry;
use crate::agentcore::ClientSettings;
use crate::agentcore::stored_secret::SecretStoreEndpoints;
use crate::agentcore::wire::proxy::Proxy;
use crate::agentcore::wire::tls::RootCertificates;
use crate::api::ApiSettings;
use crate::env::{ConfigError, Environment};
use crate::lambda::InvokeMode;
use crate::session::BindingSettings;
use crate::telemetry::{LogLevel, metrics_namespace};

/// The complete configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The configured agents.
    pub agents: AgentRegistry,
    /// Settings of the AgentCore client.
    pub client: ClientSettings,
    /// Settings of the HTTP API.
    pub api: ApiSettings,
    /// Whether sessions depend on who calls.
    pub session_binding: BindingSettings,
    /// Where stored secrets are read.
    pub secret_stores: SecretStoreEndpoints,
    /// How the binary answers Lambda.
    pub invoke_mode: InvokeMode,
    /// The CloudWatch namespace of the metrics.
    pub metrics_namespace: String,
    /// The least severe level that is logged.
    pub log_level: LogLevel,
    /// The root certificates that are trusted.
    pub roots: RootCertificates,
    /// What connections with TLS go through.
    pub proxy: Option<Proxy>,
}

impl Config {
    /// Reads the configuration from environment variables.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable with an invalid value, or `<NAME>_AGENT_ARN` if no
    /// agent is configured. A malformed ARN is no error here: it disables its own agent only.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            agents: AgentRegistry::from_env(env)?,
            client: ClientSettings::from_env(env)?,
            api: ApiSettings::from_env(env)?,
            session_binding: BindingSettings::from_env(env)?,
            secret_stores: SecretStoreEndpoints::from_env(env)?,
            invoke_mode: InvokeMode::from_env(env)?,
            metrics_namespace: metrics_namespace(env)?,
            log_level: LogLevel::from_env(env)?,
            roots: RootCertificates::from_env(env),
            proxy: Proxy::from_env(env)?,
        })
    }
}

#[cfg(test)]
mod tests;
