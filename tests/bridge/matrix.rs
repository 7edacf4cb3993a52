//! Every fault at every moment in every format: the outcome of a reply that goes wrong.

use std::time::{Duration, Instant};

use agentcore_emulator::frame::{Frame, opcode};
use agentcore_emulator::{Agent, Ended, Step};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::{Bridge, say};

/// The chunk timeout of these tests.
const CHUNK_TIMEOUT_MS: &str = "400";

/// The longest time for a case, even on a busy machine: nothing waits for a peer that has gone.
const LONGEST: Duration = Duration::from_secs(10);

/// How an agent sends a chunk of text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Chunks,
    SdkStrings,
    EventsWithoutNewlines,
    Strands,
    BareJson,
    BareText,
    Binary,
}

const FORMATS: [Format; 7] = [
    Format::Chunks,
    Format::SdkStrings,
    Format::EventsWithoutNewlines,
    Format::Strands,
    Format::BareJson,
    Format::BareText,
    Format::Binary,
];

impl Format {
    fn say(self, text: &str) -> Step {
        match self {
            Self::Chunks => Step::text(format!("data: {}\n\n", json!({ "chunk": text }))),
            Self::SdkStrings => Step::text(format!("data: {}\n\n", Value::from(text))),
            Self::EventsWithoutNewlines => {
                Step::text(format!("data: {}", json!({ "chunk": text })))
            }
            Self::Strands => Step::text(format!("data: {}\n\n", json!({ "data": text }))),
            Self::BareJson => Step::text(json!({ "response": text }).to_string()),
            Self::BareText => Step::text(text),
            Self::Binary => {
                Step::Binary(format!("data: {}\r\n\r\n", json!({ "chunk": text })).into_bytes())
            }
        }
    }
}

/// The kinds of faults, by the contract.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Not a fault: a regular end.
    End,
    /// A lost connection.
    Lost,
    /// A protocol violation or an error event, with the code of our close frame.
    Broken(u16),
    /// A timeout.
    Silence,
}

