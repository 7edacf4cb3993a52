//! AWS Lambda on this machine, as far as load meets it: a function URL, execution environments that
//! take one invocation at a time (or several, as Managed Instances do), cold starts, and a 429 where
//! all of them are busy.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use agentcore_emulator::{Credentials, Emulator, stock};
use tokio::net::TcpListener;

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
    let environments = Environments::new(Function {
        binary: arguments.function.clone(),
        variables,
        most: usize::from(arguments.environments),
        at_once: usize::from(arguments.at_once),
        timeout: arguments.timeout,
    });
    // The first one starts now, so that a wrong path or setting shows now.
    environments.start_one()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    println!("the function listens on http://{}", listener.local_addr()?);
    if let Some(emulator) = &emulator {
        println!(
            "it talks to an emulator of AgentCore Runtime on {}",
            emulator.endpoint()
        );
    }
    println!("Ctrl-C stops it.");
    let router = front::router(Arc::clone(&environments));
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served?,
        _ = tokio::signal::ctrl_c() => {}
    }
    println!("{}", environments.summary());
    Ok(ExitCode::SUCCESS)
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
