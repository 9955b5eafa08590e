use std::time::Duration;

use dropgate_gate::call::{Call, Kind};
use dropgate_gate::in_flight::InFlight;

fn main() {
    let mut calls = InFlight::new();
    let call = Call::received(Kind::ToolCall, None, Duration::ZERO);
    let _ = calls.insert(1, call);
}
