//! What must hold of any bytes from outside. Each function is one kind of input; it panics if
//! something does not hold.
//!
//! The fuzzer calls them with bytes that it makes up (`fuzz/fuzz_targets`), and `tests/corpus.rs` with
//! those that it found worth keeping (`fuzz/corpus`).

mod address;
mod input;
mod message;
mod reading;

pub use address::{address, signature};
pub use input::{event, request};
pub use message::{ag_ui, template};
pub use reading::{cut, reply, telling};

/// A check of any bytes.
pub type Check = fn(&[u8]);

/// All checks, by the names of their targets and corpora.
pub const ALL: &[(&str, Check)] = &[
    ("address", address),
    ("ag_ui", ag_ui),
    ("cut", cut),
    ("event", event),
    ("reply", reply),
    ("request", request),
    ("signature", signature),
    ("telling", telling),
    ("template", template),
];
