//! Tests that need what only the crate itself can reach.

mod faults;
mod forgery;
mod stage;
