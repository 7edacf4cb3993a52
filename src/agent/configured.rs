//! One agent, and what is known of it.

use super::{
    AgentId, Connections, FieldNames, MessageTemplate, ReplyEnd, Runtime, RuntimeArn,
    RuntimeArnError, RuntimeAuth, RuntimeUser,
};
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
    /// What it is sent.
    pub message: MessageTemplate,
    /// Which fields of a request it is sent beside that.
    pub fields: FieldNames,
    /// What ends its replies.
    pub reply_end: ReplyEnd,
    /// Whether callers may have an address of their own to it.
    pub connections: Connections,
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
            message: MessageTemplate::default(),
            fields: FieldNames::default(),
            reply_end: ReplyEnd::default(),
            connections: Connections::default(),
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
        let auth = env.parse(
            &variable("AUTH"),
            RuntimeAuth::default(),
            RuntimeAuth::ACCEPTED,
            RuntimeAuth::parse,
        )?;
        let user = env.parse(
            &variable("USER_ID"),
            RuntimeUser::default(),
            RuntimeUser::ACCEPTED,
            RuntimeUser::parse,
        )?;
        let runtime = RuntimeArn::parse(arn).map(|arn| Runtime {
            arn,
            qualifier: text("QUALIFIER"),
            auth,
            user,
        });
        let mut agent = Self::new(id, runtime);
        agent.description = text("DESCRIPTION");
        agent.display_name = text("DISPLAY_NAME").unwrap_or(agent.display_name);
        if let Some(message) = env.get(&variable("MESSAGE")) {
            agent.message = MessageTemplate::parse(message).map_err(|problem| {
                ConfigError::new(&variable("MESSAGE"), problem, MessageTemplate::ACCEPTED)
            })?;
        }
        if let Some(names) = env.get(&variable("FIELDS")) {
            agent.fields = FieldNames::parse(names, &agent.message).map_err(|problem| {
                ConfigError::new(&variable("FIELDS"), problem, FieldNames::ACCEPTED)
            })?;
        }
        agent.reply_end = env.parse(
            &variable("REPLY_END"),
            ReplyEnd::default(),
            ReplyEnd::ACCEPTED,
            ReplyEnd::parse,
        )?;
        agent.connections = env.parse(
            &variable("CONNECTIONS"),
            Connections::default(),
            Connections::ACCEPTED,
            Connections::parse,
        )?;
        Ok(agent)
    }
}
