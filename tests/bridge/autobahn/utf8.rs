//! Section 6: texts that are UTF-8, and texts that are not.

use super::framing::{ENDS, GOES_ON, TEXT_BEGINS, normal};
use super::{Case, Expected, bytewise};
use crate::attack::hostile::{TEXT, frame};

/// RFC 6455, section 7.4.1.
const NOT_UTF8: u16 = 1007;

/// Greek for "cosmos", with an accent from beyond the basic block.
const COSMOS: &str = "κόσμε";

/// A message in frames of these payloads.
fn in_frames(payloads: &[&[u8]]) -> Vec<Vec<u8>> {
    let last = payloads.len() - 1;
    let first = |n: usize| match (n == 0, n == last) {
        (true, true) => TEXT,
        (true, false) => TEXT_BEGINS,
        (false, false) => GOES_ON,
        (false, true) => ENDS,
    };
    let frames = payloads.iter().enumerate();
    frames
        .map(|(n, payload)| frame(first(n), payload))
        .collect()
}

fn told(number: String, mut writes: Vec<Vec<u8>>, text: &str) -> Case {
    writes.push(normal());
    Case::told(number, writes, text)
}

/// A message of these bytes, judged by what Rust's own library says of them.
fn judged(number: String, payload: &[u8]) -> Case {
    let writes = vec![frame(TEXT, payload)];
    match std::str::from_utf8(payload) {
        Ok(text) => told(number, writes, text),
        Err(_) => Case::failed(number, writes, "", NOT_UTF8),
    }
}

fn fails_early(number: &str, writes: Vec<Vec<u8>>) -> Case {
    Case {
        number: number.to_owned(),
        writes,
        expected: Expected::FailedEarly { code: NOT_UTF8 },
    }
}

/// The bytes of a code point, also where UTF-8 has none for it: written out by the rule of its length.
fn encoded(point: u32, length: usize) -> Vec<u8> {
    let low = |shift: u32| u8::try_from(point >> shift & 0x3f).unwrap() | 0x80;
    let rest: Vec<u8> = (0..length - 1)
        .rev()
        .map(|n| low(6 * u32::try_from(n).unwrap()))
        .collect();
    let lead = !(0xff_u32 >> length) & 0xff | point >> (6 * (length - 1));
    let lead = if length == 1 { point } else { lead };
    [vec![u8::try_from(lead).unwrap()], rest].concat()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = pieces();
    cases.extend(fail_fast());
    cases.extend(tables());
    cases
}

/// 6.1 to 6.3: empty texts, and texts cut within a character.
fn pieces() -> Vec<Case> {
    let valid = format!("Hello-µ@ßöäüàá-UTF-8!! {COSMOS}");
    let bytes = valid.as_bytes();
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    let broken = [COSMOS.as_bytes(), &encoded(0xd800, 3), b"edited"].concat();
    let each_broken: Vec<&[u8]> = broken.chunks(1).collect();
    let cosmos: Vec<&[u8]> = COSMOS.as_bytes().chunks(1).collect();
    vec![
        told("6.1.1".into(), in_frames(&[b""]), ""),
        told("6.1.2".into(), in_frames(&[b"", b"", b""]), ""),
        told("6.1.3".into(), in_frames(&[b"", b"middle", b""]), "middle"),
        told("6.2.1".into(), in_frames(&[bytes]), &valid),
        told(
            "6.2.2".into(),
            in_frames(&[&bytes[..12], &bytes[12..]]),
            &valid,
        ),
        told("6.2.3".into(), in_frames(&each), &valid),
        told("6.2.4".into(), in_frames(&cosmos), COSMOS),
        Case::failed("6.3.1", in_frames(&[&broken]), "", NOT_UTF8),
        Case::failed("6.3.2", in_frames(&each_broken), "", NOT_UTF8),
    ]
}

/// 6.4: what is no UTF-8 whatever follows should be failed before that comes.
fn fail_fast() -> Vec<Case> {
    let too_high = encoded(0x11_0000, 4);
    let whole = [COSMOS.as_bytes(), &too_high].concat();
    let pending = [COSMOS.as_bytes(), &too_high[..1]].concat();
    let one_frame = frame(TEXT, &[&whole[..], b"edited"].concat());
    let within = |at: usize| {
        // Behind the header of two bytes.
        let (before, after) = one_frame.split_at(2 + at);
        vec![before.to_vec(), after.to_vec()]
    };
    vec![
        fails_early(
            "6.4.1",
            in_frames(&[COSMOS.as_bytes(), &too_high, b"edited"]),
        ),
        // The second byte is what makes it hopeless.
        fails_early("6.4.2", in_frames(&[&pending, &too_high[1..], b"edited"])),
        fails_early("6.4.3", within(whole.len())),
        fails_early("6.4.4", within(pending.len() + 1)),
    ]
}

