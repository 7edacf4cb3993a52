//! Standard output for log lines: writing never fails, and never blocks for long.
//!
//! Lambda may freeze the process as soon as it has responded. So a background thread would write
//! lines only some invocations later; the threads that log write them. Lines are buffered, and
//! written together when a thread is about to wait.
//!
//! If nobody reads the output, the first write that finds the pipe full waits briefly and the
//! following ones do not wait. Some lines stay buffered; the rest is dropped and counted.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the first write to a full pipe waits for room.
const FULL_PIPE_TIMEOUT: Duration = Duration::from_millis(50);

/// The size of the buffer, in bytes.
const MAX_BUFFERED_BYTES: usize = 256 * 1024;

/// How much a pipe accepts without blocking once it reports room: POSIX's `PIPE_BUF`, as Linux sets
/// it.
const PIPE_BUF: usize = 4096;

/// Where lines are written.
trait Sink {
    /// Waits until a write of [`PIPE_BUF`] bytes would not block, for `timeout` at most. Returns
    /// whether it would not.
    fn has_room(&self, timeout: Duration) -> bool;

    /// Writes as many bytes as possible; returns how many.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// Buffers lines for a sink.
struct LineBuffer<S> {
    sink: S,
    unwritten: Vec<u8>,
    /// Whether the sink was full at the last attempt.
    is_full: bool,
    dropped: u64,
}

impl<S: Sink> LineBuffer<S> {
    const fn new(sink: S) -> Self {
        Self {
            sink,
            unwritten: Vec::new(),
            is_full: false,
            dropped: 0,
        }
    }

    /// Buffers a line that ends with a newline, or drops it if the buffer is full.
    fn push(&mut self, line: &[u8]) {
        if self.unwritten.len() + line.len() > MAX_BUFFERED_BYTES {
            self.write_out();
        }
        if self.unwritten.len() + line.len() > MAX_BUFFERED_BYTES {
            self.dropped += 1;
        } else {
            self.unwritten.extend_from_slice(line);
        }
    }

    /// Writes the buffered lines, as far as the sink has room. Once all are written, returns how
    /// many lines have been dropped since the last report.
    fn flush(&mut self) -> u64 {
        if self.unwritten.is_empty() {
            return 0;
        }
        self.write_out();
        if self.unwritten.is_empty() {
            std::mem::take(&mut self.dropped)
        } else {
            0
        }
    }

