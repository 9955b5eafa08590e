//! A pass is given back with one result.

use std::time::Duration;

use dropgate_gate::breaker::{Breakers, Pass, Verdict};

fn record_twice(breakers: &mut Breakers, pass: Pass) {
    let now = Duration::ZERO;
    breakers.record(pass, Verdict::Failure, Verdict::Ignored, now);
    breakers.record(pass, Verdict::Success, Verdict::Success, now);
}

fn main() {}
