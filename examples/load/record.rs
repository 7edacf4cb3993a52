//! What has been measured so far.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use crate::answer::{Answer, Outcome};
use crate::client::since;
use crate::report::{Moment, Percentiles, Step};

/// The longest time that is told apart, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;

/// One turn, from when it was due.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) due: Instant,
    /// When the tool sent it; later than it was due where this machine cannot keep up.
    pub(crate) sent: Instant,
    pub(crate) ended: Instant,
    pub(crate) answer: Answer,
}

/// The times of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // Three digits. The bounds are constants that the library accepts.
        Self(Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are accepted"))
    }
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(us.max(1));
    }

    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        ms(self.0.value_at_quantile(quantile))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same as if somebody had asked all the time, also while those who really asked waited:
    /// whoever asks once in `interval` would have met a stall several times.
    fn corrected(&self, interval: Duration) -> Self {
        let us = u64::try_from(interval.as_micros()).unwrap_or(LONGEST_US);
        Self(self.0.clone_correct(us))
    }

    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let times = &self.0;
        if times.is_empty() {
            return None;
        }
        let points = times.iter_quantiles(5).map(|at| {
            let point = (at.quantile_iterated_to(), ms(at.value_iterated_to()));
            [point.0, point.1]
        });
        Some(Percentiles {
            count: times.len(),
            mean_ms: times.mean() / 1000.0,
            p50_ms: self.ms(0.5),
            p90_ms: self.ms(0.9),
            p99_ms: self.ms(0.99),
            max_ms: ms(times.max()),
            curve: points.collect(),
        })
    }

    /// The share that took less than a time.
    fn below(&self, time: Duration) -> Option<f64> {
        let us = u64::try_from(time.as_micros()).unwrap_or(LONGEST_US);
        (!self.is_empty()).then(|| self.0.quantile_below(us))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an hour of microseconds is exact"
)]
fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

/// All of one step.
#[derive(Debug)]
pub(crate) struct Record {
    began: Instant,
    /// When no further turn begins.
    end: Instant,
    slot: Duration,
    first: Times,
    whole: Times,
    agent_connection: Times,
    lag: Times,
    pub(crate) turns: u64,
    /// Those that ended before `end`: after it there is less load with each that ends.
    turns_in_time: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    timeline: Vec<Moment>,
    /// What the last point of the timeline is made of.
    current: Slot,
}

#[derive(Debug, Default)]
struct Slot {
    first: Times,
    whole: Times,
    turns: u64,
    errors: u64,
}

impl Record {
    /// A record whose timeline has one point for each `slot`.
    pub(crate) fn new(began: Instant, duration: Duration, slot: Duration) -> Self {
        Self {
            began,
            end: began + duration,
            slot,
            first: Times::default(),
            whole: Times::default(),
            agent_connection: Times::default(),
            lag: Times::default(),
            turns: 0,
            turns_in_time: 0,
            errors: BTreeMap::new(),
            timeline: Vec::new(),
            current: Slot::default(),
        }
    }

    /// Counts a turn. Times are from when it was due, so that nothing is left out that was late
    /// because something before it was.
    pub(crate) fn turn(&mut self, turn: &Turn) {
        self.roll(turn.ended);
        self.turns += 1;
        self.turns_in_time += u64::from(turn.ended <= self.end);
        self.current.turns += 1;
        self.lag.add(since(turn.due, turn.sent));
        if let Some(first) = turn.answer.first {
            self.first.add(since(turn.due, first));
            self.current.first.add(since(turn.due, first));
        }
        if let Some(time) = turn.answer.agent_connection {
            self.agent_connection.add(time);
        }
        match &turn.answer.outcome {
            Outcome::Complete => {
                self.whole.add(since(turn.due, turn.ended));
                self.current.whole.add(since(turn.due, turn.ended));
            }
            Outcome::Failed(name) => self.error(name),
        }
    }

    /// Counts a turn that never was.
    pub(crate) fn not_sent(&mut self, name: &str) {
        self.turns += 1;
        self.current.turns += 1;
        self.error(name);
    }

    fn error(&mut self, name: &str) {
        self.current.errors += 1;
        *self.errors.entry(name.to_owned()).or_default() += 1;
    }

    /// The median time to the first piece so far, else that of whole replies.
    pub(crate) fn median_ms(&self) -> f64 {
        let times = if self.first.is_empty() {
            &self.whole
        } else {
            &self.first
        };
        times.ms(0.5)
    }

    /// Ends the points of the timeline that are over.
    pub(crate) fn roll(&mut self, now: Instant) {
        let at = |points: usize| self.slot * u32::try_from(points).unwrap_or(u32::MAX);
        while since(self.began, now) >= at(self.timeline.len() + 1) {
            let Slot {
                first,
                whole,
                turns,
                errors,
            } = std::mem::take(&mut self.current);
            let quantile = |times: &Times, q| (!times.is_empty()).then(|| times.ms(q));
            self.timeline.push(Moment {
                at_s: at(self.timeline.len() + 1).as_secs_f64(),
                turns,
                errors,
                first_p50_ms: quantile(&first, 0.5),
                first_p99_ms: quantile(&first, 0.99),
                whole_p50_ms: quantile(&whole, 0.5),
                whole_p99_ms: quantile(&whole, 0.99),
                memory_kib: None,
                descriptors: None,
            });
        }
    }

