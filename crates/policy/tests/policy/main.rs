//! Decisions as the relay gets them: from files of policies and from real sockets.
#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that this is a test"
)]

mod cedar;
mod docs;
mod faults;
mod freshness;
mod point;
mod server;
mod stage;
