//! The cases of Autobahn's test suite for WebSocket clients, in our own words and by its numbers: a
//! server sends these bytes after the handshake, and the bridge has to tell the text, to answer pings,
//! and to fail the connection with the right code where RFC 6455 wants that.
//!
//! Its sections 1 to 7 and 9. Sections 10, 12 and 13 are about automatic fragmentation and compression,
//! which the bridge never negotiates. Autobahn's clients echo; ours tells the caller what came.

mod close;
mod framing;
mod limits;
mod server;
mod utf8;

use std::fmt::Write as _;

use futures_util::{StreamExt, stream};

use server::Client;

/// What a client has to make of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// It tells this text, answers these pings, and closes with this code; `None` is a close frame
    /// without one.
    Told {
        text: String,
        pongs: Vec<Vec<u8>>,
        code: Option<u16>,
    },
    /// It fails the connection with this code, after this text.
    Failed { text: String, code: u16 },
    /// The same, and before the last of the writes comes.
    FailedEarly { code: u16 },
}

/// A case: its number, what the server writes (each part in a packet of its own), what has to follow.
struct Case {
    number: String,
    writes: Vec<Vec<u8>>,
    expected: Expected,
}

impl Case {
    fn told(number: impl Into<String>, writes: Vec<Vec<u8>>, text: impl Into<String>) -> Self {
        let expected = Expected::Told {
            text: text.into(),
            pongs: vec![],
            code: Some(1000),
        };
        Self {
            number: number.into(),
            writes,
            expected,
        }
    }

    fn answering(mut self, all: Vec<Vec<u8>>) -> Self {
        if let Expected::Told { pongs, .. } = &mut self.expected {
            *pongs = all;
        }
        self
    }

    fn failed(number: impl Into<String>, writes: Vec<Vec<u8>>, text: &str, code: u16) -> Self {
        let text = text.to_owned();
        Self {
            number: number.into(),
            writes,
            expected: Expected::Failed { text, code },
        }
    }
}

/// How a case went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// As RFC 6455 allows it, but later than it could be: Autobahn's word.
    NonStrict,
}

/// Bytes, one a packet.
fn bytewise(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.iter().map(|&byte| vec![byte]).collect()
}

async fn verdict(client: &Client, case: &Case) -> Verdict {
    let (number, is_early) = (
        &case.number,
        matches!(case.expected, Expected::FailedEarly { .. }),
    );
    let outcome = client.run(&case.writes, is_early).await;
    match &case.expected {
        Expected::Told { text, pongs, code } => {
            assert_eq!(outcome.text, *text, "{number}: {outcome:?}");
            assert!(outcome.is_whole, "{number}: {outcome:?}");
            assert_eq!(outcome.pongs, *pongs, "{number}");
            assert_eq!(outcome.code, *code, "{number}: {outcome:?}");
        }
        Expected::Failed { text, code } => {
            assert_eq!(outcome.text, *text, "{number}: {outcome:?}");
            assert!(!outcome.is_whole, "{number}: {outcome:?}");
            assert_eq!(outcome.code, Some(*code), "{number}: {outcome:?}");
        }
        Expected::FailedEarly { code } => {
            assert!(!outcome.is_whole, "{number}: {outcome:?}");
            assert_eq!(outcome.code, Some(*code), "{number}: {outcome:?}");
            if !outcome.was_early {
                return Verdict::NonStrict;
            }
        }
    }
    Verdict::Ok
}

/// The table of docs/security-tests.md: of each section how many cases there are, and which are not
/// as strict as could be.
async fn table(sections: Vec<(&str, Vec<Case>)>) -> String {
    let client = Client::start().await;
    let mut table = String::from("| section | cases | OK | non-strict |\n|---|---|---|---|\n");
    for (section, cases) in sections {
        // Some side by side: each has its own connection.
        let verdicts = stream::iter(&cases).map(|case| verdict(&client, case));
        let verdicts: Vec<_> = verdicts.buffered(4).collect().await;
        let all = cases.iter().zip(&verdicts);
        let late: Vec<_> = all
            .filter(|(_, verdict)| **verdict == Verdict::NonStrict)
            .map(|(case, _)| case.number.as_str())
            .collect();
        let (count, ok) = (cases.len(), cases.len() - late.len());
        let late = if late.is_empty() {
            "none".to_owned()
        } else {
            late.join(", ")
        };
        writeln!(table, "| {section} | {count} | {ok} | {late} |").unwrap();
    }
    table
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_has_the_result_that_the_documents_tell() {
    let table = table(vec![
        ("1 Framing", framing::payloads()),
        ("2 Pings and pongs", framing::pings()),
        ("3 Reserved bits", framing::reserved_bits()),
        ("4 Opcodes", framing::opcodes()),
        ("5 Fragmentation", framing::fragments()),
        ("6 UTF-8", utf8::cases()),
        ("7 Close", close::cases()),
        ("9 Limits and performance", limits::cases()),
    ])
    .await;
    let documents = include_str!("../../docs/security-tests.md");
    assert!(documents.contains(&table), "the results are now\n{table}");
}
