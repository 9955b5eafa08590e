use dropgate_gate::call::{Call, InFlight};

fn forge(state: InFlight) -> Call<InFlight> {
    Call { state }
}

fn main() {
    let _ = forge(InFlight { pass: None });
}
