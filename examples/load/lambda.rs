//! AWS Lambda on this machine, as far as load meets it: a function URL, execution environments that
//! take one invocation at a time (or several, as Managed Instances do), cold starts, and a 429 where
//! all of them are busy.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use agentcore_emulator::{Credentials, Emulator, stock};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Failed;
use crate::arguments::Lambda;
use environments::{Environments, Function};

mod environments;
mod front;
mod runtime_api;

/// Serves the function until Ctrl-C.
pub(crate) async fn serve(
    arguments: &Lambda,
    mut variables: BTreeMap<String, String>,
) -> Result<ExitCode, Failed> {
    let names_agents = variables
        .iter()
        .any(|(name, value)| name.ends_with("_AGENT_ARN") && !value.is_empty());
    let emulator = if names_agents {
        None
    } else {
        Some(emulator(&mut variables).await?)
    };
    let serving = Serving::start(arguments, variables).await?;
    println!("the function listens on http://{}", serving.address);
    if let Some(emulator) = &emulator {
        println!(
            "it talks to an emulator of AgentCore Runtime on {}",
            emulator.endpoint()
        );
    }
    println!("Ctrl-C stops it.");
    tokio::signal::ctrl_c().await?;
    println!("{}", serving.environments.summary());
    Ok(ExitCode::SUCCESS)
}

/// A function that is being served, for as long as this is kept.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) environments: Arc<Environments>,
    // Dropping it ends the server; the environments' tasks hold on to themselves until the program
    // ends, as Lambda's do until it takes them away.
    _server: JoinSet<()>,
}

impl Serving {
    /// Starts one environment, so that a wrong path or setting shows now, and listens.
    pub(crate) async fn start(
        arguments: &Lambda,
        variables: BTreeMap<String, String>,
    ) -> Result<Self, Failed> {
        let environments = Environments::new(Function {
            binary: arguments.function.clone(),
            variables,
            most: usize::from(arguments.environments),
            at_once: usize::from(arguments.at_once),
            timeout: arguments.timeout,
        });
        environments
            .start_one()
            .map_err(|error| format!("{}: {error}", arguments.function.display()))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
        let address = listener.local_addr()?;
        let router = front::router(Arc::clone(&environments));
        let mut server = JoinSet::new();
        server.spawn(async move {
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            // It never returns of its own.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            environments,
            _server: server,
        })
    }
}

/// Starts an emulator, and sets the variables that lead the function to it.
pub(crate) async fn emulator(variables: &mut BTreeMap<String, String>) -> Result<Emulator, Failed> {
    let mut builder = Emulator::builder().forgetful();
    let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
    for (name, arn, agent) in stock() {
        let name = name.to_ascii_uppercase().replace('-', "_");
        set(&format!("{name}_AGENT_ARN"), arn.clone());
        builder = builder.agent(arn, agent);
    }
    let emulator = builder.start().await?;
    let credentials = Credentials::example();
    set("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", emulator.endpoint());
    set(
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
        emulator.endpoint(),
    );
    set("AWS_ACCESS_KEY_ID", credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key);
    set(
        "AWS_SESSION_TOKEN",
        credentials.session_token.unwrap_or_default(),
    );
    Ok(emulator)
}