    /// The report of the step. With an interval, that at which a conversation asks, times are
    /// corrected for what conversations that waited did not ask.
    pub(crate) fn step(mut self, took: Duration, think: Option<Duration>) -> Step {
        self.roll(self.began + took);
        let interval = think
            .map(|think| think + Duration::from_secs_f64(self.whole.ms(0.5).max(0.001) / 1000.0));
        let corrected = |times: &Times| interval.and_then(|by| times.corrected(by).percentiles());
        let failed = |first: char| {
            let of_kind = self
                .errors
                .iter()
                .filter(|(name, _)| name.starts_with(first));
            of_kind.map(|(_, count)| count).sum()
        };
        let status = |status: &str| {
            let of_kind = self
                .errors
                .iter()
                .filter(|(name, _)| name.starts_with(status));
            of_kind.map(|(_, count)| count).sum()
        };
        let errors: u64 = self.errors.values().sum();
        let loaded = took.min(since(self.began, self.end));
        Step {
            conversations: None,
            rate: None,
            seconds: took.as_secs_f64(),
            turns: self.turns,
            turns_per_s: ratio(self.turns_in_time, 1) / loaded.as_secs_f64().max(f64::EPSILON),
            error_share: ratio(errors, self.turns),
            throttled_429: status("429"),
            unavailable_503: status("503"),
            server_errors: failed('5'),
            first_piece: self.first.percentiles(),
            first_piece_corrected: corrected(&self.first),
            whole: self.whole.percentiles(),
            whole_corrected: corrected(&self.whole),
            agent_connection: self.agent_connection.percentiles(),
            tool_lag: self.lag.percentiles(),
            first_below_2_s: self.first.below(Duration::from_secs(2)),
            whole_below_10_s: self.whole.below(Duration::from_secs(10)),
            connection_below_1_s: self.agent_connection.below(Duration::from_secs(1)),
            errors: self.errors,
            process: None,
            timeline: self.timeline,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 turns")]
fn ratio(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(due: Instant, ms: u64) -> Turn {
        let ended = due + Duration::from_millis(ms);
        Turn {
            due,
            sent: due,
            ended,
            answer: Answer {
                first: Some(ended),
                ..Answer::default()
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_closed_model_is_corrected_for_who_did_not_ask() {
        let began = Instant::now();
        let mut record = Record::new(began, Duration::from_secs(2000), Duration::from_secs(1));
        // 999 replies at once, one in each second, and then one that takes 1,000 s.
        for _ in 0..999 {
            record.turn(&turn(began, 1));
        }
        record.turn(&turn(began, 1_000_000));
        let step = record.step(Duration::from_secs(2000), Some(Duration::from_secs(1)));
        let [measured, corrected] =
            [step.first_piece, step.first_piece_corrected].map(Option::unwrap);
        // Half of all that would have asked did so while nothing was answered.
        assert!(measured.p99_ms < 2.0, "{measured:?}");
        assert!(
            (480_000.0..520_000.0).contains(&corrected.p90_ms.min(500_000.0)),
            "{corrected:?}"
        );
        assert!(corrected.p99_ms > 950_000.0, "{corrected:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeline_has_each_slot_of_time_also_one_without_turns() {
        let began = Instant::now();
        let mut record = Record::new(began, Duration::from_secs(20), Duration::from_secs(10));
        record.turn(&turn(began, 5_000));
        record.turn(&turn(began, 25_000));
        record.not_sent("not sent");
        let step = record.step(Duration::from_secs(40), None);
        let turns: Vec<_> = step
            .timeline
            .iter()
            .map(|at| (at.at_s, at.turns, at.errors))
            .collect();
        assert_eq!(
            turns,
            [(10.0, 1, 0), (20.0, 0, 0), (30.0, 2, 1), (40.0, 0, 0)]
        );
        assert_eq!(step.timeline[1].first_p50_ms, None);
        // The other ended after the last had begun.
        assert!(
            (step.turns_per_s - 0.05).abs() < 1e-9,
            "{}",
            step.turns_per_s
        );
        assert!(step.first_piece_corrected.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_for_load_are_counted_by_status() {
        let mut record = Record::new(
            Instant::now(),
            Duration::from_secs(1),
            Duration::from_secs(1),
        );
        for name in ["429 a", "429 [b]", "503 c", "504 d", "200, then broken off"] {
            record.not_sent(name);
        }
        let step = record.step(Duration::from_secs(1), None);
        let counted = (step.throttled_429, step.unavailable_503, step.server_errors);
        assert_eq!(counted, (2, 1, 2));
        assert_eq!((step.errors.len(), step.error_share), (5, 1.0));
    }
}
