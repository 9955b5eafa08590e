use dropgate_gate::call::{Admitted, Call};

fn skip_the_record(call: Call<Admitted>) {
    let _ = call.send(());
}

fn main() {}
