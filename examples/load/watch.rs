//! What processes of this machine take, from `/proc`.

use std::fs;
use std::io;

use crate::report::{Moment, ProcessUse};

/// A kernel's clock tick, as Linux tells every program: `USER_HZ` is 100.
const MS_A_TICK: u64 = 10;

/// The processes that are watched.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    processes: Vec<u32>,
    cpu_at_first_ms: u64,
    samples: Vec<Sample>,
}

/// All processes together, at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    memory_kib: u64,
    descriptors: u64,
    cpu_ms: u64,
}

impl Watch {
    /// # Errors
    /// A process that there is not, or that is another user's.
    pub(crate) fn new(processes: &[u32]) -> io::Result<Self> {
        let first = sample(processes)?;
        Ok(Self {
            processes: processes.to_vec(),
            cpu_at_first_ms: first.cpu_ms,
            samples: vec![first],
        })
    }

    /// Takes a sample. A process that has ended since is as if it took nothing.
    pub(crate) fn sample(&mut self) {
        if !self.processes.is_empty() {
            self.samples
                .push(sample(&self.processes).unwrap_or_default());
        }
    }

    /// The sum of it; writes each sample to the point of the timeline at which it was taken.
    pub(crate) fn finish(self, turns: u64, timeline: &mut [Moment]) -> Option<ProcessUse> {
        for (moment, sample) in timeline.iter_mut().zip(self.samples.iter().skip(1)) {
            moment.memory_kib = Some(sample.memory_kib);
            moment.descriptors = Some(sample.descriptors);
        }
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        if self.processes.is_empty() {
            return None;
        }
        let peak = |of: fn(&Sample) -> u64| self.samples.iter().map(of).max().unwrap_or_default();
        let cpu = last.cpu_ms.saturating_sub(self.cpu_at_first_ms);
        let [cpu, turns] =
            [cpu, turns.max(1)].map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
        Some(ProcessUse {
            cpu_ms_a_turn: cpu / turns,
            memory_first_kib: first.memory_kib,
            memory_last_kib: last.memory_kib,
            memory_peak_kib: peak(|sample| sample.memory_kib),
            descriptors_first: first.descriptors,
            descriptors_last: last.descriptors,
            descriptors_peak: peak(|sample| sample.descriptors),
        })
    }
}

fn sample(processes: &[u32]) -> io::Result<Sample> {
    let mut all = Sample::default();
    for process in processes {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        all.memory_kib += resident_kib(&status).unwrap_or_default();
        all.cpu_ms += cpu_ticks(&stat).unwrap_or_default() * MS_A_TICK;
        all.descriptors += fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64;
    }
    Ok(all)
}

/// `VmRSS` of `/proc/PID/status`.
fn resident_kib(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// `utime` and `stime` of `/proc/PID/stat`, whose second field may have spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_memory_and_descriptors() {
        let own = std::process::id();
        let before = sample(&[own]).unwrap();
        let file = fs::File::open("/dev/null").unwrap();
        let after = sample(&[own, own]).unwrap();
        assert!(before.memory_kib > 100);
        assert!(
            after.descriptors > before.descriptors,
            "{before:?} {after:?} {file:?}"
        );
        assert!(sample(&[u32::MAX]).is_err());
    }

    #[test]
    fn the_names_of_processes_may_be_odd() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(resident_kib("Name:\tx\nVmRSS:\t    1234 kB\n"), Some(1234));
    }
}
