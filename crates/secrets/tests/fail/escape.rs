use dropgate_secrets::{Secret, Value};

fn main() {
    let secret: Secret<Value> = Secret::of_parts(&[b"x"]).unwrap();
    let mut kept: &[u8] = b"";
    secret.expose(|value| kept = value);
    println!("{kept:?}");
}
