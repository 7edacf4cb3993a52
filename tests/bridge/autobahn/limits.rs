//! Section 9: large messages, in one frame and in many, in one packet and in many, and many messages.

use super::Case;
use super::framing::{BINARY, BINARY_BEGINS, ENDS, GOES_ON, TEXT_BEGINS, normal};
use crate::attack::hostile::{TEXT, frame};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// RFC 6455, section 7.4.1. Autobahn's largest messages are larger than what we take, which is eight MiB.
const TOO_LARGE: u16 = 1009;
const LARGEST: usize = 8 * MIB;

/// A message in frames of this size.
fn in_frames(begins: u8, message: &str, size: usize) -> Vec<u8> {
    let count = message.len().div_ceil(size);
    let parts = message.as_bytes().chunks(size).enumerate();
    let first = |n: usize| match (n, n + 1 == count) {
        (0, true) => begins | ENDS,
        (0, false) => begins,
        (_, false) => GOES_ON,
        (_, true) => ENDS,
    };
    parts.flat_map(|(n, part)| frame(first(n), part)).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add =
        |section: u32, sizes: &[usize], case: &dyn Fn(usize) -> (Vec<Vec<u8>>, String)| {
            for (n, size) in sizes.iter().enumerate() {
                let number = format!("9.{section}.{}", n + 1);
                let (mut writes, text) = case(*size);
                writes.push(normal());
                cases.push(if text.len() > LARGEST {
                    Case::failed(number, writes, "", TOO_LARGE)
                } else {
                    Case::told(number, writes, text)
                });
            }
        };
    let sizes = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
    let pieces = [
        64,
        256,
        KIB,
        4 * KIB,
        16 * KIB,
        64 * KIB,
        256 * KIB,
        MIB,
        4 * MIB,
    ];
    let packets = [64, 128, 256, 512, KIB, 2 * KIB];
    let messages = [0, 16, 64, 256, KIB, 4 * KIB];
    for (kind, whole, begins) in [(0, TEXT, TEXT_BEGINS), (1, BINARY, BINARY_BEGINS)] {
        add(1 + kind, &sizes, &|size| {
            let message = "*".repeat(size);
            (vec![frame(whole, message.as_bytes())], message)
        });
        add(3 + kind, &pieces, &|size| {
            let message = "*".repeat(4 * MIB);
            (vec![in_frames(begins, &message, size)], message)
        });
        add(5 + kind, &packets, &|size| {
            let message = "*".repeat(MIB);
            let bytes = frame(whole, message.as_bytes());
            (bytes.chunks(size).map(<[u8]>::to_vec).collect(), message)
        });
        // A thousand messages, of which Autobahn would have each echoed.
        add(7 + kind, &messages, &|size| {
            let message = "*".repeat(size);
            let one = frame(whole, message.as_bytes());
            (vec![one; 1_000], message.repeat(1_000))
        });
    }
    cases
}
