//! Two runs side by side.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::report::{Report, Step, duration};

/// What changed, step by step.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) steps: Vec<ComparedStep>,
    /// Steps that one of the runs has alone.
    pub(crate) unmatched: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ComparedStep {
    pub(crate) step: String,
    pub(crate) lines: Vec<Line>,
}

/// One number of both runs.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// How much worse it is, in percent of before; negative where it is better.
    pub(crate) worse_percent: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Ms,
    Percent,
    PerSecond,
}

/// Compares the steps that both runs have.
pub(crate) fn compare(before: &Report, after: &Report) -> Comparison {
    let mut steps = Vec::new();
    let mut unmatched = Vec::new();
    let has = |report: &Report, name: &str| report.steps.iter().any(|step| step.name() == name);
    for step in &before.steps {
        match after.steps.iter().find(|other| other.name() == step.name()) {
            Some(other) => steps.push(ComparedStep {
                step: step.name(),
                lines: lines(step, other),
            }),
            None => unmatched.push(format!("{} (before alone)", step.name())),
        }
    }
    for step in after.steps.iter().filter(|step| !has(before, &step.name())) {
        unmatched.push(format!("{} (after alone)", step.name()));
    }
    Comparison { steps, unmatched }
}

fn lines(before: &Step, after: &Step) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, was) in before.times() {
        let Some((_, is)) = after.times().find(|(other, _)| *other == name) else {
            continue;
        };
        for (quantile, was, is) in [
            ("p50", was.p50_ms, is.p50_ms),
            ("p90", was.p90_ms, is.p90_ms),
            ("p99", was.p99_ms, is.p99_ms),
        ] {
            lines.push(line(format!("{name} {quantile}"), Unit::Ms, was, is));
        }
    }
    let shares = (before.error_share * 100.0, after.error_share * 100.0);
    lines.push(line("errors".to_owned(), Unit::Percent, shares.0, shares.1));
    let (was, is) = (before.turns_per_s, after.turns_per_s);
    lines.push(line("turns".to_owned(), Unit::PerSecond, was, is));
    if let (Some(was), Some(is)) = (&before.process, &after.process) {
        let name = "CPU a turn".to_owned();
        lines.push(line(name, Unit::Ms, was.cpu_ms_a_turn, is.cpu_ms_a_turn));
    }
    lines
}

fn line(name: String, unit: Unit, before: f64, after: f64) -> Line {
    // Something where there was nothing is infinitely more, which JSON cannot say.
    let more_percent = ((after - before) / before.max(1e-9) * 100.0).min(1e6);
    // More turns are better, more of anything else is worse.
    let worse_percent = if unit == Unit::PerSecond {
        -more_percent
    } else {
        more_percent
    };
    Line {
        name,
        unit,
        before,
        after,
        worse_percent,
    }
}

impl Comparison {
    /// What got worse by more than so many percent.
    pub(crate) fn worse(&self, tolerance: f64) -> impl Iterator<Item = (&str, &Line)> {
        self.steps.iter().flat_map(move |step| {
            let worse = step
                .lines
                .iter()
                .filter(move |line| line.worse_percent > tolerance);
            worse.map(|line| (step.step.as_str(), line))
        })
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "\n{:32}{:>12}{:>12}", step.step, "before", "after")?;
            for line in &step.lines {
                let [before, after] = [line.before, line.after].map(|value| line.unit.write(value));
                write!(f, "  {:30}{before:>12}{after:>12}", line.name)?;
                match line.worse_percent {
                    worse if worse.abs() < 0.5 => writeln!(f, "   the same")?,
                    worse if worse < 0.0 => writeln!(f, "   {:.0} % better", -worse)?,
                    worse => writeln!(f, "   {worse:.0} % worse")?,
                }
            }
        }
        for name in &self.unmatched {
            writeln!(f, "\nnot compared: {name}")?;
        }
        Ok(())
    }
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Ms => duration(value),
            Self::Percent => format!("{value:.2} %"),
            Self::PerSecond => format!("{value:.1}/s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn a_slower_run_is_worse_and_a_faster_one_better() {
        let comparison = compare(&report(100.0), &report(150.0));
        let worse: Vec<_> = comparison
            .worse(10.0)
            .map(|(_, line)| line.name.as_str())
            .collect();
        assert!(worse.contains(&"first piece p99"), "{worse:?}");
        assert!(!worse.contains(&"errors"), "{worse:?}");
        assert_eq!(comparison.worse(50.1).count(), 0);
        assert_eq!(
            compare(&report(150.0), &report(100.0)).worse(0.0).count(),
            0
        );
        let text = comparison.to_string();
        let line = "first piece p50                     100 ms      150 ms   50 % worse";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn fewer_turns_are_worse_and_errors_where_there_were_none_too() {
        let (mut before, mut after) = (report(1.0), report(1.0));
        (before.steps[0].error_share, after.steps[0].turns_per_s) = (0.0, 1.0);
        let comparison = compare(&before, &after);
        let worse: Vec<_> = comparison
            .worse(10.0)
            .map(|(_, line)| line.name.as_str())
            .collect();
        assert_eq!(worse, ["errors", "turns"]);
    }

    #[test]
    fn steps_of_one_run_alone_are_named() {
        let (before, mut after) = (report(1.0), report(1.0));
        after.steps[0].conversations = Some(100);
        let comparison = compare(&before, &after);
        let expected = [
            "10 conversations (before alone)",
            "100 conversations (after alone)",
        ];
        assert_eq!(comparison.unmatched, expected);
        assert!(comparison.steps.is_empty());
    }
}
