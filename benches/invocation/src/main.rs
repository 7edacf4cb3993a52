//! What an invocation costs: built binaries side by side, behind a Runtime API and in front of an
//! AgentCore emulator that are both in this process.
//!
//! ```sh
//! benches/invocation/run                                      # everything, as a Markdown table
//! benches/invocation/run --only ours,floor --case buffered-plain-20 --instructions
//! benches/invocation/run --ours path/to/bootstrap --json FILE  # another build of ours
//! benches/invocation/run --help
//! ```
//!
//! `run` builds what it measures. `ours` is the product, `floor` the least that such a program can
//! cost, `plain` what one writes with the usual crates and no further thought. A case is
//! `buffered` or `streamed`, `plain` or `tls`, a number of chunks, and how many invocations there
//! are at once (one process for each, as Lambda does it): `streamed-tls-400`,
//! `buffered-plain-20-x16`. `managed` is ours with all of these in one process, as Lambda Managed
//! Instances have it.
//!
//! Programs take turns in small batches, each round beginning with another, so that what else the
//! machine does hits all alike. Costs are medians over rounds. Processor time is the kernel's clock
//! of the process, in nanoseconds.

use std::process::ExitCode;

use arguments::Arguments;
use programs::Program;

mod agentcore;
mod arguments;
mod callgrind;
mod case;
mod function;
mod http;
mod measure;
mod programs;
mod report;
mod runtime_api;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("invocation: {problem}\n\n{}", arguments::HELP);
            return ExitCode::from(2);
        }
    };
    // One thread: what is measured has the other processors for itself.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let measured = runtime
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("invocation: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Error> {
    let mut arguments = arguments.clone();
    if arguments.instructions && !callgrind::is_there().await {
        eprintln!("** instructions are NOT counted: there is no valgrind here");
        arguments.instructions = false;
    }
    let arguments = &arguments;
    let programs = Program::all(arguments)?;
    let mut cases = Vec::new();
    for case in &arguments.cases {
        eprintln!("{case}");
        cases.push(measure::case(*case, &programs, arguments).await?);
    }
    let report = report::Report::new(&programs, cases, arguments)?;
    println!("{report}");
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}
