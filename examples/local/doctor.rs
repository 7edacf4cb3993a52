//! `cargo local doctor`: looks at all that an invocation needs, one after the other, and says of each
//! failure what it is and the line that mends it.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use agentcore_bridge::agent::{Agent, Runtime};
use agentcore_bridge::agentcore::AgentCoreClient;
use agentcore_bridge::agentcore::credentials::{CredentialsCache, default_chain, describe};
use agentcore_bridge::agentcore::wire::Connector;
use agentcore_bridge::agentcore::wire::endpoint::Endpoint;
use agentcore_bridge::bridge;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use aws_credential_types::Credentials;
use report::{Finding, Report};

use crate::behind::Behind;
use crate::now;
use crate::options::Checkup;
use crate::relay::OwnAgents;

mod agents;
mod identity;
mod mend;
mod network;
mod report;

const DATA: &str = "bedrock-agentcore";
const CONTROL: &str = "bedrock-agentcore-control";

/// What the checks share.
pub(crate) struct Patient {
    variables: BTreeMap<String, String>,
    config: Config,
    connector: Connector,
    /// None of AWS's is asked.
    is_local: bool,
    own: Option<Arc<OwnAgents>>,
    /// Serves until the examination is over.
    _behind: Behind,
}

/// Examines everything. Whether nothing is wrong.
pub(crate) async fn examine(checkup: Checkup) -> bool {
    let variables = crate::variables();
    let no_colours = variables.as_ref().is_ok_and(|variables| {
        variables
            .get("NO_COLOR")
            .is_some_and(|value| !value.is_empty())
    });
    let mut report = Report::new(checkup.as_json, no_colours);
    match variables {
        Ok(variables) => examine_all(&checkup, variables, &mut report).await,
        Err(error) => {
            let mend = "write each line of .env as NAME=value, in quotes where it has spaces";
            report.add(Finding::failure("configuration", error.to_string()).mended_by(mend));
        }
    }
    report.finish()
}

async fn examine_all(checkup: &Checkup, variables: BTreeMap<String, String>, report: &mut Report) {
    let Some((patient, env)) = configuration(checkup, variables, report).await else {
        return;
    };
    let cache = CredentialsCache::new(default_chain(&env, patient.connector.clone()), now);
    if patient.is_local {
        let why = "the agents are on this machine: AWS is not asked";
        report.add(Finding::skipped("credentials", why));
    } else if let Some(credentials) = credentials(&cache, report).await {
        identity::check(&patient, &credentials, report).await;
    }
    stored_key(&patient, &env, report).await;
    let endpoints = match patient.own {
        // What stands between is in this process.
        Some(_) => Vec::new(),
        None => patient.endpoints(),
    };
    for endpoint in endpoints {
        network::check(&patient.connector, &endpoint, report).await;
    }
    let settings = patient.config.client.clone();
    let client = AgentCoreClient::new(settings, cache, patient.connector.clone(), now);
    for agent in patient.config.agents.iter() {
        let ask = checkup.ask.as_deref();
        // A whole invocation is large, and would make all futures large that it is a part of.
        Box::pin(agents::check(&patient, &client, agent, ask, report)).await;
    }
}

/// Reads the configuration as the local run does.
async fn configuration(
    checkup: &Checkup,
    mut variables: BTreeMap<String, String>,
    report: &mut Report,
) -> Option<(Patient, Environment)> {
    let is_configured = |variables: &BTreeMap<String, String>| {
        let mut all = variables.iter();
        all.any(|(name, value)| name.ends_with("_AGENT_ARN") && !value.is_empty())
    };
    if checkup.agents.is_empty() && !is_configured(&variables) {
        let what = "no agent is configured: `cargo local` talks to its own emulator";
        let mend = "name a runtime in .env, such as ONBOARDING_AGENT_ARN=arn:aws:bedrock-agentcore:\
                    us-east-1:123456789012:runtime/Onboarding-AbCdEf1234, or an agent of your own: \
                    cargo local doctor --agent support=ws://localhost:8080/ws";
        report.add(Finding::failure("configuration", what).mended_by(mend));
        return None;
    }
    let behind = match Behind::start(checkup.agents.clone(), &mut variables, false).await {
        Ok(behind) => behind,
        Err(error) => {
            report.add(Finding::failure("configuration", error.to_string()));
            return None;
        }
    };
    let env: Environment = variables.clone().into_iter().collect();
    let config = Config::from_env(&env).and_then(|config| {
        let connector = bridge::connector(&config)?;
        Ok((config, connector))
    });
    let (config, connector) = match config {
        Ok(read) => read,
        Err(error) => {
            let what = format!("{}: {}", error.variable, error.problem);
            let mend = format!("set {} to {}", error.variable, error.accepted);
            report.add(Finding::failure("configuration", what).mended_by(mend));
            return None;
        }
    };
    let ids: Vec<_> = config
        .agents
        .iter()
        .map(|agent| agent.id.as_str())
        .collect();
    report.add(Finding::fine(
        "configuration",
        format!("agents: {}", ids.join(", ")),
    ));
    strangers(&variables, report);
    let is_local = config.client.endpoint.as_ref().is_some_and(is_this_machine)
        && config
            .client
            .control_endpoint
            .as_ref()
            .is_none_or(is_this_machine)
        && !variables.contains_key(identity::ENDPOINT);
    let own = behind.own_agents();
    let patient = Patient {
        variables,
        config,
        connector,
        is_local,
        own,
        _behind: behind,
    };
    Some((patient, env))
}

