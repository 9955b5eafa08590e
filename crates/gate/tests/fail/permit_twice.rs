use dropgate_gate::decision::Permit;

fn spend(_permit: Permit) {}

fn spend_twice(permit: Permit) {
    spend(permit);
    spend(permit);
}

fn main() {}
