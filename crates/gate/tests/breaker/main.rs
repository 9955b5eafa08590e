//! The breakers from outside: what the documentation promises of them, and random long lives.

#![allow(clippy::unwrap_used)]

mod opening;
mod random;
mod stage;
mod table;
mod trial;
mod upstream;
