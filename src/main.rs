//! The AWS Lambda function.

use std::alloc::System;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use agentcore_bridge::api::Api;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::{ConfigError, Environment};
use agentcore_bridge::lambda::InvokeMode;
use agentcore_bridge::telemetry::{self, LogFormat, Output};
use agentcore_bridge::{bridge, lambda};
use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed. Tokens, prompts and replies go through buffers of libraries, which leave copies
/// of them behind: there is no other place where all of them pass.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let env = Environment::of_process();
    if lambda::is_here(&env) {
        telemetry::report_early_panics(now);
    }
    let code = match lambda::runtime(&env) {
        Ok(runtime) => {
            let code = runtime.block_on(run(&env));
            // A blocking DNS lookup must not delay the end of the process.
            runtime.shutdown_background();
            code
        }
        Err(error) => fail(&env, &error),
    };
    Output.flush();
    code
}

async fn run(env: &Environment) -> ExitCode {
    let (api, mode) = match start(env).await {
        Ok(started) => started,
        Err(error) => {
            Output.line(telemetry::configuration_error(&error, now()));
            if lambda::is_here(env) {
                lambda::report_init_error(env, &error).await;
            } else {
                print_error(&format!("{error}\n{}", lambda::NOT_ON_LAMBDA));
            }
            return ExitCode::FAILURE;
        }
    };
    if !lambda::is_here(env) {
        print_error(lambda::NOT_ON_LAMBDA);
        return ExitCode::FAILURE;
    }
    match lambda::run(api, mode, env, now).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(env, &error),
    }
}

async fn start(env: &Environment) -> Result<(Api, InvokeMode), ConfigError> {
    let config = Config::from_env(env)?;
    if lambda::is_here(env) {
        telemetry::init(config.log_level, LogFormat::Json, now);
        telemetry::misconfigured_agents(&config.agents);
    }
    let metrics = lambda::metrics(config.metrics_namespace.clone(), env, now);
    let api = bridge::api(&config, env, Some(metrics), now).await?;
    Ok((api, config.invoke_mode))
}

/// Reports a fatal error: on Lambda as a JSON log line, elsewhere as text on standard error.
fn fail(env: &Environment, error: &(dyn Error + 'static)) -> ExitCode {
    if lambda::is_here(env) {
        Output.line(telemetry::fatal(error, now()));
    } else {
        print_error(&error.to_string());
    }
    ExitCode::FAILURE
}

fn print_error(text: &str) {
    // Standard error may be closed, and then there is nowhere to report that.
    let _ = writeln!(std::io::stderr(), "agentcore-bridge: {text}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only clock, passed to everything that needs the time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
