//! Connections and what is spoken on them. Nothing here knows of agents, credentials or signatures.

pub mod connect;
pub mod endpoint;
pub(super) mod handshake;
pub(super) mod rest;
pub(super) mod socket;
pub mod tls;

pub use connect::Connector;
