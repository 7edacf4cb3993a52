//! The report of a run: as JSON, and as text.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// A run. What `--json` prints, `--save` keeps and `compare` reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) url: String,
    pub(crate) agent: String,
    /// `stream` or `json`.
    pub(crate) answer: String,
    pub(crate) think_ms: f64,
    pub(crate) turns_a_conversation: u32,
    pub(crate) steps: Vec<Step>,
}

/// What one number of conversations, or one rate of them, met.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Step {
    /// In the closed model.
    pub(crate) conversations: Option<u32>,
    /// In the open model, that of conversations that begin in a second.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) turns: u64,
    pub(crate) turns_per_s: f64,
    pub(crate) error_share: f64,
    pub(crate) throttled_429: u64,
    pub(crate) unavailable_503: u64,
    /// All that begin with 5, the 503 too.
    pub(crate) server_errors: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    /// From when a prompt was due to the first text.
    pub(crate) first_piece: Option<Percentiles>,
    /// With the times of those who would have asked while others waited. Closed model alone.
    pub(crate) first_piece_corrected: Option<Percentiles>,
    /// To the end of replies that were complete.
    pub(crate) whole: Option<Percentiles>,
    pub(crate) whole_corrected: Option<Percentiles>,
    /// From the bridge to the agent, as its `Server-Timing` says.
    pub(crate) agent_connection: Option<Percentiles>,
    /// How late the tool itself was.
    pub(crate) tool_lag: Option<Percentiles>,
    /// The shares that meet the design's targets.
    pub(crate) first_below_2_s: Option<f64>,
    pub(crate) whole_below_10_s: Option<f64>,
    pub(crate) connection_below_1_s: Option<f64>,
    pub(crate) process: Option<ProcessUse>,
    pub(crate) timeline: Vec<Moment>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) mean_ms: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// Quantiles from 0 to 1, each with its time in milliseconds.
    pub(crate) curve: Vec<[f64; 2]>,
}

/// What the watched processes took together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ProcessUse {
    pub(crate) cpu_ms_a_turn: f64,
    pub(crate) memory_first_kib: u64,
    pub(crate) memory_last_kib: u64,
    pub(crate) memory_peak_kib: u64,
    pub(crate) descriptors_first: u64,
    pub(crate) descriptors_last: u64,
    pub(crate) descriptors_peak: u64,
}

/// One point of the course of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) at_s: f64,
    pub(crate) turns: u64,
    pub(crate) errors: u64,
    pub(crate) first_p50_ms: Option<f64>,
    pub(crate) first_p99_ms: Option<f64>,
    pub(crate) whole_p50_ms: Option<f64>,
    pub(crate) whole_p99_ms: Option<f64>,
    pub(crate) memory_kib: Option<u64>,
    pub(crate) descriptors: Option<u64>,
}

impl Step {
    /// How a step is told from the others of its run.
    pub(crate) fn name(&self) -> String {
        match (self.conversations, self.rate) {
            (Some(1), _) => "1 conversation".to_owned(),
            (Some(number), _) => format!("{number} conversations"),
            (None, Some(rate)) => format!("{rate} new conversations a second"),
            (None, None) => "a step".to_owned(),
        }
    }

    /// The times that there are, each with its name.
    pub(crate) fn times(&self) -> impl Iterator<Item = (&'static str, &Percentiles)> {
        [
            ("first piece", &self.first_piece),
            ("first piece, corrected", &self.first_piece_corrected),
            ("whole reply", &self.whole),
            ("whole reply, corrected", &self.whole_corrected),
            ("bridge to agent", &self.agent_connection),
        ]
        .into_iter()
        .filter_map(|(name, times)| Some((name, times.as_ref()?)))
    }
}

/// The report as text.
pub(crate) fn text(report: &Report) -> String {
    let mut text = String::new();
    for step in &report.steps {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", Text(step));
    }
    text
}

