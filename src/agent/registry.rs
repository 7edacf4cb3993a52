//! The configured agents, and how one is found.

use std::collections::BTreeMap;

use super::{Agent, AgentId};
use crate::env::{ConfigError, Environment};

/// What the name of a variable ends with that configures an agent.
const ARN_SUFFIX: &str = "_AGENT_ARN";

/// The configured agents, sorted by id.
#[derive(Clone, Debug, Default)]
pub struct AgentRegistry(BTreeMap<AgentId, Agent>);

impl AgentRegistry {
    /// Reads the variables of all agents. A malformed ARN is no error: it hurts its own agent alone.
    ///
    /// # Errors
    /// [`ConfigError`] where there is no agent at all, or where a setting of one is not accepted.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let mut agents = Self::default();
        for (variable, arn) in env.iter() {
            let name = variable.strip_suffix(ARN_SUFFIX);
            let Some(id) = name.and_then(AgentId::from_variable_name) else {
                continue;
            };
            let agent = Agent::from_env(env, id, name.unwrap_or_default(), arn)?;
            agents.add(agent).map_err(|id| {
                let problem = format!("another variable configures the agent {id} too");
                let accepted = "one variable for each agent, in any one case";
                ConfigError::new(variable, problem, accepted)
            })?;
        }
        if agents.is_empty() {
            let accepted = "the ARN of a Bedrock AgentCore runtime in at least one such variable, \
                            ONBOARDING_AGENT_ARN for an agent `onboarding`";
            let problem = "no agent is configured";
            return Err(ConfigError::new("<NAME>_AGENT_ARN", problem, accepted));
        }
        Ok(agents)
    }

    /// Every agent, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Agent> {
        self.0.values()
    }

    /// Whether no agent is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds an agent by its id or by `<id>-agent`, without regard to case. An exact id wins.
    pub fn find(&self, id: &str) -> Option<&Agent> {
        let id = id.to_ascii_lowercase();
        let by_id = |id: &str| self.0.get(id);
        by_id(&id).or_else(|| id.strip_suffix("-agent").and_then(by_id))
    }

    /// Adds an agent.
    ///
    /// # Errors
    /// The agent's id, when another of the same id is there, which stays.
    pub fn add(&mut self, agent: Agent) -> Result<(), AgentId> {
        if self.0.contains_key(&agent.id) {
            return Err(agent.id);
        }
        self.0.insert(agent.id.clone(), agent);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Runtime, RuntimeArn};

    const ARN: &str =
        "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/OnboardingAgent_Agent-Pgs8nUGuuS";

    fn registry(names: &[&str]) -> AgentRegistry {
        let mut registry = AgentRegistry::default();
        for name in names {
            let id = AgentId::from_variable_name(name).unwrap();
            let runtime = RuntimeArn::parse(ARN).map(Runtime::of);
            registry.add(Agent::new(id, runtime)).unwrap();
        }
        registry
    }

    #[test]
    fn an_agent_is_found_by_id_and_alias_in_any_case() {
        let agents = registry(&["ONBOARDING", "MWC", "MWC_AGENT"]);
        let find = |id| agents.find(id).map(|agent| agent.id.as_str());
        assert_eq!(find("onboarding"), Some("onboarding"));
        assert_eq!(find("Onboarding-AGENT"), Some("onboarding"));
        assert_eq!(
            find("mwc-agent"),
            Some("mwc-agent"),
            "an exact id wins over an alias"
        );
        assert_eq!(find("mwc-agent-agent"), Some("mwc-agent"));
        assert_eq!(find("onboarding-agent-agent"), None);
        assert_eq!(find(" onboarding"), None);
        // The Kelvin sign's lower case is `k`: ids are ASCII, and nothing else is folded.
        assert_eq!(
            registry(&["KIT"]).find("\u{212a}it").map(|a| a.id.as_str()),
            None
        );
    }

    #[test]
    fn display_names_follow_from_ids() {
        let names: Vec<_> = registry(&["MWC_EAST", "A__B"])
            .iter()
            .map(|a| a.display_name.clone())
            .collect();
        assert_eq!(names, ["A B", "Mwc East"]);
    }
}
