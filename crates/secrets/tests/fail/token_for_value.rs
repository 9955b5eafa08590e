use dropgate_secrets::{Secret, Token, Value};

fn to_the_server(_: Secret<Value>) {}

fn main() {
    let token: Secret<Token> = Secret::of_parts(&[b"x"]).unwrap();
    to_the_server(token);
}