/// The faults by name, with the steps that cause them.
#[expect(clippy::too_many_lines, reason = "a table")]
fn faults() -> Vec<(String, Vec<Step>, Kind)> {
    let raw = |frame: Frame| vec![Step::Bytes(frame.encode()), Step::AwaitClose];
    let text = |payload: &[u8]| Frame::new(opcode::TEXT, payload);
    let named = |name: &str, steps, kind| (name.to_owned(), steps, kind);
    let mut faults = vec![
        named(
            "done",
            vec![Step::text("data: [DONE]\n\n"), Step::AwaitClose],
            Kind::End,
        ),
        named(
            "bare done",
            vec![Step::text("[DONE]"), Step::AwaitClose],
            Kind::End,
        ),
        named(
            "terminal object",
            vec![Step::text(r#"{"type":"end"}"#), Step::AwaitClose],
            Kind::End,
        ),
        named("close without a code", vec![Step::Close(None)], Kind::End),
        named("fin", vec![Step::Fin], Kind::Lost),
        // A reset overtakes what was sent right before it.
        named("reset", vec![Step::pause_ms(50), Step::Reset], Kind::Lost),
        named(
            "an error event",
            vec![Step::text(r#"{"error":"x","text":"no"}"#), Step::AwaitClose],
            Kind::Broken(1000),
        ),
        named(
            "binary that is not UTF-8",
            vec![Step::Binary(vec![0xfe]), Step::AwaitClose],
            Kind::Broken(1007),
        ),
        named(
            "text that is not UTF-8",
            raw(text(b"\xc3\x28")),
            Kind::Broken(1007),
        ),
        named(
            "a masked frame",
            raw(text(b"x").masked([1, 2, 3, 4])),
            Kind::Broken(1002),
        ),
        named(
            "a reserved bit",
            raw(text(b"x").with_rsv(4)),
            Kind::Broken(1002),
        ),
        named(
            "an unknown opcode",
            raw(Frame::new(3, *b"x")),
            Kind::Broken(1002),
        ),
        named(
            "a continuation of nothing",
            raw(Frame::new(opcode::CONTINUATION, *b"x")),
            Kind::Broken(1002),
        ),
        named(
            "a long ping",
            raw(Frame::new(opcode::PING, [0; 126])),
            Kind::Broken(1002),
        ),
        named(
            "a ping in fragments",
            raw(Frame::new(opcode::PING, *b"x").unfinished()),
            Kind::Broken(1002),
        ),
        named(
            "a close frame of one byte",
            raw(Frame::new(opcode::CLOSE, *b"x")),
            Kind::Broken(1002),
        ),
        named(
            "a frame that claims 9 MiB",
            raw(text(b"").declaring(9 << 20)),
            Kind::Broken(1009),
        ),
        named(
            "a frame that claims 2^62 bytes",
            raw(text(b"").declaring(1 << 62)),
            Kind::Broken(1009),
        ),
        named(
            "a message within a message",
            {
                let mut bytes = text(b"a").unfinished().encode();
                bytes.extend(text(b"b").encode());
                vec![Step::Bytes(bytes), Step::AwaitClose]
            },
            Kind::Broken(1002),
        ),
        named(
            "a frame that does not end",
            vec![
                Step::Bytes(text(b"").declaring(100).encode()),
                Step::Silence,
            ],
            Kind::Silence,
        ),
        named(
            "a message that does not end",
            vec![Step::Bytes(text(b"{").unfinished().encode()), Step::Silence],
            Kind::Silence,
        ),
        named(
            "half a frame, then fin",
            vec![Step::Bytes(vec![0x81]), Step::Fin],
            Kind::Lost,
        ),
        named("silence", vec![Step::Silence], Kind::Silence),
        named(
            "pings alone",
            vec![
                Step::Ping(Vec::new()),
                Step::Ping(b"x".to_vec()),
                Step::Silence,
            ],
            Kind::Silence,
        ),
    ];
    for code in 1000..=1015 {
        let kind = match code {
            1000 | 1001 => Kind::End,
            _ => Kind::Lost,
        };
        faults.push((format!("close {code}"), vec![Step::Close(Some(code))], kind));
    }
    faults.push(named(
        "close 4000",
        vec![Step::Close(Some(4000))],
        Kind::Lost,
    ));
    faults
}

/// What may come between chunks without being part of them.
fn noise() -> [(&'static str, Vec<Step>); 3] {
    let empty = Step::Bytes(Frame::new(opcode::TEXT, *b"").encode());
    let ping = Step::Bytes(Frame::new(opcode::PING, *b"hi").encode());
    [
        ("no noise", vec![]),
        ("a ping", vec![ping]),
        ("an empty message", vec![empty]),
    ]
}

fn piece(n: usize) -> String {
    format!("piece {n}. ")
}

struct Case {
    name: String,
    format: Format,
    pieces: usize,
    steps: Vec<Step>,
    kind: Kind,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (fault, end, kind) in faults() {
        for format in FORMATS {
            for pieces in [0, 1, 3] {
                for (noise_name, noise) in noise() {
                    let mut steps = Vec::new();
                    for n in 0..pieces {
                        steps.extend(noise.clone());
                        steps.push(format.say(&piece(n)));
                    }
                    steps.extend(noise);
                    steps.extend(end.clone());
                    let name = format!("{fault}, {format:?}, after {pieces} pieces, {noise_name}");
                    cases.push(Case {
                        name,
                        format,
                        pieces,
                        steps,
                        kind,
                    });
                }
            }
        }
    }
    cases
}

async fn run(case: &Case) {
    let name = &case.name;
    let agent = Agent::scripted(case.steps.clone());
    let variables = [("CHUNK_TIMEOUT_MS", CHUNK_TIMEOUT_MS)];
    let bridge = Bridge::configured(agent, &variables).await;
    let start = Instant::now();
    let answer = bridge.say("x").await;
    assert!(start.elapsed() < LONGEST, "{name}: {:?}", start.elapsed());

    let body = answer.json();
    let expected: String = (0..case.pieces).map(piece).collect::<Vec<_>>().concat();
    let status = match (case.pieces, case.kind) {
        (1.., _) | (_, Kind::End) => 200,
        (0, Kind::Lost) => 503,
        (0, Kind::Broken(_)) => 500,
        (0, Kind::Silence) => 504,
    };
    assert_eq!(answer.status.as_u16(), status, "{name}: {body}");
    if status == 200 {
        assert_eq!(body["response"], expected, "{name}");
        assert_eq!(body["metadata"]["chunks"], case.pieces, "{name}");
        let incomplete = body
            .get("incomplete")
            .is_some_and(|incomplete| incomplete == true);
        assert_eq!(incomplete, case.kind != Kind::End, "{name}");
    } else {
        assert_eq!(body["details"]["phase"], "first_chunk", "{name}: {body}");
        assert_eq!(body["details"]["retryable"], false, "{name}: {body}");
    }

    let closed = bridge
        .emulator
        .wait_until(|all| all.iter().all(|c| c.ended != Ended::Open));
    let closed = tokio::time::timeout(LONGEST, closed).await;
    let connections = closed.unwrap_or_else(|_| panic!("{name}: still open"));
    assert_eq!(connections.len(), 1, "{name}: the agent has run once");
    // A peer's 1002, and a code that must not be sent, are answered with 1002 (RFC 6455, section 7.4).
    // The library does not know 1014, which came later.
    let closes_wrongly = case
        .steps
        .iter()
        .any(|s| matches!(s, Step::Close(Some(1002 | 1004..=1006 | 1014 | 1015))));
    let code = match case.kind {
        Kind::Broken(code) => Some(code),
        _ if closes_wrongly => Some(1002),
        _ => Some(1000),
    };
    // A peer that has ended TCP, or no longer reads, cannot get a close frame.
    let is_gone = case
        .steps
        .iter()
        .any(|s| matches!(s, Step::Fin | Step::Reset | Step::Silence));
    if !is_gone {
        assert_eq!(connections[0].close_code, code, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_at_every_moment_gives_the_contracts_outcome() {
    let cases = cases();
    // A bare text stream treats the other formats' end as text.
    let is_text = |case: &Case| {
        case.format == Format::BareText && case.pieces > 0 && case.name.starts_with("done,")
    };
    let cases: Vec<_> = cases.into_iter().filter(|case| !is_text(case)).collect();
    let count = cases.len();
    stream::iter(&cases).for_each_concurrent(48, run).await;
    say(&format!("{count} cases of fault × moment × format ran"));
    assert!(count > 2_000);
}

/// The reply's bytes on the wire, cut at every byte in every way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_cut_at_any_byte_is_returned_as_far_as_it_came() {
    let pieces = ["one, ", "two €, ", "three"];
    let mut wire = Vec::new();
    let mut whole = Vec::new();
    for piece in pieces {
        let event = format!("data: {}\n\n", json!({ "chunk": piece }));
        wire.extend(Frame::new(opcode::TEXT, event).encode());
        whole.push(wire.len());
    }
    let cuts = (0..wire.len()).flat_map(|cut| [(cut, Step::Fin), (cut, Step::Reset)]);
    let count = wire.len() * 2;
    let (wire, whole) = (&wire, &whole);
    stream::iter(cuts)
        .for_each_concurrent(48, async |(cut, end)| {
            let mut steps = vec![Step::Bytes(wire[..cut].to_vec())];
            // A reset overtakes what was sent right before it.
            if end == Step::Reset {
                steps.push(Step::pause_ms(50));
            }
            steps.push(end.clone());
            let bridge = Bridge::to(Agent::scripted(steps)).await;
            let answer = bridge.say("x").await;
            let body = answer.json();
            let arrived = whole.iter().filter(|end| **end <= cut).count();
            if arrived == 0 {
                assert_eq!(answer.status.as_u16(), 503, "{cut} {end:?} {body}");
                assert_eq!(body["details"]["phase"], "first_chunk");
            } else {
                assert_eq!(
                    body["response"],
                    pieces[..arrived].concat(),
                    "{cut} {end:?}"
                );
                assert_eq!(body["incomplete"], true, "{cut} {end:?}");
            }
            assert_eq!(bridge.emulator.connections().len(), 1);
        })
        .await;
    say(&format!("{count} cuts of a reply ran"));
}

/// A flood is cut at the limit, and a trickle by the deadline.
#[tokio::test]
async fn floods_and_trickles_end_in_time() {
    let mut flood = vec![Step::text("x".repeat(1 << 20)); 64];
    flood.push(Step::AwaitClose);
    let bridge = Bridge::to(Agent::scripted(flood)).await;
    let body = bridge.say("x").await.json();
    assert_eq!(body["response"].as_str().unwrap().len(), 4 << 20);
    assert_eq!(body["incomplete"], true);

    let drip = (0..1_000)
        .flat_map(|_| [Step::text(": drip\n"), Step::pause_ms(20)])
        .collect();
    let variables = [("INVOKE_TIMEOUT_MS", "500"), ("CHUNK_TIMEOUT_MS", "400")];
    let bridge = Bridge::configured(Agent::scripted(drip), &variables).await;
    let start = Instant::now();
    let answer = bridge.say("x").await;
    assert_eq!(answer.status.as_u16(), 504, "{answer:?}");
    assert!(start.elapsed() < LONGEST);

    let words = (0..1_000)
        .flat_map(|n| [Step::text(format!("{n} ")), Step::pause_ms(20)])
        .collect();
    let bridge = Bridge::configured(Agent::scripted(words), &variables).await;
    let body = bridge.say("x").await.json();
    assert_eq!(
        body["incomplete"], true,
        "what is there at the deadline is given"
    );
    assert!(body["response"].as_str().unwrap().starts_with("0 1 2 "));
}
