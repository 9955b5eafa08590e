use std::time::Duration;

use dropgate_gate::call::{Call, InFlight, Kind};

fn main() {
    let _call: Call<InFlight> = Call {
        kind: Kind::ToolCall,
        tool: None,
        received_at: Duration::ZERO,
        state: std::marker::PhantomData,
    };
}
