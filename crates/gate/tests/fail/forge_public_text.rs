use dropgate_gate::sanitize::PublicText;

fn leak(error: &std::io::Error) -> PublicText {
    PublicText::cleaned(error.to_string())
}

fn main() {}
