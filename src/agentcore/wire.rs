//! Connections and what is spoken on them. Nothing here knows of agents, credentials or signatures.

pub mod connect;
pub mod endpoint;
pub(super) mod handshake;
mod linger;
pub(super) mod rest;
pub(super) mod socket;
pub mod tls;

pub use connect::Connector;
