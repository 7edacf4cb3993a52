//! How fast replies are read, beside the usual crates in the same run.
//!
//! `cargo bench -p agentcore-reply` prints megabytes a second. `cargo bench -p agentcore-reply -- --ratio` takes
//! seconds, and fails where reading costs more than half as much again as a plain reader.

#![expect(clippy::print_stdout, reason = "its numbers are what it is for")]

use std::hint::black_box;
use std::time::Duration;

use agentcore_reply::{ReplyReader, Step};
use criterion::{BenchmarkId, Criterion, Throughput};
use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, stream};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;

/// What reading may cost, in times of what the plain reader costs.
const MOST: f64 = 1.5;

/// One message for each piece of text.
fn messages(form: Form, pieces: usize, bytes: usize) -> Vec<String> {
    let word = "words and more ";
    let text: String = word.chars().cycle().take(bytes).collect();
    let message = match form {
        Form::Events => format!("data: {{\"chunk\": \"{text}\"}}\n\n"),
        Form::Json => format!("{{\"chunk\": \"{text}\"}}"),
        Form::Text => text,
    };
    vec![message; pieces]
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Events,
    Json,
    Text,
}

fn ours(messages: &[String]) -> usize {
    let mut reader = ReplyReader::default();
    let mut bytes = 0;
    for message in messages {
        reader.push_text(message);
        for step in reader.by_ref() {
            if let Step::Text(text) = step {
                bytes += black_box(text).len();
            }
        }
    }
    bytes
}

#[derive(Deserialize)]
struct Chunk {
    chunk: String,
}

/// A reader that knows one form of event and nothing else, which may be cut into messages anywhere.
fn plain(messages: &[String]) -> usize {
    let mut pending = String::new();
    let mut bytes = 0;
    for message in messages {
        pending.push_str(message);
        while let Some(end) = pending.find("\n\n") {
            for line in pending[..end].lines() {
                let data = line.strip_prefix("data:").unwrap_or_default().trim_start();
                if let Ok(Chunk { chunk }) = serde_json::from_str(data) {
                    bytes += black_box(chunk).len();
                }
            }
            pending.drain(..end + 2);
        }
    }
    bytes
}

/// The usual crates: `eventsource-stream`, then `serde_json`.
fn usual(messages: &[String]) -> usize {
    let messages = messages.iter().map(Ok::<_, std::convert::Infallible>);
    let events = stream::iter(messages).eventsource();
    let bytes = events.fold(0, |bytes, event| async move {
        let data = event.map(|event| event.data).unwrap_or_default();
        let chunk = serde_json::from_str::<Chunk>(&data);
        bytes + chunk.map_or(0, |chunk| black_box(chunk.chunk).len())
    });
    bytes.now_or_never().unwrap_or_default()
}

fn throughput(criterion: &mut Criterion) {
    for bytes in [10, 200, 10_000] {
        let pieces = (200_000 / bytes).max(20);
        let mut group = criterion.benchmark_group(format!("{bytes} B"));
        let sample = messages(Form::Events, pieces, bytes);
        group.throughput(Throughput::Bytes((pieces * bytes) as u64));
        group.bench_function(BenchmarkId::new("the usual crates", "events"), |bencher| {
            bencher.iter(|| usual(black_box(&sample)));
        });
        for form in [Form::Events, Form::Json, Form::Text] {
            let sample = messages(form, pieces, bytes);
            let name = format!("{form:?}").to_lowercase();
            group.bench_function(BenchmarkId::new("ours", name), |bencher| {
                bencher.iter(|| ours(black_box(&sample)));
            });
        }
        group.finish();
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let whole = Duration::from_secs(time.tv_sec.unsigned_abs());
    whole + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

/// The processor time of many readings of a reply.
fn cost(read: fn(&[String]) -> usize, sample: &[String]) -> f64 {
    let start = processor_time();
    for _ in 0..20_000 / sample.len() {
        black_box(read(black_box(sample)));
    }
    processor_time().saturating_sub(start).as_secs_f64()
}

/// The median of the ratios of runs side by side.
fn ratio(of: fn(&[String]) -> usize, to: fn(&[String]) -> usize, sample: &[String]) -> f64 {
    let mut ratios: Vec<f64> = (0..41)
        .map(|_| cost(of, sample) / cost(to, sample))
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Prints what reading costs, and whether that is more than it may.
fn ratios() -> bool {
    let mut holds = true;
    println!("| pieces of a reply | to a plain reader | to the usual crates |");
    println!("|---|---|---|");
    for (pieces, bytes) in [(20, 20), (400, 20), (20, 200), (400, 200)] {
        let sample = messages(Form::Events, pieces, bytes);
        let mut to_plain = ratio(ours, plain, &sample);
        for _ in 0..4 {
            // What else the machine does can only add to it.
            if to_plain > MOST {
                to_plain = to_plain.min(ratio(ours, plain, &sample));
            }
        }
        let to_usual = ratio(ours, usual, &sample);
        println!("| {pieces} of {bytes} B | {to_plain:.2} | {to_usual:.2} |");
        holds &= to_plain <= MOST;
    }
    holds
}

fn main() {
    if std::env::args().any(|argument| argument == "--ratio") {
        assert!(
            ratios(),
            "reading costs more than {MOST} times a plain reader"
        );
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    throughput(&mut criterion);
    criterion.final_summary();
}
