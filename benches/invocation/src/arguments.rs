//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use crate::case::Case;

pub(crate) const HELP: &str = "\
What an invocation costs, beside a lean program and a plain one

Usage: benches/invocation/run [OPTIONS]

Options:
  --ours PATH        measure this binary as ours, instead of building it
  --only NAMES       of ours, managed, floor and plain, only these (comma-separated)
  --case NAMES       these cases, for instance buffered-plain-20,streamed-tls-400-x16; `all` is
                     every one, not only some of those with several at once
  --rounds N         rounds of each case [default: 20]
  --invocations N    invocations in a round, of each program [default: 25; a quarter for 400 chunks]
  --starts N         processes that are started for init and first invocation [default: 11]
  --delay-ms N       the agent's pause before each chunk [default: 0]
  --instructions     count instructions too, by callgrind
  --json FILE        write all numbers there
  --help             print this";

/// What to measure, and how.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) ours: PathBuf,
    pub(crate) floor: PathBuf,
    pub(crate) plain: PathBuf,
    /// Names of programs; empty for all.
    pub(crate) only: Vec<String>,
    pub(crate) cases: Vec<Case>,
    pub(crate) rounds: usize,
    pub(crate) invocations: usize,
    pub(crate) starts: usize,
    pub(crate) delay_ms: u64,
    pub(crate) instructions: bool,
    pub(crate) json: Option<PathBuf>,
}

impl Arguments {
    /// Parses the arguments; `None` if help was requested.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Self {
            ours: PathBuf::new(),
            floor: PathBuf::new(),
            plain: PathBuf::new(),
            only: Vec::new(),
            cases: Case::usual(),
            rounds: 20,
            invocations: 25,
            starts: 11,
            delay_ms: 0,
            instructions: false,
            json: None,
        };
        while let Some(name) = given.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--instructions" => {
                    arguments.instructions = true;
                    continue;
                }
                _ => {}
            }
            let value = given.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--ours" => arguments.ours = value.into(),
                "--floor" => arguments.floor = value.into(),
                "--plain" => arguments.plain = value.into(),
                "--json" => arguments.json = Some(value.into()),
                "--only" => arguments.only = list(&value)?,
                "--case" if value == "all" => arguments.cases = Case::all(),
                "--case" => arguments.cases = list(&value)?,
                "--rounds" => arguments.rounds = number(&name, &value)?,
                "--invocations" => arguments.invocations = number(&name, &value)?,
                "--starts" => arguments.starts = number(&name, &value)?,
                "--delay-ms" => {
                    let delay = value.parse();
                    arguments.delay_ms = delay.map_err(|_| format!("{value:?} is no number"))?;
                }
                _ => return Err(format!("unknown argument {name:?}")),
            }
        }
        Ok(Some(arguments))
    }
}

fn list<T: FromStr<Err: ToString>>(text: &str) -> Result<Vec<T>, String> {
    let parts = text.split(',');
    parts
        .map(|part| part.parse().map_err(|error: T::Err| error.to_string()))
        .collect()
}

fn number(name: &str, value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{name} takes a number above 0, not {value:?}"))
}
