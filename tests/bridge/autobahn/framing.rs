//! Sections 1 to 5.

use super::{Case, bytewise};
use crate::attack::hostile::{CLOSE, PING, TEXT, frame};

pub(super) const BINARY: u8 = 0x82;
const PONG: u8 = 0x8a;
/// A frame with more to come, and the ones that come.
pub(super) const TEXT_BEGINS: u8 = 0x01;
pub(super) const BINARY_BEGINS: u8 = 0x02;
pub(super) const GOES_ON: u8 = 0x00;
pub(super) const ENDS: u8 = 0x80;

/// RFC 6455, section 7.4.1.
pub(super) const PROTOCOL_ERROR: u16 = 1002;

pub(super) fn normal() -> Vec<u8> {
    frame(CLOSE, &1000_u16.to_be_bytes())
}

fn text(payload: &str) -> Vec<u8> {
    frame(TEXT, payload.as_bytes())
}

/// A message of each length at which the header changes, whole and in pieces.
pub(super) fn payloads() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, first) in [(1, TEXT), (2, BINARY)] {
        let lengths = [0, 125, 126, 127, 128, 65_535, 65_536];
        for (n, length) in lengths.into_iter().enumerate() {
            let payload = "*".repeat(length);
            let writes = vec![frame(first, payload.as_bytes()), normal()];
            cases.push(Case::told(format!("1.{kind}.{}", n + 1), writes, payload));
        }
        let payload = "*".repeat(65_536);
        let bytes = frame(first, payload.as_bytes());
        let pieces = bytes.chunks(997).map(<[u8]>::to_vec);
        let writes = pieces.chain([normal()]).collect();
        cases.push(Case::told(format!("1.{kind}.8"), writes, payload));
    }
    cases
}

pub(super) fn pings() -> Vec<Case> {
    let odd = [0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff];
    let longest = vec![0xfe; 125];
    let ten: Vec<_> = (0..10)
        .map(|n| format!("payload-{n}").into_bytes())
        .collect();
    let pinged = |payload: &[u8]| frame(PING, payload);
    let case = |number: &str, writes: Vec<Vec<u8>>, pongs: Vec<Vec<u8>>| {
        let writes = writes.into_iter().chain([normal()]).collect();
        Case::told(number, writes, "").answering(pongs)
    };
    vec![
        case("2.1", vec![pinged(b"")], vec![vec![]]),
        case("2.2", vec![pinged(b"Hello")], vec![b"Hello".to_vec()]),
        case("2.3", vec![pinged(&odd)], vec![odd.to_vec()]),
        case("2.4", vec![pinged(&longest)], vec![longest.clone()]),
        Case::failed("2.5", vec![pinged(&[0xfe; 126])], "", PROTOCOL_ERROR),
        case("2.6", bytewise(&pinged(&longest)), vec![longest]),
        case("2.7", vec![frame(PONG, b"")], vec![]),
        case("2.8", vec![frame(PONG, b"unasked")], vec![]),
        case(
            "2.9",
            vec![frame(PONG, b"unasked"), pinged(b"asked")],
            vec![b"asked".to_vec()],
        ),
        case(
            "2.10",
            ten.iter().map(|payload| pinged(payload)).collect(),
            ten.clone(),
        ),
        case(
            "2.11",
            ten.iter()
                .flat_map(|payload| bytewise(&pinged(payload)))
                .collect(),
            ten,
        ),
    ]
}

pub(super) fn reserved_bits() -> Vec<Case> {
    let hello = || text("Hello, world!");
    let with = |first: u8, bits: u8| frame(first | bits << 4, b"Hello, world!");
    let after_hello = |number: &str, writes: Vec<Vec<u8>>| {
        Case::failed(number, writes, "Hello, world!", PROTOCOL_ERROR)
    };
    let three = |bits: u8| [hello(), with(TEXT, bits), frame(PING, b"")];
    let failed = |number: &str, bytes| Case::failed(number, vec![bytes], "", PROTOCOL_ERROR);
    vec![
        failed("3.1", with(TEXT, 1)),
        after_hello("3.2", vec![three(2).concat()]),
        after_hello("3.3", three(3).to_vec()),
        after_hello("3.4", bytewise(&three(4).concat())),
        failed("3.5", with(BINARY, 5)),
        failed("3.6", with(PING, 6)),
        failed("3.7", frame(CLOSE | 7 << 4, &1000_u16.to_be_bytes())),
    ]
}

