//! Connections and what is spoken on them. Nothing here knows of agents, credentials or signatures.

pub mod connect;
pub(super) mod dial;
pub mod endpoint;
mod gathered;
pub(super) mod handshake;
mod linger;
mod names;
mod no_proxy;
pub mod proxy;
pub(super) mod rest;
pub(super) mod socket;
pub mod tls;

pub use connect::Connector;
