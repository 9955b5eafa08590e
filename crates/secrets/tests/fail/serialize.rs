use dropgate_secrets::{Secret, Value};

fn written<T: serde::Serialize>(_: T) {}

fn main() {
    let secret: Secret<Value> = Secret::of_parts(&[b"x"]).unwrap();
    written(secret);
}
