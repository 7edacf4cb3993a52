//! One agent, and what is known of it.

use super::{AgentId, ReplyEnd, Runtime, RuntimeArn, RuntimeArnError};
use crate::env::{ConfigError, Environment};

/// One configured agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its runtime, or why the configured ARN is none. The others work all the same.
    pub runtime: Result<Runtime, RuntimeArnError>,
    /// Its name for people.
    pub display_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What ends its replies.
    pub reply_end: ReplyEnd,
}

impl Agent {
    /// An agent with the name that follows from its id and no description.
    pub fn new(id: AgentId, runtime: Result<Runtime, RuntimeArnError>) -> Self {
        let display_name = id.display_name();
        Self {
            id,
            runtime,
            display_name,
            description: None,
            reply_end: ReplyEnd::default(),
        }
    }

    /// Reads what there is of an agent beside its ARN, in the variables that begin with its name.
    pub(super) fn from_env(
        env: &Environment,
        id: AgentId,
        name: &str,
        arn: &str,
    ) -> Result<Self, ConfigError> {
        let variable = |suffix: &str| format!("{name}_AGENT_{suffix}");
        let text = |suffix| env.get(&variable(suffix)).map(str::to_owned);
        let runtime = RuntimeArn::parse(arn).map(|arn| Runtime {
            arn,
            qualifier: text("QUALIFIER"),
        });
        let mut agent = Self::new(id, runtime);
        agent.description = text("DESCRIPTION");
        agent.display_name = text("DISPLAY_NAME").unwrap_or(agent.display_name);
        agent.reply_end = env.parse(
            &variable("REPLY_END"),
            ReplyEnd::default(),
            ReplyEnd::ACCEPTED,
            ReplyEnd::parse,
        )?;
        Ok(agent)
    }
}
