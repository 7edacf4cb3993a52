//! The emulator on a real socket, driven by a client written by hand.

mod admission;
mod client;
mod conversation;
mod handshake;
mod steps;
mod url;
