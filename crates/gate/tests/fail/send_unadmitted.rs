use std::time::Duration;

use dropgate_gate::call::{Call, Slot};
use dropgate_gate::in_flight::InFlight;
use dropgate_gate::kind::Kind;

fn main() {
    let mut calls = InFlight::new();
    let call = Call::received(Slot(0), Kind::ToolCall, None, Duration::ZERO);
    let _ = calls.insert(1, call);
}
