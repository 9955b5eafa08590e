//! What a collector learns of the calls of the real binary, and what calls and the end lose by one
//! that is dead, slow or choosy: nothing.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;

#[path = "telemetry/collector.rs"]
mod collector;
#[path = "telemetry/passing_on.rs"]
mod passing_on;
#[path = "telemetry/sink.rs"]
mod sink;
#[path = "telemetry/stage.rs"]
mod stage;
#[path = "telemetry/told.rs"]
mod told;
#[path = "telemetry/trouble.rs"]
mod trouble;
