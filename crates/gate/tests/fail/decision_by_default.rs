use dropgate_gate::decision::Decision;

fn main() {
    let _decision = Decision::default();
}
