//! What `cargo xtask bench` measures with.
//!
//! The load generator is the host: it starts a command, keeps so many calls in flight, and tells what it saw.
//! The echo server is the other end. Between them stands nothing, or a relay: a splice(2) relay that parses nothing,
//! dropgate, a relay through an SDK's types, or an installed rival.

#![forbid(unsafe_code)]

pub mod load;
pub mod message;
pub mod plan;
