use dropgate_gate::decision::PointAnswer;

fn main() {
    let _answer: PointAnswer = PointAnswer(true.into());
}
