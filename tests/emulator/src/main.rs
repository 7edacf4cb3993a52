//! The emulator as a program, with its stock agents.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use agentcore_emulator::{Credentials, Emulator, stock};

const HELP: &str = "\
A Bedrock AgentCore Runtime on loopback, with a stock of agents

Usage: agentcore-emulator [--port PORT]

Options:
  --port PORT  listen on this port of 127.0.0.1; without it, on any free one
  --help       print this
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Command::parse(env::args().skip(1)) {
        Ok(Command::Help) => io::stdout().write_all(HELP.as_bytes()),
        Ok(Command::Serve { port }) => serve(port).await,
        Err(problem) => {
            print_error(&format!("{problem}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Serve { port: u16 },
}

impl Command {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut port = 0;
        while let Some(argument) = arguments.next() {
            let value = match argument.split_once('=') {
                _ if argument == "--help" || argument == "-h" => return Ok(Self::Help),
                Some(("--port", value)) => Some(value.to_owned()),
                _ if argument == "--port" => arguments.next(),
                _ => return Err(format!("unknown argument {argument:?}")),
            };
            let value = value.ok_or("--port needs a value")?;
            port = value
                .parse()
                .map_err(|_| format!("--port takes a number from 0 to 65535, not {value:?}"))?;
        }
        Ok(Self::Serve { port })
    }
}

async fn serve(port: u16) -> io::Result<()> {
    // Nobody reads its records.
    let mut builder = Emulator::builder().port(port).forgetful();
    for (_, arn, agent) in stock() {
        builder = builder.agent(arn, agent);
    }
    let emulator = builder.start().await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on 127.0.0.1:{port}: {error}"),
        )
    })?;
    announce(&emulator)?;
    tokio::signal::ctrl_c().await?;
    emulator.stop().await;
    Ok(())
}

fn announce(emulator: &Emulator) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let credentials = Credentials::example();
    writeln!(out, "AgentCore Runtime emulator on {}", emulator.endpoint())?;
    writeln!(
        out,
        "\nIt accepts the example credentials of the AWS documentation:"
    )?;
    writeln!(out, "  AWS_ACCESS_KEY_ID={}", credentials.access_key_id)?;
    writeln!(
        out,
        "  AWS_SECRET_ACCESS_KEY={}",
        credentials.secret_access_key
    )?;
    writeln!(out, "\nAgents:")?;
    for (name, arn, _) in stock() {
        writeln!(out, "  {name:12} {arn}")?;
    }
    writeln!(out, "\nCtrl-C stops it.")?;
    out.flush()
}

/// Writes to standard error. If that fails, there is nowhere else to report it.
fn print_error(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_port_may_be_given() {
        assert_eq!(parse(""), Ok(Command::Serve { port: 0 }));
        assert_eq!(parse("--port 8081"), Ok(Command::Serve { port: 8081 }));
        assert_eq!(parse("--port=8081"), Ok(Command::Serve { port: 8081 }));
        assert_eq!(parse("--port 8081 --help"), Ok(Command::Help));
    }

    #[test]
    fn bad_arguments_are_named() {
        assert_eq!(parse("--prot 1"), Err("unknown argument \"--prot\"".into()));
        assert_eq!(parse("--port"), Err("--port needs a value".into()));
        let error = "--port takes a number from 0 to 65535, not \"65536\"";
        assert_eq!(parse("--port 65536"), Err(error.into()));
    }
}