struct Text<'a>(&'a Step);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.0;
        let (name, turns, seconds) = (step.name(), step.turns, step.seconds);
        writeln!(
            f,
            "\n{name}, {seconds:.0} s: {turns} turns, {:.1} a second",
            step.turns_per_s
        )?;
        writeln!(
            f,
            "{:26}{:>10}{:>10}{:>10}{:>10}",
            "", "p50", "p90", "p99", "max"
        )?;
        for (name, times) in step.times() {
            write!(f, "  {name:24}")?;
            for time in [times.p50_ms, times.p90_ms, times.p99_ms, times.max_ms] {
                write!(f, "{:>10}", duration(time))?;
            }
            writeln!(f)?;
        }
        self.targets(f)?;
        self.errors(f)?;
        if let Some(process) = &step.process {
            let mib = |kib: u64| f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0;
            writeln!(
                f,
                "  process: {:.2} ms of CPU a turn; {:.1} MiB at first, {:.1} at last, {:.1} at most; \
                 descriptors {}, {}, {}",
                process.cpu_ms_a_turn,
                mib(process.memory_first_kib),
                mib(process.memory_last_kib),
                mib(process.memory_peak_kib),
                process.descriptors_first,
                process.descriptors_last,
                process.descriptors_peak
            )?;
        }
        match &step.tool_lag {
            Some(lag) if lag.p99_ms > 20.0 => writeln!(
                f,
                "  this tool was late itself, by {} at p99: part of these times is this machine's",
                duration(lag.p99_ms)
            ),
            _ => Ok(()),
        }
    }
}

impl Text<'_> {
    fn targets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: Option<f64>| match share {
            Some(share) => format!("{:.1} %", share * 100.0),
            None => "unknown".to_owned(),
        };
        let step = self.0;
        writeln!(
            f,
            "  targets: first piece below 2 s {}, whole reply below 10 s {}, bridge to agent below 1 s {}",
            percent(step.first_below_2_s),
            percent(step.whole_below_10_s),
            percent(step.connection_below_1_s)
        )
    }

    fn errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.0;
        let share = step.error_share * 100.0;
        writeln!(
            f,
            "  errors: {share:.2} %; 429: {}, 503: {}",
            step.throttled_429, step.unavailable_503
        )?;
        for (name, count) in &step.errors {
            writeln!(f, "  {count:>8}  {name}")?;
        }
        Ok(())
    }
}

/// A time with three digits and a unit.
pub(crate) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.2} s", ms / 1000.0),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn percentiles(p50_ms: f64) -> Percentiles {
        let [p90_ms, p99_ms, max_ms] = [2.0, 3.0, 4.0].map(|factor| p50_ms * factor);
        Percentiles {
            count: 100,
            mean_ms: p50_ms,
            p50_ms,
            p90_ms,
            p99_ms,
            max_ms,
            curve: vec![
                [0.0, 1.0],
                [0.5, p50_ms],
                [0.9, p90_ms],
                [0.99, p99_ms],
                [1.0, max_ms],
            ],
        }
    }

    pub(crate) fn report(p50_ms: f64) -> Report {
        let moment = |n: u32| Moment {
            at_s: f64::from(n),
            turns: 10,
            errors: u64::from(n % 2),
            first_p50_ms: Some(p50_ms),
            first_p99_ms: (n != 3).then_some(p50_ms * 3.0),
            whole_p50_ms: None,
            whole_p99_ms: None,
            memory_kib: Some(20_000),
            descriptors: Some(30),
        };
        let step = Step {
            conversations: Some(10),
            seconds: 30.0,
            turns: 100,
            turns_per_s: 3.3,
            error_share: 0.02,
            throttled_429: 1,
            unavailable_503: 1,
            errors: [
                ("429 RateLimitError".to_owned(), 1),
                ("503 <&>".to_owned(), 1),
            ]
            .into(),
            first_piece: Some(percentiles(p50_ms)),
            whole: Some(percentiles(p50_ms * 10.0)),
            process: Some(ProcessUse::default()),
            timeline: (1..=5).map(moment).collect(),
            ..Step::default()
        };
        Report {
            url: "http://127.0.0.1:3000/".to_owned(),
            agent: "a<b>&\"c\"".to_owned(),
            answer: "stream".to_owned(),
            think_ms: 2000.0,
            turns_a_conversation: 5,
            steps: vec![step],
        }
    }

    #[test]
    fn the_text_has_all_that_a_reader_looks_for() {
        let text = text(&report(800.0));
        for part in [
            "10 conversations, 30 s: 100 turns, 3.3 a second",
            "first piece                 800 ms    1.60 s    2.40 s    3.20 s",
            "errors: 2.00 %; 429: 1, 503: 1",
            "1  429 RateLimitError",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn the_json_is_read_again() {
        let json = serde_json::to_string(&report(800.0)).unwrap();
        let read: Report = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
