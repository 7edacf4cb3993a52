//! The command line.

use crate::own_agents::OwnAgent;

pub(crate) const USAGE: &str = "\
Runs the HTTP API on this machine, with a page to try it.

Usage: cargo local [--port PORT] [--agent NAME=URL]…
       cargo local doctor [--agent NAME=URL]… [--ask [PROMPT]] [--json]

  --port PORT       where to listen on 127.0.0.1 (3000 by default; 0 takes a free port)
  --agent NAME=URL  an agent of your own, without AWS, such as support=ws://localhost:8080/ws;
                    http, https and wss are taken too, and /ws where the URL has no path
  --help            this text

doctor checks the configuration, the credentials, the network and each agent, says what is wrong
and the line that mends it, and exits with 1 where something is.

  --ask [PROMPT]    sends each agent a prompt too (\"Hello\" where none is given)
  --json            prints the findings as JSON

With an <NAME>_AGENT_ARN in the environment or in .env it talks to the real service, with
credentials of the AWS default chain. With --agent it talks to these agents alone. Without either,
it talks to an emulator of its own. See .env.example for all variables.";

const DEFAULT_PORT: u16 = 3000;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Serve { port: u16, agents: Vec<OwnAgent> },
    Doctor(Checkup),
}

/// How the doctor is to look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkup {
    pub(crate) agents: Vec<OwnAgent>,
    /// What each agent is asked, where it is asked something.
    pub(crate) ask: Option<String>,
    pub(crate) as_json: bool,
}

impl Command {
    /// Parses the arguments behind the program's name.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.peekable();
        let is_doctor = arguments.next_if_eq("doctor").is_some();
        let mut port = DEFAULT_PORT;
        let mut checkup = Checkup::default();
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            match name {
                "--help" | "-h" => return Ok(Self::Help),
                "--agent" => {
                    let value = value.or_else(|| arguments.next()).unwrap_or_default();
                    let agent = OwnAgent::parse(&value)?;
                    if checkup.agents.iter().any(|other| other.id == agent.id) {
                        return Err(format!("--agent names {} twice", agent.id));
                    }
                    checkup.agents.push(agent);
                }
                "--port" if !is_doctor => {
                    let value = value.or_else(|| arguments.next()).unwrap_or_default();
                    port = value
                        .parse()
                        .map_err(|_| "--port takes a number from 0 to 65535".to_owned())?;
                }
                "--ask" if is_doctor => {
                    let is_prompt = |next: &String| !next.starts_with("--");
                    let prompt = value.or_else(|| arguments.next_if(is_prompt));
                    checkup.ask = Some(prompt.unwrap_or_else(|| "Hello".to_owned()));
                }
                "--json" if is_doctor && value.is_none() => checkup.as_json = true,
                _ => return Err(format!("unknown argument {argument}")),
            }
        }
        Ok(if is_doctor {
            Self::Doctor(checkup)
        } else {
            let agents = checkup.agents;
            Self::Serve { port, agents }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    fn agent(text: &str) -> OwnAgent {
        OwnAgent::parse(text).unwrap()
    }

    #[test]
    fn the_port_and_any_number_of_agents_may_be_given() {
        let serve = |port, agents| Ok(Command::Serve { port, agents });
        assert_eq!(parse(""), serve(3000, vec![]));
        assert_eq!(parse("--port 8081"), serve(8081, vec![]));
        assert_eq!(
            parse("--agent a=ws://localhost:1 --port=0 --agent=b=http://[::1]:8080/x"),
            serve(
                0,
                vec![
                    agent("a=ws://localhost:1/ws"),
                    agent("b=http://[::1]:8080/x")
                ]
            )
        );
        assert_eq!(parse("--port 8081 --help"), Ok(Command::Help));
    }

    #[test]
    fn the_doctor_may_ask() {
        let doctor = |ask: Option<&str>, as_json| {
            Ok(Command::Doctor(Checkup {
                agents: vec![],
                ask: ask.map(str::to_owned),
                as_json,
            }))
        };
        assert_eq!(parse("doctor"), doctor(None, false));
        assert_eq!(parse("doctor --ask --json"), doctor(Some("Hello"), true));
        assert_eq!(parse("doctor --ask Hi"), doctor(Some("Hi"), false));
        assert_eq!(parse("doctor --ask=Hi"), doctor(Some("Hi"), false));
    }

    #[test]
    fn bad_arguments_are_named() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(error("--prot 1"), "unknown argument --prot");
        assert_eq!(error("--port"), "--port takes a number from 0 to 65535");
        assert_eq!(error("--json"), "unknown argument --json");
        assert_eq!(error("doctor --port 1"), "unknown argument --port");
        assert!(error("--agent").contains("NAME=URL"));
        assert_eq!(
            error("--agent a=ws://h --agent A=ws://h"),
            "--agent names a twice"
        );
    }
}
