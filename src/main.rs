//! The AWS Lambda function.

use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use agentcore_bridge::api::Api;
use agentcore_bridge::config::{Config, ConfigError, Environment, InvokeMode};
use agentcore_bridge::telemetry::{self, Format, Output};
use agentcore_bridge::{bridge, lambda};

fn main() -> ExitCode {
    let env = Environment::of_process();
    let ran = lambda::runtime(&env)
        .map_err(Into::into)
        .and_then(|rt| rt.block_on(run(&env)));
    let Err(error) = ran else {
        return ExitCode::SUCCESS;
    };
    // Standard error may be closed; there is nobody else to tell.
    let _ = writeln!(std::io::stderr(), "agentcore-bridge: {error}");
    ExitCode::FAILURE
}

async fn run(env: &Environment) -> Result<(), lambda_http::Error> {
    match start(env) {
        Ok((api, mode)) if lambda::is_here(env) => lambda::run(api, mode, now).await,
        Ok(_) => Err(lambda::NOT_ON_LAMBDA.into()),
        Err(error) => {
            Output.line(&telemetry::configuration_error(&error, now()));
            if !lambda::is_here(env) {
                return Err(format!("{error}\n{}", lambda::NOT_ON_LAMBDA).into());
            }
            lambda::report_init_error(&error).await;
            Err(error.into())
        }
    }
}

fn start(env: &Environment) -> Result<(Api, InvokeMode), ConfigError> {
    let config = Config::from_env(env)?;
    if lambda::is_here(env) {
        lambda::check_environment(env)?;
        telemetry::init(config.log_level, Format::Json, now);
        telemetry::misconfigured_agents(&config.agents);
    }
    let metrics = lambda::metrics(&config, env, now);
    let api = bridge::api(&config, env, Some(metrics), now)?;
    Ok((api, config.invoke_mode))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock, handed to all who need the time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
