//! Reports the results as a table and as JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::Error;
use crate::arguments::Arguments;
use crate::function::Memory;
use crate::measure::{Measured, Round, Samples};
use crate::programs::Program;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    rounds: usize,
    delay_ms: u64,
    programs: Vec<Size>,
    cases: Vec<Case>,
}

#[derive(Debug, Serialize)]
struct Size {
    name: &'static str,
    zip_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Case {
    case: String,
    programs: Vec<Costs>,
}

/// The cost of a program in a case, absolute and relative to the floor.
#[derive(Debug, Serialize)]
struct Costs {
    program: &'static str,
    costs: Vec<Cost>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Cost {
    name: &'static str,
    value: f64,
    to_floor: Option<f64>,
}

/// The columns of the table. The JSON has all values.
const SHOWN: [&str; 10] = [
    "init CPU, ms",
    "first, ms",
    "first CPU, ms",
    "p50, ms",
    "p90, ms",
    "p99, ms",
    "first chunk p50, ms",
    "CPU, ms",
    "instructions, M",
    "peak memory, MB",
];

const FLOOR: &str = "floor";

impl Report {
    pub(crate) fn new(
        programs: &[Program],
        cases: Vec<Measured>,
        arguments: &Arguments,
    ) -> Result<Self, Error> {
        Ok(Self {
            machine: machine()?,
            rounds: arguments.rounds,
            delay_ms: arguments.delay_ms,
            programs: programs
                .iter()
                .map(|program| Size {
                    name: program.name,
                    zip_bytes: program.zip,
                })
                .collect(),
            cases: cases
                .into_iter()
                .map(|case| of_case(programs, &case))
                .collect(),
        })
    }
}

fn of_case(programs: &[Program], measured: &Measured) -> Case {
    let both = || programs.iter().zip(&measured.samples);
    let floor = both()
        .find(|(program, _)| program.name == FLOOR)
        .and_then(|(_, samples)| samples.as_ref());
    let costs = both().filter_map(|(program, samples)| {
        let samples = samples.as_ref()?;
        Some(Costs {
            program: program.name,
            costs: costs(samples, floor),
        })
    });
    Case {
        case: measured.case.to_string(),
        programs: costs.collect(),
    }
}

fn costs(samples: &Samples, floor: Option<&Samples>) -> Vec<Cost> {
    let costs = COSTS.iter().filter_map(|(name, measure)| {
        Some(Cost {
            name,
            value: measure.value(samples)?,
            to_floor: floor
                .filter(|floor| !std::ptr::eq(*floor, samples))
                .and_then(|floor| measure.ratio(samples, floor)),
        })
    });
    costs.collect()
}

/// How samples are aggregated.
enum Measure {
    /// The median. Ratios are computed for samples taken at about the same time, when the machine
    /// was equally loaded, and their median is reported.
    Median(fn(&Samples) -> Vec<f64>),
    /// A quantile of the durations of all invocations.
    Quantile(f64),
    One(fn(&Samples) -> Option<f64>),
}

use Measure::{Median, One, Quantile};

/// The reported values, with the unit in the name.
const COSTS: [(&str, Measure); 12] = [
    ("init CPU, ms", Median(|all| each(&all.init))),
    ("first, ms", Median(|all| each(&all.first))),
    ("first CPU, ms", Median(|all| each(&all.first_processor))),
    ("p50, ms", Median(|all| medians(all, |round| &round.took))),
    ("p90, ms", Quantile(0.9)),
    ("p99, ms", Quantile(0.99)),
    (
        "first chunk p50, ms",
        Median(|all| medians(all, |round| &round.first_chunk)),
    ),
    (
        "CPU, ms",
        Median(|all| all.rounds.iter().map(|round| ms(round.processor)).collect()),
    ),
    (
        "instructions, M",
        One(|all| Some(all.instructions? as f64 / 1e6)),
    ),
    ("peak memory, MB", One(|all| mb(all, |memory| memory.peak))),
    (
        "anonymous memory, MB",
        One(|all| mb(all, |memory| memory.anonymous)),
    ),
    (
        "proportional memory, MB",
        One(|all| mb(all, |memory| memory.proportional)),
    ),
];

impl Measure {
    fn value(&self, samples: &Samples) -> Option<f64> {
        match self {
            Median(each) => quantile(0.5, each(samples)),
            Quantile(part) => {
                let took = samples.rounds.iter().flat_map(|round| each(&round.took));
                quantile(*part, took.collect())
            }
            One(one) => one(samples),
        }
    }

    fn ratio(&self, samples: &Samples, floor: &Samples) -> Option<f64> {
        match self {
            Median(each) => {
                let pairs = each(samples).into_iter().zip(each(floor));
                quantile(0.5, pairs.map(|(one, floor)| one / floor).collect())
            }
            Quantile(_) | One(_) => Some(self.value(samples)? / self.value(floor)?),
        }
    }
}

fn each(durations: &[Duration]) -> Vec<f64> {
    durations.iter().copied().map(ms).collect()
}

/// The median of each round.
fn medians(samples: &Samples, of: fn(&Round) -> &[Duration]) -> Vec<f64> {
    let rounds = samples.rounds.iter();
    rounds
        .filter_map(|round| quantile(0.5, each(of(round))))
        .collect()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The mean over a program's processes.
fn mb(samples: &Samples, of: fn(&Memory) -> u64) -> Option<f64> {
    let kib: u64 = samples.memory.iter().map(of).sum();
    let count = samples.memory.len();
    (count > 0).then(|| kib as f64 / count as f64 * 1_024.0 / 1e6)
}

fn quantile(part: f64, mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let index = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(index).copied()
}

fn machine() -> Result<String, Error> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
    let name = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let name = name.trim_start_matches(['\t', ' ', ':']);
    let processors = cpuinfo.lines().filter(|line| line.starts_with("processor"));
    let processors = processors.count();
    Ok(format!("{processors} × {name}, Linux {}", kernel.trim()))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; medians of {} rounds", self.machine, self.rounds)?;
        if self.delay_ms > 0 {
            write!(f, "; {} ms before each chunk", self.delay_ms)?;
        }
        let sizes = self.programs.iter().map(|program| {
            let mb = program.zip_bytes as f64 / 1e6;
            format!("{} {mb:.2} MB", program.name)
        });
        let sizes: Vec<_> = sizes.collect();
        writeln!(f, "; in a zip: {}\n", sizes.join(", "))?;

        let costs = || self.cases.iter().flat_map(|case| &case.programs);
        let shown: Vec<_> = SHOWN
            .into_iter()
            .filter(|name| costs().any(|program| program.cost(name).is_some()))
            .collect();
        writeln!(f, "| case | program | {} |", shown.join(" | "))?;
        writeln!(f, "|---|---|{}", "---|".repeat(shown.len()))?;
        for case in &self.cases {
            for program in &case.programs {
                write!(f, "| {} | {} |", case.case, program.program)?;
                for name in &shown {
                    let cost = program.cost(name).map_or_else(String::new, Cost::to_string);
                    write!(f, " {cost} |")?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

impl Costs {
    fn cost(&self, name: &str) -> Option<&Cost> {
        self.costs.iter().find(|cost| cost.name == name)
    }
}

/// The value, and its ratio to the floor's.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.value)?;
        match self.to_floor {
            Some(ratio) => write!(f, " ({ratio:.2})"),
            None => Ok(()),
        }
    }
}