/// 6.5 to 6.23: sequences of every kind.
fn tables() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |section: u32, payloads: Vec<Vec<u8>>| {
        for (n, payload) in payloads.iter().enumerate() {
            cases.push(judged(format!("6.{section}.{}", n + 1), payload));
        }
    };
    let cosmos = COSMOS.as_bytes();
    let samples = [
        "hello$world",
        "hello¢world",
        "hello€world",
        "hello𤭢world",
        COSMOS,
    ];
    add(5, samples.map(|sample| sample.as_bytes().to_vec()).to_vec());
    add(
        6,
        (1..=cosmos.len()).map(|n| cosmos[..n].to_vec()).collect(),
    );
    // The first and the last of each length, five and six bytes included.
    let first = [(0, 1), (0x80, 2), (0x800, 3), (0x1_0000, 4)];
    add(
        7,
        first.map(|(point, length)| encoded(point, length)).to_vec(),
    );
    add(8, vec![encoded(0x20_0000, 5), encoded(0x400_0000, 6)]);
    let last = [(0x7f, 1), (0x7ff, 2), (0xffff, 3), (0x10_ffff, 4)];
    add(
        9,
        last.map(|(point, length)| encoded(point, length)).to_vec(),
    );
    let beyond = [(0x1f_ffff, 4), (0x3ff_ffff, 5), (0x7fff_ffff, 6)];
    add(
        10,
        beyond
            .map(|(point, length)| encoded(point, length))
            .to_vec(),
    );
    let borders = [
        (0xd7ff, 3),
        (0xe000, 3),
        (0xfffd, 3),
        (0x10_ffff, 4),
        (0x11_0000, 4),
    ];
    add(
        11,
        borders
            .map(|(point, length)| encoded(point, length))
            .to_vec(),
    );
    // Continuations without a beginning: one, the last, two to seven, all that there are.
    let stray = |count: usize| [0x80, 0xbf].into_iter().cycle().take(count).collect();
    let mut strays: Vec<Vec<u8>> = vec![vec![0x80], vec![0xbf]];
    strays.extend((2..=6).map(stray));
    strays.push((0x80..=0xbf).collect());
    add(12, strays);
    // Beginnings without a continuation, of two to six bytes.
    let lonely = [
        0xc0..=0xdf,
        0xe0..=0xef,
        0xf0..=0xf7,
        0xf8..=0xfb,
        0xfc..=0xfd,
    ];
    let lonely = lonely.map(|leads| leads.flat_map(|lead| [lead, b' ']).collect());
    add(13, lonely.to_vec());
    // The last byte missing, of the smallest and of the largest of each length.
    let lengths = 2..=6;
    let smallest = lengths.clone().map(|length| encoded(0, length));
    let largest = [
        (0x7ff, 2),
        (0xffff, 3),
        (0x1f_ffff, 4),
        (0x3ff_ffff, 5),
        (0x7fff_ffff, 6),
    ];
    let largest = largest.map(|(point, length)| encoded(point, length));
    let cut: Vec<Vec<u8>> = smallest
        .chain(largest)
        .map(|mut bytes| {
            bytes.pop();
            bytes
        })
        .collect();
    let all_cut = cut.concat();
    add(14, cut);
    add(15, vec![all_cut]);
    add(
        16,
        vec![vec![0xfe], vec![0xff], vec![0xfe, 0xfe, 0xff, 0xff]],
    );
    // Longer than need be: a slash, the highest of the length before, nothing.
    add(
        17,
        lengths
            .clone()
            .map(|length| encoded(0x2f, length))
            .collect(),
    );
    let too_long = [
        (0x7f, 2),
        (0x7ff, 3),
        (0xffff, 4),
        (0x1f_ffff, 5),
        (0x3ff_ffff, 6),
    ];
    add(
        18,
        too_long
            .map(|(point, length)| encoded(point, length))
            .to_vec(),
    );
    add(19, lengths.map(|length| encoded(0, length)).collect());
    // Halves of UTF-16's pairs, alone and in pairs.
    let halves = [0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff];
    add(20, halves.map(|half| encoded(half, 3)).to_vec());
    let highs = [0xd800, 0xdb7f, 0xdb80, 0xdbff];
    let pairs = highs
        .into_iter()
        .flat_map(|high| [(high, 0xdc00), (high, 0xdfff)]);
    add(
        21,
        pairs
            .map(|(high, low)| [encoded(high, 3), encoded(low, 3)].concat())
            .collect(),
    );
    // Code points that are no characters, which are texts all the same.
    let planes = (0..=16_u32).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]);
    let length = |point: u32| if point > 0xffff { 4 } else { 3 };
    add(
        22,
        planes.map(|point| encoded(point, length(point))).collect(),
    );
    add(
        23,
        (0xfff9..=0xffff).map(|point| encoded(point, 3)).collect(),
    );
    cases
}

#[test]
fn the_encoding_is_that_of_utf8_where_there_is_one() {
    for c in [
        '\0',
        '\x7f',
        '\u{80}',
        '\u{7ff}',
        '\u{800}',
        '\u{ffff}',
        '\u{10000}',
        '\u{10ffff}',
    ] {
        assert_eq!(
            encoded(u32::from(c), c.len_utf8()),
            c.to_string().as_bytes()
        );
    }
    assert_eq!(bytewise(b"ab"), [b"a", b"b"]);
}
