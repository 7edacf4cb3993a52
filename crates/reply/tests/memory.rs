//! What memory a message takes while it is read: at most eight times its size, whatever is in it.

use agentcore_reply::ReplyReader;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The largest message that is taken.
const BYTES: usize = 8 << 20;

/// The largest messages that have one unit again and again between a beginning and an end.
const SHAPES: &[(&str, [&str; 3])] = &[
    ("small objects", ["[", "{\"a\":{}},", "{}]"]),
    ("objects with text", ["[", "{\"text\":\"a\"},", "{}]"]),
    (
        "two forms by turns",
        ["[", "{\"text\":\"a\"},{\"chunk\":\"b\"},", "{}]"],
    ),
    ("numbers", ["[", "1,", "{}]"]),
    ("arrays", ["[", "[],", "{}]"]),
    ("an array of strings", ["[", "\"a\",", "\"b\"]"]),
    ("strings", ["", "\"a\"", ""]),
    ("keys", ["{", "\"a\":1,", "\"chunk\":\"a\"}"]),
    ("openings", ["", "[", ""]),
    ("openings of objects", ["", "{\"a\":", ""]),
    ("one string", ["{\"chunk\":\"", "a", "\"}"]),
    ("escapes", ["{\"chunk\":\"", "\\n", "\"}"]),
    ("white space in a string", ["{\"chunk\":\"", " ", "\"}"]),
    (
        "calls",
        [
            "[",
            "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}},",
            "{}]",
        ],
    ),
    (
        "reasoning by turns",
        [
            "[",
            "{\"type\":\"thinking\",\"text\":\"a\"},{\"text\":\"b\"},",
            "{}]",
        ],
    ),
    ("structured", ["{\"rows\":[", "{\"n\":1},", "{}]}"]),
    ("SSE events", ["", "data: {\"chunk\":\"a\"}\n\n", ""]),
    (
        "lines of an SSE event",
        ["", "data: {\"chunk\":\"a\"}\n", "\n"],
    ),
    ("text", ["", "words ", ""]),
];

fn filled([before, unit, after]: [&str; 3]) -> String {
    let count = (BYTES - before.len() - after.len()) / unit.len();
    format!("{before}{}{after}", unit.repeat(count))
}

/// One test for all: the allocator counts for the whole process.
#[test]
fn a_message_takes_at_most_eight_times_its_size() {
    let nest = format!("{}1{},", "[".repeat(100), "]".repeat(100));
    let deep = ("deep", ["[", &nest, "1]"]);
    for (name, shape) in SHAPES.iter().copied().chain([deep]) {
        let message = filled(shape);
        let took = memory_taken(&message);
        // The message itself, which the test holds, is one of the eight.
        let times = took / BYTES + 1;
        assert!(
            took <= 7 * BYTES,
            "{name}: {times} times the message and more"
        );
    }
}

/// The most memory that is held at once while a reply of this one message is read.
fn memory_taken(message: &str) -> usize {
    let mut reader = ReplyReader::default();
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    reader.push_text(message);
    reader.by_ref().for_each(drop);
    reader.finish();
    reader.by_ref().for_each(drop);
    ALLOCATOR.peak_usage().saturating_sub(before)
}
