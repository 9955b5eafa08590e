//! Programs that show, compare or hand on a secret must not compile.

#[test]
fn a_secret_can_not_be_shown() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/fail/*.rs");
}
