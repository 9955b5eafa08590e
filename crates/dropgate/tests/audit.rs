//! `dropgate audit` with the real binary.
#![cfg(feature = "audit")]
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

#[path = "audit/baseline.rs"]
mod baseline;
#[path = "audit/changes.rs"]
mod changes;
#[path = "audit/configuration.rs"]
mod configuration;
#[path = "audit/fix.rs"]
mod fix;
#[path = "audit/outside.rs"]
mod outside;
#[path = "audit/place.rs"]
mod place;
#[path = "audit/probe.rs"]
mod probe;
#[path = "audit/verb.rs"]
mod verb;
