//! A run: its steps one after the other, watched.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentcore_bridge::agentcore::wire::Connector;
use agentcore_bridge::agentcore::wire::tls::{self, RootCertificates};
use agentcore_bridge::env::Environment;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::arguments::{AnswerKind, Run};
use crate::drive::Driver;
use crate::record::Record;
use crate::report::{Report, Step};
use crate::target::{Refused, Target};
use crate::watch::Watch;

/// The course of a step has at most so many points, and one in a second at most.
const POINTS: u32 = 360;

/// Runs all steps. Ctrl-C ends the step that is under way, and what it has is reported.
pub(crate) async fn run(run: &Run, env: &Environment) -> Result<Report, Refused> {
    let tls = tls::client_config(RootCertificates::from_env(env).load()?);
    let target = Arc::new(Target::new(run, env, Connector::new(Arc::clone(&tls)))?);
    let seed = run.seed.unwrap_or_else(rand::random);
    let driver = |number: usize, record: &Arc<Mutex<Record>>, end| Driver {
        target: Arc::clone(&target),
        tls: Arc::clone(&tls).into(),
        turns: run.turns,
        think: run.think,
        timeout: run.timeout,
        // Another for each step, or the first people of each would have the same sessions.
        seed: seed.wrapping_add(number as u64),
        record: Arc::clone(record),
        end,
    };
    let closed = run.concurrency.iter().map(|number| Load::Closed(*number));
    let open = run.rate.iter().map(|rate| Load::Open(*rate));
    let loads: Vec<_> = if run.rate.is_empty() {
        closed.collect()
    } else {
        open.collect()
    };
    let mut report = Report {
        url: run.url.to_string(),
        agent: run.agent.clone(),
        answer: match run.answer {
            AnswerKind::Stream => "stream".to_owned(),
            AnswerKind::Json => "json".to_owned(),
        },
        think_ms: run.think.as_secs_f64() * 1000.0,
        turns_a_conversation: run.turns,
        steps: Vec::new(),
    };
    for (number, load) in loads.into_iter().enumerate() {
        let driver = |record: &_, end| driver(number, record, end);
        let (step, interrupted) = step(run, load, driver).await?;
        report.steps.push(step);
        if interrupted {
            break;
        }
    }
    Ok(report)
}

#[derive(Clone, Copy, Debug)]
enum Load {
    Closed(u32),
    Open(f64),
}

async fn step(
    run: &Run,
    load: Load,
    driver: impl Fn(&Arc<Mutex<Record>>, Instant) -> Driver,
) -> Result<(Step, bool), Refused> {
    let mut watch = Watch::new(&run.watch).map_err(|error| format!("--watch: {error}"))?;
    let began = Instant::now();
    let slot = (run.duration / POINTS).max(Duration::from_secs(1));
    let record = Arc::new(Mutex::new(Record::new(began, run.duration, slot)));
    let driver = driver(&record, began + run.duration);
    let driving = async {
        match load {
            Load::Closed(number) => driver.closed(number).await,
            Load::Open(rate) => driver.open(rate, run.max_open).await,
        }
    };
    let second = Duration::from_secs(1);
    let mut seconds = interval_at(began + second, second);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let bar = bar(run.duration);
    let interrupted = tokio::select! {
        () = driving => false,
        () = async {
            let mut next = slot;
            loop {
                let at = seconds.tick().await - began;
                if at >= next {
                    watch.sample();
                    next += slot;
                }
                show(&bar, &record, at);
            }
        } => false,
        _ = tokio::signal::ctrl_c() => true,
    };
    bar.finish_and_clear();
    watch.sample();
    drop(driver);
    let took = began.elapsed();
    let record = std::mem::replace(
        &mut *record.lock().unwrap_or_else(PoisonError::into_inner),
        Record::new(began, run.duration, slot),
    );
    let think = matches!(load, Load::Closed(_)).then_some(run.think);
    let mut step = record.step(took, think);
    match load {
        Load::Closed(number) => step.conversations = Some(number),
        Load::Open(rate) => step.rate = Some(rate),
    }
    step.process = watch.finish(step.turns, &mut step.timeline);
    Ok((step, interrupted))
}

fn bar(duration: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {msg}");
    let bar = ProgressBar::new(duration.as_secs());
    // The template is a constant that the library accepts; its own look would do too.
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, record: &Mutex<Record>, at: Duration) {
    let record = record.lock().unwrap_or_else(PoisonError::into_inner);
    let errors: u64 = record.errors.values().sum();
    let median = crate::report::duration(record.median_ms());
    bar.set_message(format!(
        "{} turns, {errors} errors, p50 {median}",
        record.turns
    ));
    bar.set_position(at.as_secs());
}
