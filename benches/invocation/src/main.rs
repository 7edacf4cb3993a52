//! Measures what an invocation costs: runs built binaries side by side, with a Runtime API and an
//! AgentCore emulator that are both part of this process.
//!
//! ```sh
//! benches/invocation/run                                      # everything, as a Markdown table
//! benches/invocation/run --only ours,floor --case buffered-plain-20 --instructions
//! benches/invocation/run --ours path/to/bootstrap --json FILE  # another build of ours
//! benches/invocation/run --help
//! ```
//!
//! `run` builds what it measures. `ours` is the product, `floor` the least that such a program can
//! cost, `plain` a straightforward program on common crates. A case is `buffered` or `streamed`,
//! `plain` or `tls`, a number of chunks, and the number of concurrent invocations (each in its own
//! process, as on Lambda): `streamed-tls-400`, `buffered-plain-20-x16`. `managed` is ours with all
//! of them in one process, as on Lambda Managed Instances.
//!
//! Programs take turns in small batches, and each round begins with another one, so that other load
//! on the machine affects all alike. Costs are medians over rounds. Processor time is the kernel's
//! clock of the process, in nanoseconds.

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
mod processors;
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
    // A single thread leaves the other processors to the measured programs.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let kept = processors::keep_one().map_err(Error::from);
    let measured = kept
        .and_then(|()| Ok(runtime?))
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
