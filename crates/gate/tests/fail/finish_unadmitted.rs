use dropgate_gate::call::{Call, Received};
use dropgate_gate::outcome::Outcome;

fn skip_admission(call: Call<Received>) {
    let _ = call.finish(Outcome::Completed);
}

fn main() {}