/// Variables that look like an agent's and are none: a slip of the pen is else without any effect.
fn strangers(variables: &BTreeMap<String, String>, report: &mut Report) {
    let suffixes: Vec<_> = agentcore_bridge::env::VARIABLES
        .iter()
        .filter_map(|name| name.strip_prefix("<NAME>_AGENT_"))
        .collect();
    for name in variables.keys() {
        let Some((agent, suffix)) = name.split_once("_AGENT_") else {
            continue;
        };
        let is_ours = variables.contains_key(&format!("{agent}_AGENT_ARN"));
        if is_ours && !suffixes.contains(&suffix) {
            let what = format!("{name} is no variable of this program, and has no effect");
            let mend = format!("name it {agent}_AGENT_ and one of {}", suffixes.join(", "));
            report.add(Finding::warning("configuration", what).mended_by(mend));
        }
    }
}

async fn credentials(cache: &CredentialsCache, report: &mut Report) -> Option<Credentials> {
    match cache.get().await {
        Ok(credentials) => {
            let id = credentials.access_key_id();
            let end = id.get(id.len().saturating_sub(4)..).unwrap_or_default();
            report.add(Finding::fine(
                "credentials",
                format!("the access key …{end}"),
            ));
            Some(credentials)
        }
        Err(error) => {
            let finding = Finding::failure("credentials", describe(&error));
            report.add(finding.mended_by(
                "aws sso login, then AWS_PROFILE=<profile> in .env; or set AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            ));
            None
        }
    }
}

/// Whether a key that AWS keeps can be read: without it nothing starts.
async fn stored_key(patient: &Patient, env: &Environment, report: &mut Report) {
    let key = patient.variables.get("SESSION_BINDING_KEY");
    let Some(arn) = key.filter(|key| key.starts_with("arn:")) else {
        return;
    };
    match bridge::api(&patient.config, env, None, now).await {
        Ok(_) => report.add(Finding::fine("key", "SESSION_BINDING_KEY is read")),
        Err(error) => {
            let action = if arn.contains(":secretsmanager:") {
                "secretsmanager:GetSecretValue"
            } else {
                "ssm:GetParameter"
            };
            let what = format!("SESSION_BINDING_KEY: {}", error.problem);
            let finding = Finding::failure("key", what);
            report.add(finding.mended_by(mend::statement(&[action.to_owned()], &[arn])));
        }
    }
}

fn is_this_machine(endpoint: &Endpoint) -> bool {
    let host = endpoint.host();
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

impl Patient {
    /// The runtimes that can be asked.
    fn runtimes(&self) -> impl Iterator<Item = &Runtime> {
        let agents = self.config.agents.iter();
        agents.filter_map(|agent: &Agent| agent.runtime.as_ref().ok())
    }

    /// All endpoints of both planes that the agents need, each once.
    fn endpoints(&self) -> Vec<Endpoint> {
        let client = &self.config.client;
        let mut seen = BTreeSet::new();
        let mut endpoints = Vec::new();
        for runtime in self.runtimes() {
            let public = |service| client.variant.public(service, &runtime.arn);
            let data = client.endpoint.clone().unwrap_or_else(|| public(DATA));
            let control = client
                .control_endpoint
                .clone()
                .unwrap_or_else(|| public(CONTROL));
            for endpoint in [data, control] {
                if seen.insert((endpoint.host().to_owned(), endpoint.port())) {
                    endpoints.push(endpoint);
                }
            }
        }
        endpoints
    }
}

/// An error with all that is behind it.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some libraries repeat their source.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
