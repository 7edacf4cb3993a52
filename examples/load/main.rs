//! The load tool: puts load on a deployment or the local run, and tells what its callers would see.
//!
//! `docs/scaling.md` says how to use it. `arguments` is the command line, `run` a run, `drive` who
//! says what when, `client` and `answer` one turn, `record` what is counted, `report`, `compare` and
//! `plot` what is told. `lambda` serves the built function as AWS Lambda does.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use agentcore_bridge::env::Environment;
use clap::Parser;

use arguments::{Arguments, Command, Compare, Run};
use report::Report;

mod answer;
mod arguments;
mod client;
mod compare;
mod drive;
mod lambda;
mod plot;
mod record;
mod report;
mod run;
mod target;
#[cfg(test)]
mod tests;
mod watch;

type Failed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let env = Environment::of_process();
    let ran = match &arguments.command {
        None => load(&arguments.run, &env.into_iter().collect()).await,
        Some(Command::Compare(compare)) => compared(compare),
        Some(Command::Plot { run, svg }) => drawn(run, svg),
        Some(Command::Lambda(lambda)) => lambda::serve(lambda, env.into_iter().collect()).await,
    };
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn load(run: &Run, env: &Environment) -> Result<ExitCode, Failed> {
    let report = run::run(run, env).await?;
    let json = serde_json::to_string_pretty(&report)?;
    if run.json {
        println!("{json}");
    } else {
        println!("{}", report::text(&report));
    }
    if let Some(path) = &run.save {
        write(path, &json)?;
    }
    if let Some(path) = &run.svg {
        write(path, &plot::svg(&report)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn drawn(run: &Path, svg: &Path) -> Result<ExitCode, Failed> {
    write(svg, &plot::svg(&read(run)?)?)?;
    Ok(ExitCode::SUCCESS)
}

fn compared(arguments: &Compare) -> Result<ExitCode, Failed> {
    let comparison = compare::compare(&read(&arguments.before)?, &read(&arguments.after)?);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        println!("{comparison}");
    }
    let Some(tolerance) = arguments.tolerance else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut worse = false;
    for (step, line) in comparison.worse(tolerance) {
        worse = true;
        eprintln!("{step}: {} is {:.0} % worse", line.name, line.worse_percent);
    }
    Ok(if worse {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn read(path: &Path) -> Result<Report, Failed> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let report = serde_json::from_str(&text);
    Ok(report.map_err(|error| format!("{} is no run that was kept: {error}", path.display()))?)
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    Ok(fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?)
}
