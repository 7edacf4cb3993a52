//! Standard output, on which a line never fails, and never waits for long.
//!
//! On Lambda the process may be frozen as soon as it has answered, so lines are written before, by
//! the thread that has them: a thread of their own would write them some invocations later. That
//! thread writes what it has gathered when it is about to wait for something, so that the lines of
//! one moment are one write. Should nobody read, the first line that finds no room waits for a
//! moment, those after it for nothing; some are kept, and the rest is counted.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Waited for once until there is room again.
const PATIENCE: Duration = Duration::from_millis(50);

/// Kept while there is no room, in bytes.
const KEPT: usize = 256 * 1024;

/// So much a pipe takes at once when it says that it has room: POSIX's `PIPE_BUF`, on Linux.
const PART: usize = 4096;

/// Where lines go.
trait Sink {
    /// Whether a write of [`PART`] bytes would not wait, asked for so long.
    fn has_room(&self, patience: Duration) -> bool;

    /// Writes as much as goes.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// Lines on their way out.
struct Lines<S> {
    sink: S,
    unwritten: Vec<u8>,
    /// There was no room when it was last asked for.
    is_stuck: bool,
    lost: u64,
}

impl<S: Sink> Lines<S> {
    const fn new(sink: S) -> Self {
        Self {
            sink,
            unwritten: Vec::new(),
            is_stuck: false,
            lost: 0,
        }
    }

    /// Takes a line, which ends with a newline, to be written with others, or loses it.
    fn push(&mut self, line: &[u8]) {
        if self.unwritten.len() + line.len() > KEPT {
            self.write_out();
        }
        if self.unwritten.len() + line.len() > KEPT {
            self.lost += 1;
        } else {
            self.unwritten.extend_from_slice(line);
        }
    }

    /// Writes what there is, or keeps it. Says how many lines have been lost before those that have
    /// gone out.
    fn flush(&mut self) -> u64 {
        if self.unwritten.is_empty() {
            return 0;
        }
        self.write_out();
        if self.unwritten.is_empty() {
            std::mem::take(&mut self.lost)
        } else {
            0
        }
    }

    fn write_out(&mut self) {
        let patience = if self.is_stuck {
            Duration::ZERO
        } else {
            PATIENCE
        };
        let begin = Instant::now();
        let mut written = 0;
        while written < self.unwritten.len() {
            self.is_stuck = !self.sink.has_room(patience.saturating_sub(begin.elapsed()));
            if self.is_stuck {
                break;
            }
            let rest = &self.unwritten[written..];
            match self.sink.write(&rest[..rest.len().min(PART)]) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Closed: there is nobody to tell, now or later.
                Err(_) => written = self.unwritten.len(),
            }
        }
        self.unwritten.drain(..written);
    }
}

/// The process's standard output.
struct Stdout;

#[cfg(unix)]
impl Sink for Stdout {
    fn has_room(&self, patience: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};

        let stdout = io::stdout();
        let mut stdout = [PollFd::new(&stdout, PollFlags::OUT)];
        let patience = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: patience.subsec_nanos().into(),
        };
        // What cannot be asked is written to: that says more.
        poll(&mut stdout, Some(&patience)).map_or(true, |ready| ready > 0)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdout(), bytes)?)
    }
}

#[cfg(not(unix))]
impl Sink for Stdout {
    fn has_room(&self, _patience: Duration) -> bool {
        true
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stdout = io::stdout().lock();
        io::Write::write_all(&mut stdout, bytes)?;
        io::Write::flush(&mut stdout)?;
        Ok(bytes.len())
    }
}

static STDOUT: Mutex<Lines<Stdout>> = Mutex::new(Lines::new(Stdout));

/// Whether somebody sees to it that lines are written in time.
static IS_GATHERED: AtomicBool = AtomicBool::new(false);

/// Standard output as a writer of whole lines: each write is one or more of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output;

impl Output {
    /// Writes a line, which ends with a newline or gets one.
    pub fn line(self, line: impl Into<Vec<u8>>) {
        let mut line = line.into();
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        stdout().push(&line);
        if !IS_GATHERED.load(Ordering::Relaxed) {
            self.flush();
        }
    }

