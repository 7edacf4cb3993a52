//! What is behind the bridge: an emulator, agents of the user's own, or the real service.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use agentcore_bridge::agentcore::wire::tls;
use agentcore_bridge::env::Environment;
use agentcore_emulator::{Credentials, Emulator, stock};

use crate::ORIGINS;
use crate::own_agents::{self, OwnAgent};
use crate::relay::{OwnAgents, Relay};

/// What is behind the bridge.
pub(crate) enum Behind {
    /// An AgentCore Runtime of our own, with ready-made agents.
    Emulator(Arc<Emulator>),
    /// Agents of the user's own.
    Own(Relay),
    /// The real service.
    Aws,
}

impl Behind {
    /// Starts it, and configures its agents.
    pub(crate) async fn start(
        own: Vec<OwnAgent>,
        variables: &mut BTreeMap<String, String>,
        is_told: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let is_real = variables
            .iter()
            .any(|(name, value)| name.ends_with("_AGENT_ARN") && !value.is_empty());
        if own.is_empty() {
            return Ok(if is_real {
                Self::Aws
            } else {
                Self::Emulator(Arc::new(emulator(variables).await?))
            });
        }
        let env: Environment = variables.clone().into_iter().collect();
        let roots = tls::RootCertificates::from_env(&env).load()?;
        let relay = Relay::start(own.clone(), tls::client_config(roots).into(), is_told).await?;
        let left_out = own_agents::configure(&own, &relay.endpoint(), variables);
        if is_told && !left_out.is_empty() {
            println!("With --agent, these are left out: {}", left_out.join(", "));
        }
        Ok(Self::Own(relay))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Emulator(_) => "emulator",
            Self::Own(_) => "own",
            Self::Aws => "aws",
        }
    }

    pub(crate) fn own_agents(&self) -> Option<Arc<OwnAgents>> {
        match self {
            Self::Own(relay) => Some(Arc::clone(&relay.agents)),
            Self::Emulator(_) | Self::Aws => None,
        }
    }

    pub(crate) fn emulator(&self) -> Option<Arc<Emulator>> {
        match self {
            Self::Emulator(emulator) => Some(Arc::clone(emulator)),
            Self::Own(_) | Self::Aws => None,
        }
    }
}

/// Starts an emulator, and configures its agents.
pub(crate) async fn emulator(
    variables: &mut BTreeMap<String, String>,
) -> Result<Emulator, Box<dyn Error>> {
    let credentials = Credentials::example();
    let mut builder = Emulator::builder().credentials(credentials.clone());
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    for (name, arn, agent) in stock() {
        set(
            &format!("{}_AGENT_ARN", name.to_ascii_uppercase().replace('-', "_")),
            &arn,
        );
        builder = builder.agent(arn, agent);
    }
    let emulator = builder.start().await?;
    set("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", &emulator.endpoint());
    set(
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        &emulator.endpoint(),
    );
    set("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
    set(
        "AWS_SESSION_TOKEN",
        credentials.session_token.as_deref().unwrap_or_default(),
    );
    // Frontends in development have an origin of their own on this machine. `guard` checks that it
    // is of this machine.
    let origins = variables.entry(ORIGINS.to_owned()).or_default();
    if origins.is_empty() {
        "*".clone_into(origins);
    }
    Ok(emulator)
}
