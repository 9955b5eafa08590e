use dropgate_gate::decision::Permit;

fn copy(permit: &Permit) -> Permit {
    permit.clone()
}

fn main() {}
