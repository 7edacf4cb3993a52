//! What reading costs: twice the input, at most two and a half times the time, for each way to cut
//! each form. An agent may be anyone's, and one invocation must not keep the others waiting.

use std::time::Duration;

use agentcore_reply::ReplyReader;
use rustix::time::{ClockId, clock_gettime};

/// How many bytes the smaller input has.
const BYTES: usize = 96 << 10;

/// The processor time of this thread: what others do on the machine does not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let whole = Duration::from_secs(time.tv_sec.unsigned_abs());
    whole + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

fn cost(messages: &[&[u8]]) -> Duration {
    let start = processor_time();
    let mut reader = ReplyReader::default();
    for message in messages {
        reader.push_binary(message);
        reader.by_ref().for_each(drop);
    }
    reader.finish();
    reader.for_each(drop);
    processor_time().saturating_sub(start)
}

/// A form of reply: so many bytes of it, or a little more.
struct Form {
    name: &'static str,
    make: fn(usize) -> String,
}

fn repeat(bytes: usize, unit: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < bytes {
        text.push_str(&unit(number));
        number += 1;
    }
    text
}

fn inside(bytes: usize, before: &str, unit: &str, after: &str) -> String {
    format!("{before}{}{after}", unit.repeat(bytes / unit.len()))
}

const FORMS: &[Form] = &[
    Form {
        name: "chunks in events",
        make: |bytes| repeat(bytes, |n| format!("data: {{\"chunk\":\"word {n} \"}}\n\n")),
    },
    Form {
        name: "text in events",
        make: |bytes| repeat(bytes, |n| format!("data: word {n}\n\n")),
    },
    Form {
        name: "events of one newline",
        make: |bytes| repeat(bytes, |n| format!("data: {{\"chunk\":\"word {n}\"}}\n")),
    },
    Form {
        name: "an event of many lines",
        make: |bytes| {
            format!(
                "data: {{\n{}data: \"a\": 1}}\n\n",
                "data: \"chunk\": \"b\",\n".repeat(bytes / 20)
            )
        },
    },
    Form {
        name: "lines of text that are an event",
        make: |bytes| inside(bytes, "data: a\n", "data: 1\n", "\n"),
    },
    Form {
        name: "values",
        make: |bytes| {
            repeat(bytes, |n| {
                format!("{{\"type\":\"token\",\"content\":\"word {n} \"}}\n")
            })
        },
    },
    Form {
        name: "strings",
        make: |bytes| inside(bytes, "", "\"a\"", ""),
    },
    Form {
        name: "text",
        make: |bytes| inside(bytes, "words ", "and {more} words\n", ""),
    },
    Form {
        name: "white space",
        make: |bytes| inside(bytes, "", "\n", ""),
    },
    Form {
        name: "escapes",
        make: |bytes| inside(bytes, "{\"chunk\":\"", "\\u00e9\\n", "\"}"),
    },
    Form {
        name: "many keys",
        make: |bytes| {
            format!(
                "{{{}\"chunk\":\"a\"}}",
                repeat(bytes, |n| format!("\"k{n}\":{n},"))
            )
        },
    },
    Form {
        name: "many of the same keys",
        make: |bytes| {
            inside(
                bytes,
                "{",
                "\"message\":{\"content\":[]},",
                "\"chunk\":\"a\"}",
            )
        },
    },
    Form {
        name: "small objects in objects",
        make: |bytes| {
            inside(
                bytes,
                "[",
                "{\"data\":{\"content\":{}}},",
                "{\"text\":\"a\"}]",
            )
        },
    },
    Form {
        name: "nests",
        make: |bytes| {
            inside(
                bytes,
                "[",
                &format!("{}{},", "[".repeat(100), "]".repeat(100)),
                "{}]",
            )
        },
    },
    Form {
        name: "nests of objects",
        make: |bytes| {
            let nest = format!("{}1{},", "{\"data\":".repeat(60), "}".repeat(60));
            inside(bytes, "[", &nest, "{}]")
        },
    },
    Form {
        name: "openings that never close",
        make: |bytes| inside(bytes, "", "[", ""),
    },
    Form {
        name: "an array that is text after all",
        make: |bytes| inside(bytes, "", "[1, 2, 3]\n", "x"),
    },
    Form {
        name: "each word in two forms",
        make: |bytes| {
            repeat(bytes, |n| {
                format!(
                    "{{\"data\":\"word {n} \"}}\n{{\"event\":{{\"contentBlockDelta\":{{\"delta\":{{\"text\":\"word {n} \"}}}}}}}}\n"
                )
            })
        },
    },
    Form {
        name: "a form that begins like another and differs, again and again",
        make: |bytes| {
            repeat(bytes, |n| {
                format!("{{\"data\":\"a{n}\"}}\n{{\"response\":\"a\"}}\n{{\"response\":\"b\"}}\n")
            })
        },
    },
    Form {
        name: "turns",
        make: |bytes| {
            repeat(bytes, |n| {
                format!(
                    "{{\"chunk\":\"a{n}\"}}\n{{\"type\":\"tool_use\",\"name\":\"f\"}}\n{{\"result\":\"a{n}\"}}\n"
                )
            })
        },
    },
    Form {
        name: "a repetition in pieces",
        make: |bytes| {
            let whole = "a".repeat(bytes / 2);
            format!(
                "{{\"chunk\":\"{whole}\"}}\n{}",
                "{\"response\":\"a\"}\n".repeat(bytes / 34)
            )
        },
    },
    Form {
        name: "calls in pieces",
        make: |bytes| {
            repeat(bytes, |n| {
                format!(
                    "{{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":{n},\"id\":\"c{n}\",\"function\":{{\"name\":\"f\",\"arguments\":\"{{\"}}}}]}}}}]}}\n"
                )
            })
        },
    },
];

type Cut = fn(&[u8]) -> Vec<&[u8]>;

/// Ways to cut bytes into messages.
const CUTS: &[(&str, Cut)] = &[
    ("whole", |bytes| vec![bytes]),
    ("a line a message", |bytes| {
        bytes.split_inclusive(|byte| *byte == b'\n').collect()
    }),
    ("a byte a message", |bytes| bytes.chunks(1).collect()),
    ("seven bytes a message", |bytes| bytes.chunks(7).collect()),
    ("a packet a message", |bytes| bytes.chunks(1_400).collect()),
];

/// The least of several runs: what a run takes above it is not the reader's.
fn least(messages: &[&[u8]]) -> Duration {
    (0..3).map(|_| cost(messages)).min().unwrap_or_default()
}

#[test]
fn twice_the_input_costs_at_most_two_and_a_half_times() {
    let mut fallen = Vec::new();
    for Form { name, make } in FORMS {
        let (once, twice) = (make(BYTES), make(2 * BYTES));
        for (way, cut) in CUTS {
            let (once, twice) = (cut(once.as_bytes()), cut(twice.as_bytes()));
            // A processor that was slower for a while proves nothing: the best of a few tries.
            let ratios = (0..4).map(|_| least(&twice).as_secs_f64() / least(&once).as_secs_f64());
            let mut best = f64::MAX;
            for ratio in ratios {
                best = best.min(ratio);
                if best <= 2.5 {
                    break;
                }
            }
            if best > 2.5 {
                fallen.push(format!("{name}, {way}: {best:.2}"));
            }
        }
    }
    assert!(fallen.is_empty(), "{fallen:#?}");
}
