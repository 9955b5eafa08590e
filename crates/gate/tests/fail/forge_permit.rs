use dropgate_gate::decision::{Authority, Permit, PolicyIds};

fn main() {
    let _permit = Permit {
        authority: Authority::LocalOwner,
        policies: PolicyIds::none(),
    };
}