/// Frames of types that are not defined: alone, with a payload, and after a message.
pub(super) fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, opcodes) in [(1, 3..=7), (2, 11..=15)] {
        for (n, opcode) in opcodes.enumerate() {
            let payload: &[u8] = if n == 0 { b"" } else { b"reserved" };
            let unknown = frame(0x80 | opcode, payload);
            let number = format!("4.{kind}.{}", n + 1);
            let hello = || text("Hello, world!");
            cases.push(match n {
                0 | 1 => Case::failed(number, vec![unknown], "", PROTOCOL_ERROR),
                2 | 3 => {
                    let writes = vec![hello(), unknown, frame(PING, b"")];
                    Case::failed(number, writes, "Hello, world!", PROTOCOL_ERROR)
                }
                _ => {
                    let all = [hello(), unknown, frame(PING, b"")].concat();
                    Case::failed(number, bytewise(&all), "Hello, world!", PROTOCOL_ERROR)
                }
            });
        }
    }
    cases
}

pub(super) fn fragments() -> Vec<Case> {
    let (begins, ends) = (frame(TEXT_BEGINS, b"fragment1"), frame(ENDS, b"fragment2"));
    let ping = || frame(PING, b"ping");
    let both = "fragment1fragment2";
    let failed = |number: &str, frames: Vec<Vec<u8>>, text: &str| {
        Case::failed(number, frames, text, PROTOCOL_ERROR)
    };
    let told = |number: &str, frames: Vec<Vec<u8>>, text: &str, pongs: usize| {
        let writes = frames.into_iter().chain([normal()]).collect();
        Case::told(number, writes, text).answering(vec![b"ping".to_vec(); pongs])
    };
    let one_packet = |frames: &[Vec<u8>]| vec![frames.concat()];
    let bytes = |frames: &[Vec<u8>]| bytewise(&frames.concat());
    let two = [begins.clone(), ends.clone()];
    let with_ping = [begins.clone(), ping(), ends.clone()];
    let stray = |first: u8| [frame(first, b"nothing to go on with"), text("Hello")];
    let after_two = |first: u8| {
        let rest = [frame(first, b"nothing to go on with"), text("Hello")];
        [two.to_vec(), rest.to_vec()].concat()
    };
    let five = vec![
        frame(TEXT_BEGINS, b"fragment1"),
        frame(GOES_ON, b"fragment2"),
        ping(),
        frame(GOES_ON, b"fragment3"),
        frame(GOES_ON, b"fragment4"),
        ping(),
        frame(ENDS, b"fragment5"),
    ];
    let all_five = "fragment1fragment2fragment3fragment4fragment5";
    vec![
        failed("5.1", vec![frame(0x09, b"part"), frame(ENDS, b"rest")], ""),
        failed("5.2", vec![frame(0x0a, b"part"), frame(ENDS, b"rest")], ""),
        told("5.3", one_packet(&two), both, 0),
        told("5.4", two.to_vec(), both, 0),
        told("5.5", bytes(&two), both, 0),
        told("5.6", one_packet(&with_ping), both, 1),
        told("5.7", with_ping.to_vec(), both, 1),
        told("5.8", bytes(&with_ping), both, 1),
        failed("5.9", one_packet(&stray(ENDS)), ""),
        failed("5.10", stray(ENDS).to_vec(), ""),
        failed("5.11", bytes(&stray(ENDS)), ""),
        failed("5.12", one_packet(&stray(GOES_ON)), ""),
        failed("5.13", stray(GOES_ON).to_vec(), ""),
        failed("5.14", bytes(&stray(GOES_ON)), ""),
        failed("5.15", after_two(GOES_ON), both),
        failed(
            "5.16",
            [stray(GOES_ON)[..1].to_vec(), two.to_vec()].concat(),
            "",
        ),
        failed(
            "5.17",
            [stray(ENDS)[..1].to_vec(), two.to_vec()].concat(),
            "",
        ),
        failed("5.18", vec![begins, frame(TEXT, b"fragment2")], ""),
        told("5.19", five.clone(), all_five, 2),
        told("5.20", one_packet(&five), all_five, 2),
    ]
}
