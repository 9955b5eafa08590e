use dropgate_secrets::{Secret, Value};

fn main() {
    let secret: Secret<Value> = Secret::of_parts(&[b"x"]).unwrap();
    println!("{secret}");
}
