//! What is told of a simulation: a row of a table, which a document can take as it is.

use std::fmt;

use super::{Fleet, Mode};

pub(crate) const HEAD: &str = "\
| scenario | mode | a minute | turns | errors | first words p50, p90, p99, s | whole reply, s \
| invocations at once | sessions | $ for 1,000 replies: gateway, Lambda, agents |
|---|---|---|---|---|---|---|---|---|---|";

impl Fleet {
    /// Dollars for 1,000 whole replies: the gateway's, Lambda's, the agents' without their models.
    pub(crate) fn dollars(&self) -> [f64; 3] {
        let inputs = self.inputs;
        let [requests, invocation_s, instance_s, session_s] = self.spent;
        let compute = match self.mode {
            Mode::Managed => instance_s / 3600.0 * inputs.instance_price,
            _ => invocation_s * inputs.memory_gb * inputs.gb_s_price,
        };
        let gateway = self.turns * inputs.gateway_price / 1e6;
        let lambda = compute + requests * inputs.request_price / 1e6;
        let agents = session_s * inputs.vm_hour_price + invocation_s * inputs.turn_hour_price;
        let replies = f64::from(u32::try_from(self.whole.len()).unwrap_or(u32::MAX));
        [gateway, lambda, agents / 3600.0].map(|sum| sum / replies * 1000.0)
    }
}

/// A row of a table.
impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scenario, mode) = (self.scenario, self.mode);
        write!(
            f,
            "| {scenario:?} | {mode:?} | {} | {} |",
            self.per_minute, self.turns
        )?;
        for (error, number) in &self.errors {
            write!(f, " {error} {:.2} %;", number / self.turns * 100.0)?;
        }
        for times in [&self.first, &self.whole] {
            let [p50, p90, p99] = quantiles(times);
            write!(f, " | {p50:.2}, {p90:.2}, {p99:.2}")?;
        }
        write!(f, " | {} | {}", self.most_running, self.most_sessions)?;
        let [gateway, lambda, agents] = self.dollars();
        write!(f, " | {gateway:.4}, {lambda:.4}, {agents:.3} |")
    }
}

pub(crate) fn quantiles(times: &[f64]) -> [f64; 3] {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied();
    [50, 90, 99].map(|percent| at(percent).unwrap_or(f64::NAN))
}
