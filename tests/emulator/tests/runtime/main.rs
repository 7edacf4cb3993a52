//! The emulator on a real socket, driven by a client written by hand.

mod admission;
mod bearer;
mod client;
mod conversation;
mod endpoint;
mod handshake;
mod signed;
mod steps;
mod stop;
mod url;
