//! The journal from outside: entered, killed, changed, verified.
#![allow(missing_docs)]

mod round_trip;
mod stage;
