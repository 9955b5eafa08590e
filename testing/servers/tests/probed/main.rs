//! `dropgate probe` finds the leak in every hostile server that has one, and none behind
//! `dropgate run`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first thing that is not as expected"
)]

mod binary;
mod probing;
mod rows;
