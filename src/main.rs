//! The AWS Lambda function.

use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use agentcore_bridge::config::{Config, ConfigError, Environment};
use agentcore_bridge::telemetry::{self, Format};
use agentcore_bridge::{bridge, lambda};

fn main() -> ExitCode {
    let env = Environment::of_process();
    // One invocation at a time, which mostly waits: a second thread would only cost.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ran = match runtime {
        Ok(runtime) => runtime.block_on(run(&env)),
        Err(error) => Err(error.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(std::io::stderr(), "agentcore-bridge: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(env: &Environment) -> Result<(), lambda_http::Error> {
    let started = Config::from_env(env).and_then(|config| {
        telemetry::init(config.log_level, Format::Json);
        telemetry::misconfigured_agents(&config.agents);
        bridge::api(&config, env, now)
    });
    let api = match started {
        Ok(api) => api,
        Err(error) => return Err(stop(env, error).await),
    };
    if env.get(lambda::RUNTIME_API).is_none() {
        return Err(lambda::NOT_ON_LAMBDA.into());
    }
    lambda::run(api, now).await
}

/// Says why the function cannot start, to who reads the log and to Lambda.
async fn stop(env: &Environment, error: ConfigError) -> lambda_http::Error {
    let line = telemetry::configuration_error(&error, now());
    let _ = writeln!(std::io::stdout(), "{line}");
    if env.get(lambda::RUNTIME_API).is_some() {
        lambda::report_init_error(&error).await;
    }
    error.into()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock, handed to all who need the time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
