//! Each server does what its row says when nobody owns it: real processes, real signals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first thing that is not as expected"
)]

mod client;
mod deeds;
mod deny;
mod endings;
mod escapes;
mod plain;
