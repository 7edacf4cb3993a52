//! The AWS Lambda function that CodeDeploy calls before it moves callers to a new version.

use std::process::ExitCode;
use std::time::SystemTime;

use agentcore_bridge::env::Environment;
use agentcore_bridge::telemetry::{self, LogFormat, LogLevel, Output};
use agentcore_bridge::{bridge, lambda};

fn main() -> ExitCode {
    let env = Environment::of_process();
    telemetry::report_early_panics(now);
    let code = match lambda::runtime(&env) {
        Ok(runtime) => runtime.block_on(run(&env)),
        Err(error) => {
            Output.line(telemetry::fatal(&error, now()));
            ExitCode::FAILURE
        }
    };
    Output.flush();
    code
}

async fn run(env: &Environment) -> ExitCode {
    telemetry::init(LogLevel::default(), LogFormat::Json, now);
    let hook = match bridge::hook(env, now) {
        Ok(hook) => hook,
        Err(error) => {
            Output.line(telemetry::configuration_error(&error, now()));
            lambda::report_init_error(env, &error).await;
            return ExitCode::FAILURE;
        }
    };
    match lambda::run_hook(hook, env, now).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Output.line(telemetry::fatal(&error, now()));
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only clock, passed to everything that needs the time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
