//! Events of gateways, as requests, and answers in a gateway's form.
//!
//! REST APIs, HTTP APIs, function URLs and load balancers write the same things in different ways.
//! Only this room knows them. An event's text is parsed once, into fields that are not looked at
//! before they are needed: what is odd about one of them harms no other. Of a name that is there
//! twice the last counts.

pub use request::{Event, Gateway};
pub use response::render;

mod address;
mod json;
mod origin;
mod request;
mod response;

#[cfg(test)]
mod judge;
