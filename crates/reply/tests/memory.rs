//! What memory a message takes while it is read: at most eight times its size, whatever is in it.

use agentcore_reply::ReplyReader;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The largest message that is taken.
const BYTES: usize = 8 << 20;

fn filled(before: &str, unit: &str, after: &str) -> String {
    let count = (BYTES - before.len() - after.len()) / unit.len();
    format!("{before}{}{after}", unit.repeat(count))
}

/// One test for all: the allocator counts for the whole process.
#[test]
fn a_message_takes_at_most_eight_times_its_size() {
    for (name, message) in [
        ("small objects", filled("[", "{\"a\":{}},", "{}]")),
        ("objects with text", filled("[", "{\"text\":\"a\"},", "{}]")),
        (
            "two forms by turns",
            filled("[", "{\"text\":\"a\"},{\"chunk\":\"b\"},", "{}]"),
        ),
        ("numbers", filled("[", "1,", "{}]")),
        ("arrays", filled("[", "[],", "{}]")),
        ("an array of strings", filled("[", "\"a\",", "\"b\"]")),
        ("strings", filled("", "\"a\"", "")),
        ("keys", filled("{", "\"a\":1,", "\"chunk\":\"a\"}")),
        (
            "deep",
            filled(
                "[",
                &format!("{}1{},", "[".repeat(100), "]".repeat(100)),
                "1]",
            ),
        ),
        ("openings", filled("", "[", "")),
        ("one string", filled("{\"chunk\":\"", "a", "\"}")),
        ("escapes", filled("{\"chunk\":\"", "\\n", "\"}")),
        (
            "white space in a string",
            filled("{\"chunk\":\"", " ", "\"}"),
        ),
        (
            "calls",
            filled(
                "[",
                "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}},",
                "{}]",
            ),
        ),
        (
            "reasoning by turns",
            filled(
                "[",
                "{\"type\":\"thinking\",\"text\":\"a\"},{\"text\":\"b\"},",
                "{}]",
            ),
        ),
        ("structured", filled("{\"rows\":[", "{\"n\":1},", "{}]}")),
        ("events", filled("", "data: {\"chunk\":\"a\"}\n\n", "")),
        (
            "lines of an event",
            filled("", "data: {\"chunk\":\"a\"}\n", "\n"),
        ),
        ("text", filled("", "words ", "")),
    ] {
        let mut reader = ReplyReader::default();
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        reader.push_text(&message);
        reader.by_ref().for_each(drop);
        reader.finish();
        reader.by_ref().for_each(drop);
        let took = ALLOCATOR.peak_usage().saturating_sub(before);
        // The message itself, which the test holds, is one of the eight.
        let times = took / BYTES + 1;
        assert!(
            took <= 7 * BYTES,
            "{name}: {times} times the message and more"
        );
    }
}
