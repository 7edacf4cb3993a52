//! The numbers, as a table and as JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::Error;
use crate::arguments::Arguments;
use crate::measure::{Measured, Samples};
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

/// What a program costs in a case, and in times of the floor.
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
    let mut costs = Vec::new();
    for (name, cost) in COSTS {
        if let Some(value) = cost(samples) {
            let to_floor = floor.and_then(cost).map(|floor| value / floor);
            costs.push(Cost {
                name,
                value,
                to_floor,
            });
        }
    }
    costs
}

type Measure = fn(&Samples) -> Option<f64>;

/// What is told of a program, with the unit in the name.
const COSTS: [(&str, Measure); 12] = [
    ("init CPU, ms", |all| at(0.5, &all.init)),
    ("first, ms", |all| at(0.5, &all.first)),
    ("first CPU, ms", |all| at(0.5, &all.first_processor)),
    ("p50, ms", |all| at(0.5, &all.took)),
    ("p90, ms", |all| at(0.9, &all.took)),
    ("p99, ms", |all| at(0.99, &all.took)),
    ("first chunk p50, ms", |all| at(0.5, &all.first_chunk)),
    ("CPU, ms", |all| at(0.5, &all.processor)),
    ("instructions, M", |all| {
        all.instructions.map(|count| count as f64 / 1e6)
    }),
    ("peak memory, MiB", |all| {
        mib(all.memory.iter().map(|memory| memory.peak))
    }),
    ("anonymous memory, MiB", |all| {
        mib(all.memory.iter().map(|memory| memory.anonymous))
    }),
    ("shared out memory, MiB", |all| {
        mib(all.memory.iter().map(|memory| memory.proportional))
    }),
];

/// The mean of a program's processes.
fn mib(kib: impl Iterator<Item = u64>) -> Option<f64> {
    let kib: Vec<_> = kib.collect();
    let sum: u64 = kib.iter().sum();
    (!kib.is_empty()).then(|| sum as f64 / kib.len() as f64 / 1024.0)
}

/// The quantile of samples, in milliseconds.
fn at(part: f64, samples: &[Duration]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort();
    let index = ((sorted.len() as f64 - 1.0) * part).round() as usize;
    sorted.get(index).map(|sample| sample.as_secs_f64() * 1e3)
}

fn machine() -> Result<String, Error> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
    let names = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("model name"));
    let name = names.clone().next().unwrap_or("unknown processor");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let name = name.trim_start_matches(['\t', ' ', ':']);
    let processors = std::thread::available_parallelism()?;
    Ok(format!("{processors} × {name}, Linux {}", kernel.trim()))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {} rounds", self.machine, self.rounds)?;
        if self.delay_ms > 0 {
            writeln!(f, "{} ms before each chunk", self.delay_ms)?;
        }
        let floor = self.programs.iter().find(|program| program.name == FLOOR);
        writeln!(f, "\n| program | zip, MB |\n|---|---|")?;
        for program in &self.programs {
            let mb = program.zip_bytes as f64 / 1e6;
            let to_floor = floor.map(|floor| mb / (floor.zip_bytes as f64 / 1e6));
            writeln!(f, "| {} | {} |", program.name, cell(mb, to_floor))?;
        }
        for case in &self.cases {
            case.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n| {} |", self.case)?;
        for program in &self.programs {
            write!(f, " {} |", program.program)?;
        }
        writeln!(f, "\n|---|{}", "---|".repeat(self.programs.len()))?;
        for (name, _) in COSTS {
            let of = |program: &Costs| program.costs.iter().find(|cost| cost.name == name).copied();
            let cells: Vec<_> = self.programs.iter().map(of).collect();
            if cells.iter().any(Option::is_some) {
                write!(f, "| {name} |")?;
                for one in cells {
                    let one = one.map_or_else(String::new, |cost| cell(cost.value, cost.to_floor));
                    write!(f, " {one} |")?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// A number, and in times of the floor's.
fn cell(value: f64, to_floor: Option<f64>) -> String {
    match to_floor {
        Some(ratio) => format!("{value:.3} ({ratio:.2})"),
        None => format!("{value:.3}"),
    }
}
