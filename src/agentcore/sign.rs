//! AWS Signature Version 4: no I/O, no clock. An agent's address is signed by our own hand, the rare
//! other requests by `aws-sigv4`.

pub mod presign;
mod signer;

pub use signer::SigningError;
pub(super) use signer::{SERVICE, SESSION_ID, Signer, encode};
