//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use http::Uri;

/// Puts load on an API of agentcore-bridge, and tells what its callers would see.
///
/// A conversation is a person: asks, reads the reply, thinks, asks again, in one session. With
/// --concurrency so many of them talk at any time (closed model); with --rate so many begin in each
/// second, however long the others take (open model).
#[derive(Debug, Parser)]
#[command(name = "load", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compares two runs that were kept by --save
    Compare(Compare),
    /// Draws a run that was kept by --save, as --svg does
    Plot { run: PathBuf, svg: PathBuf },
    /// A Lambda on this machine: serves the built function under a Runtime API at a function URL
    Lambda(Lambda),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Where the API is: the local run, a stage of API Gateway, a function URL
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub(crate) url: Uri,
    /// The agent to talk to
    #[arg(long, default_value = "echo")]
    pub(crate) agent: String,
    /// How many conversations at any time; several numbers are steps, one after the other
    #[arg(long, value_delimiter = ',', default_value = "10", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) concurrency: Vec<u32>,
    /// In place of that, how many conversations begin in a second
    #[arg(long, value_delimiter = ',', conflicts_with = "concurrency", value_parser = rate)]
    pub(crate) rate: Vec<f64>,
    /// How long each step takes: 30s, 5m, 1h
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// How long a person thinks between a reply and the next prompt, 50 % to 150 % of this
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub(crate) think: Duration,
    /// Prompts in a conversation, which is one session
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) turns: u32,
    /// Whether replies come as streams or as JSON
    #[arg(long, value_enum, default_value = "stream")]
    pub(crate) answer: AnswerKind,
    /// What each prompt says
    #[arg(long, default_value = "When does the harbour open tomorrow?")]
    pub(crate) prompt: String,
    /// How long a reply may take before it counts as failed
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// With --rate, how many conversations may be open before new ones are given up
    #[arg(long, default_value = "10000")]
    pub(crate) max_open: usize,
    /// Signs requests with the credentials of the AWS default chain; the service and region are
    /// those of the address, or SERVICE:REGION, such as execute-api:eu-west-1
    #[arg(long, value_name = "SERVICE:REGION", num_args = 0..=1, default_missing_value = "", value_parser = scope)]
    pub(crate) sigv4: Option<Scope>,
    /// Sends a bearer token; better from the environment, where others do not see it
    #[arg(long, env = "LOAD_BEARER_TOKEN", hide_env_values = true)]
    pub(crate) bearer: Option<String>,
    /// Sends an API key; better from the environment
    #[arg(long, env = "LOAD_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Records memory, descriptors and CPU time of these processes on this machine
    #[arg(long, value_delimiter = ',', value_name = "PID")]
    pub(crate) watch: Vec<u32>,
    /// Prints JSON in place of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Keeps the JSON in a file, for compare
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Draws percentiles and the course of the run
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Repeats a course: arrivals, think times and session ids; without it each run has its own
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    pub(crate) before: PathBuf,
    pub(crate) after: PathBuf,
    /// Ends with 1 where anything got worse by more than so many percent
    #[arg(long)]
    pub(crate) tolerance: Option<f64>,
    /// Prints JSON in place of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Without agents in its environment the function talks to an emulator of AgentCore Runtime.
#[derive(Debug, Args)]
pub(crate) struct Lambda {
    /// The built binary
    #[arg(long, default_value = "target/release/agentcore-bridge")]
    pub(crate) function: PathBuf,
    /// How many processes (execution environments) there may be
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) environments: u16,
    /// How many invocations each takes at once; more than one is a Managed Instance
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) at_once: u16,
    /// The function's timeout
    #[arg(long, default_value = "15m", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Where to listen on 127.0.0.1
    #[arg(long, default_value = "3000")]
    pub(crate) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerKind {
    Stream,
    Json,
}

/// The service and region of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// As the address says.
    OfAddress,
    Named {
        service: String,
        region: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    if text.is_empty() {
        return Ok(Scope::OfAddress);
    }
    match text.split_once(':') {
        Some((service, region)) if !service.is_empty() && !region.is_empty() => Ok(Scope::Named {
            service: service.to_owned(),
            region: region.to_owned(),
        }),
        _ => Err("SERVICE:REGION, such as execute-api:eu-west-1".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate| (0.001..=10_000.0).contains(rate));
    rate.ok_or_else(|| "a number from 0.001 to 10000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("a number with ms, s, m or h".to_owned()),
    };
    let number: f64 = digits
        .parse()
        .map_err(|_| "a number with ms, s, m or h".to_owned())?;
    let seconds = number * factor;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("at most a day".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("30s", 30_000),
            ("2", 2000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "1d", "-1s", "NaN", "25h", "1e9s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let line = "load --url http://127.0.0.1:3000 --agent echo --concurrency 10,100,1000 \
                    --duration 30s --think 2s --turns 5 --json";
        let run = Arguments::parse_from(line.split_whitespace()).run;
        assert_eq!(run.concurrency, [10, 100, 1000]);
        assert!(run.json && run.rate.is_empty());
        assert_eq!(
            (run.duration.as_secs(), run.think.as_secs(), run.turns),
            (30, 2, 5)
        );
    }

    #[test]
    fn both_models_at_once_and_no_load_at_all_are_refused() {
        let parse = |line: &str| Arguments::try_parse_from(line.split_whitespace());
        for line in [
            "load --rate 1 --concurrency 1",
            "load --concurrency 0",
            "load --rate 0",
            "load --turns 0",
            "load --sigv4 lambda",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_signature_is_for_the_address_or_for_what_is_named() {
        let sigv4 = |line: &str| Arguments::parse_from(line.split_whitespace()).run.sigv4;
        assert_eq!(sigv4("load"), None);
        assert_eq!(sigv4("load --sigv4"), Some(Scope::OfAddress));
        let named = Scope::Named {
            service: "lambda".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        assert_eq!(sigv4("load --sigv4 lambda:eu-west-1"), Some(named));
    }
}
