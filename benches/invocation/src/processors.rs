//! The measured programs have the machine's processors but one, and their peers have that one.
//!
//! Left to the scheduler, a peer is sometimes woken on the processor of the program and sometimes on
//! another that sleeps, which takes some three times as long: the processor time of the same program
//! was then one of two numbers, a third apart. On Lambda a peer is never on the function's processor.
//! A program with a thread for each processor (`managed`) has one fewer.

use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

struct Split {
    peers: CpuSet,
    programs: CpuSet,
}

static SPLIT: OnceLock<Split> = OnceLock::new();

/// The calling thread.
const THIS: Pid = Pid::from_raw(0);

/// Keeps this thread on one processor. Where there is no other one, it changes nothing.
pub(crate) fn keep_one() -> Result<(), Errno> {
    let mut programs = sched_getaffinity(THIS)?;
    let mut peers = CpuSet::new();
    let mut all = (0..CpuSet::count()).filter(|one| programs.is_set(*one) == Ok(true));
    let (Some(first), Some(_)) = (all.next(), all.next()) else {
        return Ok(());
    };
    peers.set(first)?;
    programs.unset(first)?;
    sched_setaffinity(THIS, &peers)?;
    // It is called once.
    let _ = SPLIT.set(Split { peers, programs });
    Ok(())
}

/// Starts a process on the others: it has the processors of who starts it.
pub(crate) fn on_the_others<T>(start: impl FnOnce() -> T) -> Result<T, Errno> {
    let Some(Split { peers, programs }) = SPLIT.get() else {
        return Ok(start());
    };
    sched_setaffinity(THIS, programs)?;
    let started = start();
    sched_setaffinity(THIS, peers)?;
    Ok(started)
}
