//! AWS Signature Version 4: no I/O, and the time comes from outside. An agent's address is signed by our own hand, the rare
//! other requests by `aws-sigv4`.

mod clock;
pub mod presign;
mod signer;

pub(super) use clock::SigningClock;
pub use signer::SigningError;
pub(super) use signer::{SERVICE, SESSION_ID, Signer, encode};
