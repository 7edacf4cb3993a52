//! The hook of a deployment: before callers are moved to a new version, it is asked whether it works.
//!
//! It has to answer `/health`. Then it is compared with the live version: an agent that is available
//! there and not here would be lost with the deployment. An agent that neither has is no reason: a
//! deployment must not wait for what it cannot change, or is meant to mend.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::agentcore::deployment::{
    DeploymentClient, DeploymentError, FunctionVersion, HookExecution,
};
use crate::env::{ConfigError, Environment};
use crate::telemetry::deployment as log;

const VERSIONS: &str = "NEW_VERSIONS";
/// The alias that callers reach.
const LIVE: &str = "live";
/// Separates the head of a streamed answer from its body.
const DELIMITER: [u8; 8] = [0; 8];

/// How long a version may take for each of the three parts: what it says of itself, what the live one
/// has, and what both say of their agents. For two versions that is below the function's time, beyond
/// which CodeDeploy would wait for an hour.
const PATIENCE: Duration = Duration::from_secs(40);

/// Asks new versions.
#[derive(Debug)]
pub struct Hook {
    client: DeploymentClient,
    versions: Vec<FunctionVersion>,
}

/// Why a version must not go live, or says nothing of itself.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("it does not answer")]
    Unanswered(#[source] DeploymentError),
    #[error("it takes longer than {} s", PATIENCE.as_secs())]
    Slow,
    #[error("its answer cannot be read")]
    Unreadable,
    #[error("it answers {path} with {status}")]
    Status { path: &'static str, status: u64 },
    #[error("the ARN of {agent} is malformed")]
    NotConfigured { agent: String },
    #[error("{agent} is available to the live version, and {status} to this one")]
    Lost { agent: String, status: String },
}

impl Hook {
    /// A hook for the versions that `NEW_VERSIONS` lists by their ARNs.
    ///
    /// # Errors
    /// [`ConfigError`] where it lists none.
    pub fn from_env(env: &Environment, client: DeploymentClient) -> Result<Self, ConfigError> {
        let listed = env.get(VERSIONS).unwrap_or_default().split(',');
        let versions: Option<Vec<_>> = listed.map(FunctionVersion::parse).collect();
        let versions = versions.ok_or_else(|| {
            let accepted = "ARNs of versions of functions, separated by commas";
            ConfigError::new(VERSIONS, "it names none, or something else", accepted)
        })?;
        Ok(Self { client, versions })
    }

    /// Answers CodeDeploy's event. Gives what CodeDeploy was told, if it was.
    pub async fn answer(&self, event: &[u8]) -> Option<bool> {
        // An event without its ids is not CodeDeploy's, and there is nobody to tell.
        let execution: HookExecution = serde_json::from_slice(event).ok()?;
        let mut all_work = true;
        for version in &self.versions {
            match self.examine(version).await {
                Ok(program) => log::version_accepted(version.version(), &program),
                Err(unfit) => {
                    log::version_refused(version.version(), &unfit);
                    all_work = false;
                }
            }
        }
        let told = self
            .client
            .report(&self.versions[0], &execution, all_work)
            .await;
        match told {
            Ok(()) => Some(all_work),
            Err(error) => {
                log::not_reported(&error);
                None
            }
        }
    }

    /// Asks a version. Gives what it says of itself.
    async fn examine(&self, version: &FunctionVersion) -> Result<String, Unfit> {
        let number = version.version();
        let of_its_own = async {
            let health = self.get(version, number, "/health", "/health").await?;
            Ok((health, self.agents(version, number).await?))
        };
        let of_its_own = timeout(PATIENCE, of_its_own).await;
        let (health, agents) = of_its_own.unwrap_or(Err(Unfit::Slow))?;
        // A live version that hangs must not keep a new one away.
        match timeout(PATIENCE, self.agents(version, LIVE)).await {
            Ok(Ok(live)) => {
                let compared = timeout(PATIENCE, self.compare(version, &agents, &live)).await;
                match compared {
                    Ok(compared) => compared?,
                    Err(_) => log::not_compared(number, &Unfit::Slow),
                }
            }
            Ok(Err(unfit)) => log::not_compared(number, &unfit),
            Err(_) => log::not_compared(number, &Unfit::Slow),
        }
        let of_itself = |key| health[key].as_str().unwrap_or("unknown").to_owned();
        Ok(format!(
            "{} ({})",
            of_itself("version"),
            of_itself("commit")
        ))
    }

    async fn compare(
        &self,
        version: &FunctionVersion,
        agents: &[(String, bool)],
        live: &[(String, bool)],
    ) -> Result<(), Unfit> {
        for (agent, configured) in agents {
            let before = live.iter().find(|(id, _)| id == agent);
            if !configured {
                // Malformed before too: not this deployment's doing.
                if before.is_none_or(|(_, configured)| *configured) {
                    return Err(Unfit::NotConfigured {
                        agent: agent.clone(),
                    });
                }
            } else if before.is_some_and(|(_, configured)| *configured) {
                self.compare_status(version, agent).await?;
            }
        }
        Ok(())
    }

    async fn compare_status(&self, version: &FunctionVersion, agent: &str) -> Result<(), Unfit> {
        let path = format!("/api/agents/{agent}/status");
        let number = version.version();
        let status = self
            .get(version, number, &path, "an agent's status")
            .await?;
        let status = status["status"].as_str().unwrap_or_default();
        // `unknown` may be the control plane's, or a permission that is not there yet.
        if matches!(status, "available" | "unknown") {
            return Ok(());
        }
        match self.get(version, LIVE, &path, "an agent's status").await {
            Ok(live) if live["status"] == "available" => Err(Unfit::Lost {
                agent: agent.to_owned(),
                status: status.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The ids of a version's agents, and whether each is configured.
    async fn agents(
        &self,
        version: &FunctionVersion,
        qualifier: &str,
    ) -> Result<Vec<(String, bool)>, Unfit> {
        let listed = self
            .get(version, qualifier, "/api/agents", "/api/agents")
            .await?;
        let listed = listed["agents"].as_array().ok_or(Unfit::Unreadable)?;
        let agent = |agent: &Value| {
            Some((
                agent["id"].as_str()?.to_owned(),
                agent["configured"].as_bool()?,
            ))
        };
        listed
            .iter()
            .map(agent)
            .collect::<Option<_>>()
            .ok_or(Unfit::Unreadable)
    }

    async fn get(
        &self,
        version: &FunctionVersion,
        qualifier: &str,
        path: &str,
        named: &'static str,
    ) -> Result<Value, Unfit> {
        let answer = self.client.invoke(version, qualifier, &event(path)).await;
        let answer = answer.map_err(Unfit::Unanswered)?;
        match read(&answer).ok_or(Unfit::Unreadable)? {
            (200, body) => Ok(body),
            (status, _) => Err(Unfit::Status {
                path: named,
                status,
            }),
        }
    }
}

/// A request as a REST API would hand it on.
fn event(path: &str) -> Value {
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": { "user-agent": "agentcore-bridge-hook" },
        "requestContext": { "stage": LIVE, "path": format!("/{LIVE}{path}"), "identity": {} },
        "body": null,
        "isBase64Encoded": false,
    })
}

/// The status and the body of an answer: whole, or as a stream, whose head comes first.
fn read(answer: &[u8]) -> Option<(u64, Value)> {
    let delimiter = answer
        .windows(DELIMITER.len())
        .position(|bytes| bytes == DELIMITER);
    let (head, streamed) = match delimiter {
        Some(at) => (&answer[..at], Some(&answer[at + DELIMITER.len()..])),
        None => (answer, None),
    };
    let head: Value = serde_json::from_slice(head).ok()?;
    let body = streamed.or_else(|| head["body"].as_str().map(str::as_bytes))?;
    let status = head["statusCode"].as_u64()?;
    Some((status, serde_json::from_slice(body).unwrap_or_default()))
}
