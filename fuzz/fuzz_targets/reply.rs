//! Any bytes as the messages of a reply: no panic, one end, and never more text than was sent.
//!
//! `cargo install cargo-fuzz`, then `RUSTC_BOOTSTRAP=1 cargo fuzz run reply`. The byte 0xff, which no
//! text holds, parts messages; a message that begins with 0xfe is binary.
#![no_main]

use agentcore_reply::{ReplyReader, Step};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = ReplyReader::default();
    let (mut text_bytes, mut ends) = (0, 0);
    let mut count = |step: Step| match step {
        Step::Text(text) => {
            assert!(!text.is_empty());
            text_bytes += text.len();
        }
        Step::End(_) => ends += 1,
        _ => {}
    };
    for message in bytes.split(|byte| *byte == 0xff) {
        match std::str::from_utf8(message) {
            Ok(text) => reader.push_text(text),
            Err(_) => reader.push_binary(message.strip_prefix(&[0xfe]).unwrap_or(message)),
        }
        reader.by_ref().for_each(&mut count);
    }
    reader.finish();
    reader.by_ref().for_each(&mut count);
    assert_eq!(ends, 1, "a reply ends once");
    // Half of a surrogate pair is six bytes as an escape, and three as the sign for it.
    assert!(text_bytes <= bytes.len(), "more text than was sent");
});