    fn write_out(&mut self) {
        let timeout = if self.is_full {
            Duration::ZERO
        } else {
            FULL_PIPE_TIMEOUT
        };
        let begin = Instant::now();
        let mut written = 0;
        while written < self.unwritten.len() {
            self.is_full = !self.sink.has_room(timeout.saturating_sub(begin.elapsed()));
            if self.is_full {
                break;
            }
            let rest = &self.unwritten[written..];
            match self.sink.write(&rest[..rest.len().min(PIPE_BUF)]) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Standard output is closed for good, so nothing needs to be kept.
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
    fn has_room(&self, timeout: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};

        let stdout = io::stdout();
        let mut stdout = [PollFd::new(&stdout, PollFlags::OUT)];
        let timeout = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // If polling fails, try to write: that gives a more precise error.
        poll(&mut stdout, Some(&timeout)).map_or(true, |ready| ready > 0)
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

static STDOUT: Mutex<LineBuffer<Stdout>> = Mutex::new(LineBuffer::new(Stdout));

/// Whether lines are buffered until [`Output::flush`], which the tokio runtime calls whenever it is
/// idle.
static IS_BUFFERED: AtomicBool = AtomicBool::new(false);

/// Standard output as a writer of complete lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output;

impl Output {
    /// Writes a line. A missing newline is added.
    pub fn line(self, line: impl Into<Vec<u8>>) {
        let mut line = line.into();
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        stdout().push(&line);
        if !IS_BUFFERED.load(Ordering::Relaxed) {
            self.flush();
        }
    }

    /// Buffers lines from now on until [`Self::flush`], which must be called before the process
    /// waits.
    pub fn gather(self) {
        IS_BUFFERED.store(true, Ordering::Relaxed);
    }

    /// Writes all buffered lines.
    pub fn flush(self) {
        let dropped = stdout().flush();
        if dropped > 0 {
            super::log::lines_dropped(dropped);
            stdout().flush();
        }
    }
}

fn stdout() -> MutexGuard<'static, LineBuffer<Stdout>> {
    STDOUT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A pipe with room for this many bytes.
    #[derive(Default)]
    struct Pipe {
        room: Cell<usize>,
        is_closed: Cell<bool>,
        read: RefCell<Vec<u8>>,
        waited: RefCell<Vec<Duration>>,
    }

    impl Sink for &Pipe {
        fn has_room(&self, timeout: Duration) -> bool {
            self.waited.borrow_mut().push(timeout);
            self.is_closed.get() || self.room.get() > 0
        }

        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            if self.is_closed.get() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            assert!(bytes.len() <= PIPE_BUF, "more than a pipe promises to take");
            let taken = bytes.len().min(self.room.get());
            self.room.set(self.room.get() - taken);
            self.read.borrow_mut().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }
    }

    impl LineBuffer<&Pipe> {
        fn push_and_flush(&mut self, line: &[u8]) -> u64 {
            self.push(line);
            self.flush()
        }
    }

    #[test]
    fn buffered_lines_are_written_together() {
        let pipe = Pipe::default();
        pipe.room.set(1 << 20);
        let mut lines = LineBuffer::new(&pipe);
        lines.push(b"one\n");
        lines.push(b"two\n");
        assert!(pipe.read.borrow().is_empty());
        lines.flush();
        assert_eq!(*pipe.read.borrow(), b"one\ntwo\n");
        assert_eq!(pipe.waited.borrow().len(), 1);
        lines.flush();
        assert_eq!(pipe.waited.borrow().len(), 1, "an empty buffer was written");
    }

    #[test]
    fn lines_that_find_the_pipe_full_are_written_later_in_order() {
        let pipe = Pipe::default();
        let mut lines = LineBuffer::new(&pipe);
        pipe.room.set(5);
        lines.push_and_flush(b"one\n");
        lines.push_and_flush(b"two\n");
        lines.push_and_flush(b"three\n");
        assert_eq!(*pipe.read.borrow(), b"one\nt");
        pipe.room.set(1 << 20);
        let long = [b'x'; 3 * PIPE_BUF];
        assert_eq!(lines.push_and_flush(&long), 0);
        let mut expected = b"one\ntwo\nthree\n".to_vec();
        expected.extend(long);
        assert_eq!(*pipe.read.borrow(), expected);
    }

    #[test]
    fn only_the_first_write_to_a_full_pipe_waits() {
        let pipe = Pipe::default();
        let mut lines = LineBuffer::new(&pipe);
        for _ in 0..3 {
            lines.push_and_flush(b"line\n");
        }
        let waited = pipe.waited.take();
        assert!(waited[0] > FULL_PIPE_TIMEOUT / 2, "{waited:?}");
        assert!(waited[1..].iter().all(Duration::is_zero), "{waited:?}");
        pipe.room.set(100);
        lines.push_and_flush(b"line\n");
        pipe.waited.take();
        pipe.room.set(0);
        lines.push_and_flush(b"line\n");
        assert!(
            !pipe.waited.borrow()[0].is_zero(),
            "it must wait again after there was room"
        );
    }

    #[test]
    fn dropped_lines_are_counted_and_reported_once() {
        let pipe = Pipe::default();
        let mut lines = LineBuffer::new(&pipe);
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
    fn a_closed_pipe_leaves_nothing_buffered() {
        let pipe = Pipe::default();
        pipe.is_closed.set(true);
        let mut lines = LineBuffer::new(&pipe);
        for _ in 0..10_000 {
            lines.push_and_flush(b"a line that nobody reads\n");
        }
        assert!(lines.unwritten.is_empty());
    }
}
