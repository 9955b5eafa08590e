use dropgate_gate::call::{Call, InFlight};

fn main() {
    let _state = InFlight { pass: None };
    let _call: Call<InFlight> = Call {
        facts: todo!(),
        state: todo!(),
    };
}
