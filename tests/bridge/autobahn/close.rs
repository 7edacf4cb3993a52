//! Section 7: how connections end.

use super::framing::{ENDS, PROTOCOL_ERROR, TEXT_BEGINS, normal};
use super::{Case, Expected};
use crate::attack::hostile::{CLOSE, PING, TEXT, frame};

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = order();
    cases.extend(payloads());
    cases.extend(codes());
    cases
}

/// 7.1: what comes after a close frame is nobody's.
fn order() -> Vec<Case> {
    let hello = || frame(TEXT, b"Hello World!");
    let large = "*".repeat(256 << 10);
    let ping = || frame(PING, b"late");
    vec![
        Case::told("7.1.1", vec![hello(), normal()], "Hello World!"),
        Case::told("7.1.2", vec![normal(), normal()], ""),
        Case::told("7.1.3", vec![normal(), ping()], ""),
        Case::told("7.1.4", vec![normal(), hello()], ""),
        // A message that never ends is none.
        Case::told(
            "7.1.5",
            vec![
                frame(TEXT_BEGINS, b"fragment1"),
                normal(),
                frame(ENDS, b"fragment2"),
            ],
            "",
        ),
        Case::told(
            "7.1.6",
            vec![frame(TEXT, large.as_bytes()), normal(), ping()],
            large,
        ),
    ]
}

/// 7.3 and 7.5: what a close frame may hold.
fn payloads() -> Vec<Case> {
    let reason = |count| "*".repeat(count).into_bytes();
    vec![
        Case::told("7.3.1", vec![frame(CLOSE, b"")], ""),
        Case::failed("7.3.2", vec![frame(CLOSE, b"a")], "", PROTOCOL_ERROR),
        Case::told("7.3.3", vec![normal()], ""),
        Case::told("7.3.4", vec![close(1000, b"Hello World!")], ""),
        Case::told("7.3.5", vec![close(1000, &reason(123))], ""),
        Case::failed("7.3.6", vec![close(1000, &reason(124))], "", PROTOCOL_ERROR),
        Case::failed(
            "7.5.1",
            vec![close(1000, &[0xce, 0xba, 0xed, 0xa0, 0x80])],
            "",
            1007,
        ),
    ]
}

/// 7.7, 7.9 and 7.13: every code that may be sent, those that may not, and those that are no code. What
/// ends a connection otherwise than normally ends no reply.
fn codes() -> Vec<Case> {
    let may = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ];
    let may_not = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    let unknown = [5000, 65_535];
    let mut cases = Vec::new();
    for (section, codes) in [(7, &may[..]), (9, &may_not), (13, &unknown)] {
        for (n, code) in codes.iter().enumerate() {
            let number = format!("7.{section}.{}", n + 1);
            let writes = vec![close(*code, b"")];
            cases.push(if matches!(code, 1000 | 1001) {
                Case::told(number, writes, "")
            } else {
                // The answer to the peer's own 1002 is no echo: the violation would be ours.
                let expected = if section == 7 { 1000 } else { PROTOCOL_ERROR };
                Case::failed(number, writes, "", expected)
            });
        }
    }
    cases
}

/// So that the names above are looked at as a whole.
#[test]
fn a_code_is_the_first_two_bytes() {
    assert_eq!(close(1000, b""), normal());
    assert_eq!(close(0x0102, b"r"), [CLOSE, 3, 1, 2, b'r']);
    assert!(matches!(cases()[0].expected, Expected::Told { .. }));
}
