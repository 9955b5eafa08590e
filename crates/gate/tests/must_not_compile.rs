//! Programs that misuse a call, and the message that stops them.

#[test]
fn a_call_can_not_be_misused() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
