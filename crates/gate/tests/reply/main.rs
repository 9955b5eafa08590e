//! Any bytes as the reply of a decision point.

mod reply_body;

use proptest::prelude::*;
use reply_body::judge_any;

const PIECES: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "\n",
    "true",
    "false",
    "null",
    "1",
    "\"true\"",
    "\"\"",
    "\"decision\"",
    "\"context\"",
    "\"de\\u0063ision\"",
    "\"Decision\"",
    "{\"decision\":true",
    ",\"context\":{",
    "\"a\":1",
    "\u{feff}",
];

#[test]
fn the_plain_shapes() {
    let bodies: [&[u8]; 8] = [
        br#"{"decision":true}"#,
        br#"{"decision":true,"context":{"a":[{"b":1},{"b":1}]}}"#,
        br#"{"decision":true,"context":{"a":[{"b":1,"b":1}]}}"#,
        br#"{"decision":true,"decision":true}"#,
        br#"{"x":1e999,"decision":true}"#,
        br#"{"decision":false}"#,
        br#"{"de\u0063ision":true}"#,
        b"",
    ];
    for body in bodies {
        judge_any(body);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        judge_any(&body);
    }

    #[test]
    fn anything_that_looks_like_a_reply(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..12)
    ) {
        judge_any(pieces.concat().as_bytes());
    }

    #[test]
    fn anything_as_the_decision(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 1..4)
    ) {
        judge_any(format!(r#"{{"decision":{}}}"#, pieces.concat()).as_bytes());
    }

    #[test]
    fn a_good_reply_with_a_byte_changed(at in 0..40_usize, to in any::<u8>()) {
        let mut body = br#"{"decision":true,"context":{"id":"0123"}}"#.to_vec();
        body[at] = to;
        judge_any(&body);
    }
}
