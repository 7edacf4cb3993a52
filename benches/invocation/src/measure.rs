//! Measures one case: first the starts of each program, then rounds in which the programs take
//! turns.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::Error;
use crate::agentcore::AgentCore;
use crate::arguments::Arguments;
use crate::callgrind;
use crate::case::Case;
use crate::function::{Function, Memory};
use crate::programs::Program;

/// The samples of a program in one case. Samples of different programs at the same index were taken
/// one after the other.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Processor time until a process first asks for work, one for each start.
    pub(crate) init: Vec<Duration>,
    /// The duration and processor time of a process's first invocation.
    pub(crate) first: Vec<Duration>,
    pub(crate) first_processor: Vec<Duration>,
    pub(crate) rounds: Vec<Round>,
    /// The memory of all processes, at the end.
    pub(crate) memory: Vec<Memory>,
    pub(crate) instructions: Option<u64>,
}

/// Further invocations of warm processes.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The duration of each, and the time to its first chunk if streamed.
    pub(crate) took: Vec<Duration>,
    pub(crate) first_chunk: Vec<Duration>,
    /// Processor time per invocation.
    pub(crate) processor: Duration,
}

pub(crate) struct Measured {
    pub(crate) case: Case,
    /// One entry per program; `None` for a program that is not part of this case.
    pub(crate) samples: Vec<Option<Samples>>,
}

/// The processes of a program.
struct Running {
    functions: Vec<Arc<Function>>,
    /// The number of concurrent invocations per process.
    workers: usize,
}

pub(crate) async fn case(
    case: Case,
    programs: &[Program],
    arguments: &Arguments,
) -> Result<Measured, Error> {
    let agentcore = AgentCore::start(case, arguments.delay_ms).await?;
    let mut variables = agentcore.variables.clone();
    variables.push(("INVOKE_MODE", case.invoke_mode().to_owned()));
    let event: Arc<str> = case.event().into();

    let mut samples: Vec<_> = programs
        .iter()
        .map(|program| program.is_in(case).then(Samples::default))
        .collect();
    for start in 0..arguments.starts {
        for (program, samples) in turns(programs, &mut samples, start) {
            let (_, workers) = program.processes(case.at_once);
            let function = Function::start(program.command(), workers, &variables).await?;
            let init = function.processor_time().await?;
            let answer = function.invoke(&event).await?;
            case.check(&answer.body)?;
            samples.init.push(init);
            samples.first.push(answer.took);
            let taken = function.processor_time().await?.saturating_sub(init);
            samples.first_processor.push(taken);
        }
    }

    let mut running = Vec::new();
    for program in programs {
        running.push(Running::start(program, case, &variables).await?);
    }
    let batch = batch(case, arguments.invocations);
    for round in 0..=arguments.rounds {
        for (running, samples) in turns(&running, &mut samples, round) {
            let seen = running.round(case, &event, batch).await?;
            // The first round is a warm-up.
            if round > 0 {
                samples.rounds.push(seen);
            }
        }
    }
    for (running, samples) in turns(&running, &mut samples, 0) {
        for function in &running.functions {
            samples.memory.push(function.memory()?);
        }
    }
    drop(running);

    if arguments.instructions && case.at_once == 1 {
        for (program, samples) in turns(programs, &mut samples, 0) {
            let counted = callgrind::instructions(program, case, &variables).await?;
            samples.instructions = Some(counted);
        }
    }
    Ok(Measured { case, samples })
}

/// The programs of the case, rotated so that each round begins with another one.
fn turns<'a, T>(
    all: &'a [T],
    samples: &'a mut [Option<Samples>],
    round: usize,
) -> impl Iterator<Item = (&'a T, &'a mut Samples)> {
    let mut both: Vec<_> = all
        .iter()
        .zip(samples)
        .filter_map(|(one, samples)| Some((one, samples.as_mut()?)))
        .collect();
    let count = both.len().max(1);
    both.rotate_left(round % count);
    both.into_iter()
}

/// The number of consecutive invocations per round, for each concurrent one.
fn batch(case: Case, invocations: usize) -> usize {
    let of_one = if case.chunks > 100 {
        invocations.div_ceil(4)
    } else {
        invocations
    };
    of_one.div_ceil(case.at_once).max(2)
}

impl Running {
    async fn start(
        program: &Program,
        case: Case,
        variables: &[(&'static str, String)],
    ) -> Result<Self, Error> {
        let (processes, workers) = program.processes(case.at_once);
        let mut functions = Vec::new();
        if program.is_in(case) {
            for _ in 0..processes {
                let function = Function::start(program.command(), workers, variables).await?;
                functions.push(Arc::new(function));
            }
        }
        Ok(Self { functions, workers })
    }

    async fn round(&self, case: Case, event: &Arc<str>, batch: usize) -> Result<Round, Error> {
        let before = self.processor_time().await?;
        let mut callers = JoinSet::new();
        for function in &self.functions {
            for _ in 0..self.workers {
                let (function, event) = (Arc::clone(function), Arc::clone(event));
                callers.spawn(async move {
                    let mut answers = Vec::new();
                    for _ in 0..batch {
                        answers.push(function.invoke(&event).await?);
                    }
                    Ok::<_, Error>(answers)
                });
            }
        }
        let mut answers = Vec::new();
        while let Some(of_caller) = callers.join_next().await {
            answers.append(&mut of_caller??);
        }
        let taken = self.processor_time().await?.saturating_sub(before);
        let mut round = Round {
            processor: taken / u32::try_from(answers.len())?,
            ..Round::default()
        };
        for answer in answers {
            case.check(&answer.body)?;
            round.took.push(answer.took);
            round.first_chunk.extend(answer.first_chunk);
        }
        Ok(round)
    }

    async fn processor_time(&self) -> Result<Duration, Error> {
        let mut sum = Duration::ZERO;
        for function in &self.functions {
            sum += function.processor_time().await?;
        }
        Ok(sum)
    }
}
