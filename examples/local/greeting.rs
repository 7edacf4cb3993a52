//! What the terminal says at the start.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::net::SocketAddr;

use agentcore_bridge::agentcore::credentials::default_chain;
use agentcore_bridge::agentcore::wire::Connector;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use aws_credential_types::provider::ProvideCredentials;

use crate::behind::Behind;

pub(crate) fn greet(
    address: SocketAddr,
    config: &Config,
    env: &Environment,
    connector: Connector,
    behind: &Behind,
) {
    println!("agentcore-bridge listens on http://{address}");
    let base = config.api.base_path.as_deref().unwrap_or_default();
    println!("A page to try it: http://{address}{base}/");
    match behind {
        Behind::Emulator(emulator) => println!(
            "It talks to an emulator of AgentCore Runtime on {}; AWS is not asked for anything.",
            emulator.endpoint()
        ),
        Behind::Own(relay) => {
            println!("It talks to these agents alone; AWS is not asked for anything.");
            for agent in relay.agents.iter() {
                println!("  {} at {}", agent.id, agent.address());
            }
        }
        Behind::Aws => {
            println!("It talks to the real Bedrock AgentCore Runtime.");
            // The credentials chain may use the network, so this runs in the background.
            let credentials = default_chain(env, connector);
            tokio::spawn(async move {
                if credentials.provide_credentials().await.is_err() {
                    println!(
                        "No AWS credentials were found: invocations will answer 401 until there \
                         are. `cargo local doctor` says more."
                    );
                }
            });
        }
    }
    let ids: Vec<_> = config
        .agents
        .iter()
        .map(|agent| agent.id.as_str())
        .collect();
    println!("Agents: {}\n\nTry:\n", ids.join(", "));
    let agent = ids
        .iter()
        .find(|id| **id == "echo")
        .or(ids.first())
        .copied()
        .unwrap_or_default();
    println!(
        "curl -s http://{address}/api/agents/invoke \\\n  -d '{{\"agentId\":\"{agent}\",\
         \"prompt\":\"Hello there\",\"sessionId\":\"my-session\"}}'\n"
    );
    println!("Ctrl-C stops it.");
}
