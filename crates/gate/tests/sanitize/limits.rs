//! Any bytes, and texts made to be slow.

use std::time::Duration;

use dropgate_gate::sanitize::{Asked, Profile, Sanitizer};
use proptest::prelude::*;
use serde_json::json;

use crate::any_bytes_body::clean_any;
use crate::support::{judge, sanitizer};

/// Pieces that detectors look at.
const PIECES: &[&str] = &[
    "/",
    "\\",
    "\\\\",
    "'/",
    "/a",
    "a/b/",
    ":",
    ":1",
    "1.",
    "10.0.0.1 ",
    " at ",
    " at f(",
    " File \"",
    "token=",
    "token: ",
    "sk-",
    "eyJ-",
    "://",
    "-----BEGIN ",
    "-----END ",
    "select ",
    "SELECT a, ",
    "update a set ",
    "password='",
    "q~",
    ".internal",
    "host=",
    "\\n",
    "\\u0061",
    "%41",
    "C:\\a ",
    "\\\\a",
    "~/",
    "[sql: ",
    ")=(",
    "cookie:",
    "bearer ",
    "{\"a\":",
    "[",
    "\n",
    "\r\n",
    "    at f (/a.js:1:2)\n",
    "  File \"a\", line 1\n",
    "水",
    "\u{fffd}",
    "https://docs.a/1.2/",
    "\"",
    "'",
    "}",
    "]",
    "=",
    " ",
    "\t",
    "Traceback (most recent call last):\n",
    "goroutine 1 [running]:\n",
    "LINE 1: ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes_are_held(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        clean_any(&data);
    }

    #[test]
    fn any_mixture_of_signs_is_held(picks in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = picks.into_iter().map(|pick| PIECES[pick]).collect();
        clean_any(text.as_bytes());
    }
}

/// Four texts are as much work as one of four times the length, if the work grows with the length and not faster.
#[test]
fn the_time_grows_with_the_text_and_not_faster() {
    let sanitizer = sanitizer(Profile::Strict, &["s3cr3t-value"]);
    // The system counts in ticks of a few milliseconds.
    let tick = Duration::from_millis(8);
    let ratio = |piece: &str, length: usize| {
        let short: Duration = (0..4).map(|_| time(&sanitizer, piece, length)).sum();
        let long = time(&sanitizer, piece, 4 * length);
        (long + tick).as_secs_f64() / (short + tick).as_secs_f64()
    };
    for piece in PIECES {
        let first = ratio(piece, 24 << 10);
        // A second look at more text tells noise from growth.
        let settled = if first > 2.5 {
            ratio(piece, 48 << 10)
        } else {
            first
        };
        assert!(
            settled <= 2.5,
            "{piece:?}: one text took {settled:.1} times as long as four quarters of it"
        );
    }
}

fn time(sanitizer: &Sanitizer, piece: &str, length: usize) -> Duration {
    let text = piece.repeat(length / piece.len());
    let result = json!({"isError": true, "content": [{"type": "text", "text": text}]});
    let line = json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string();
    let before = on_processor();
    let _ = judge(sanitizer, &line, Asked::ToolCall);
    on_processor() - before
}

/// How long this thread has run: what other threads do does not count.
fn on_processor() -> Duration {
    let Ok(times) = std::fs::read_to_string("/proc/thread-self/schedstat") else {
        panic!("this test needs /proc");
    };
    let nanos = times.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
