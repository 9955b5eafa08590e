//! The journal from outside: entered, killed, changed, filled, verified.
#![allow(
    clippy::expect_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod busy;
mod changes;
mod copies;
mod cut;
mod disks;
mod filler;
mod hostile;
mod keyless;
mod kills;
mod parts;
mod recover_body;
mod repeats;
mod retention;
mod round_trip;
mod rounds;
mod stage;
mod times;