    /// From now on lines are written by [`Self::flush`] alone, which is called before each time that
    /// the process waits.
    pub fn gather(self) {
        IS_GATHERED.store(true, Ordering::Relaxed);
    }

    /// Writes the lines that have been gathered.
    pub fn flush(self) {
        let lost = stdout().flush();
        if lost > 0 {
            super::log::lines_lost(lost);
            stdout().flush();
        }
    }
}

fn stdout() -> MutexGuard<'static, Lines<Stdout>> {
    STDOUT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A pipe with room for so many bytes.
    #[derive(Default)]
    struct Pipe {
        room: Cell<usize>,
        is_closed: Cell<bool>,
        read: RefCell<Vec<u8>>,
        waited: RefCell<Vec<Duration>>,
    }

    impl Sink for &Pipe {
        fn has_room(&self, patience: Duration) -> bool {
            self.waited.borrow_mut().push(patience);
            self.is_closed.get() || self.room.get() > 0
        }

        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            if self.is_closed.get() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            assert!(bytes.len() <= PART, "more than a pipe promises to take");
            let taken = bytes.len().min(self.room.get());
            self.room.set(self.room.get() - taken);
            self.read.borrow_mut().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }
    }

    impl Lines<&Pipe> {
        fn push_and_flush(&mut self, line: &[u8]) -> u64 {
            self.push(line);
            self.flush()
        }
    }

    #[test]
    fn lines_of_one_moment_are_one_write() {
        let pipe = Pipe::default();
        pipe.room.set(1 << 20);
        let mut lines = Lines::new(&pipe);
        lines.push(b"one\n");
        lines.push(b"two\n");
        assert!(pipe.read.borrow().is_empty());
        lines.flush();
        assert_eq!(*pipe.read.borrow(), b"one\ntwo\n");
        assert_eq!(pipe.waited.borrow().len(), 1);
        lines.flush();
        assert_eq!(pipe.waited.borrow().len(), 1, "there was nothing to write");
    }

    #[test]
    fn lines_that_find_no_room_go_out_whole_and_in_order_later() {
        let pipe = Pipe::default();
        let mut lines = Lines::new(&pipe);
        pipe.room.set(5);
        lines.push_and_flush(b"one\n");
        lines.push_and_flush(b"two\n");
        lines.push_and_flush(b"three\n");
        assert_eq!(*pipe.read.borrow(), b"one\nt");
        pipe.room.set(1 << 20);
        let long = [b'x'; 3 * PART];
        assert_eq!(lines.push_and_flush(&long), 0);
        let mut expected = b"one\ntwo\nthree\n".to_vec();
        expected.extend(long);
        assert_eq!(*pipe.read.borrow(), expected);
    }

    #[test]
    fn only_the_first_line_without_room_waits() {
        let pipe = Pipe::default();
        let mut lines = Lines::new(&pipe);
        for _ in 0..3 {
            lines.push_and_flush(b"line\n");
        }
        let waited = pipe.waited.take();
        assert!(waited[0] > PATIENCE / 2, "{waited:?}");
        assert!(waited[1..].iter().all(Duration::is_zero), "{waited:?}");
        pipe.room.set(100);
        lines.push_and_flush(b"line\n");
        pipe.waited.take();
        pipe.room.set(0);
        lines.push_and_flush(b"line\n");
        assert!(!pipe.waited.borrow()[0].is_zero(), "stuck anew");
    }

    #[test]
    fn what_is_lost_is_counted_and_told_once() {
        let pipe = Pipe::default();
        let mut lines = Lines::new(&pipe);
        let line = [b'x'; 1024];
        for _ in 0..300 {
            assert_eq!(lines.push_and_flush(&line), 0);
        }
        pipe.room.set(1 << 20);
        assert_eq!(lines.push_and_flush(b"again\n"), 300 - 256);
        assert_eq!(lines.push_and_flush(b"again\n"), 0);
        assert_eq!(pipe.read.borrow().len(), 256 * 1024 + 12);
    }

    #[test]
    fn a_closed_pipe_keeps_nothing_and_nobody() {
        let pipe = Pipe::default();
        pipe.is_closed.set(true);
        let mut lines = Lines::new(&pipe);
        for _ in 0..10_000 {
            lines.push_and_flush(b"a line that nobody reads\n");
        }
        assert!(lines.unwritten.is_empty());
    }
}
