use dropgate_gate::decision::Decision;

fn main() {
    let _decision: Decision = true.into();
}
