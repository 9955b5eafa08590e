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

/// Twice the text may take twice the time and some, never four times.
#[test]
fn the_time_grows_with_the_text_and_not_faster() {
    let sanitizer = sanitizer(Profile::Strict, &["s3cr3t-value"]);
    for piece in PIECES {
        let (short, long) = (24 << 10, 96 << 10);
        // The least of several tries is little disturbed by what else runs.
        let ratio = |tries: u32| {
            let least = |length| (0..tries).map(|_| time(&sanitizer, piece, length)).min();
            match (least(short), least(long)) {
                (Some(short), Some(long)) => long.as_secs_f64() / short.as_secs_f64().max(1e-6),
                (None, _) | (_, None) => f64::INFINITY,
            }
        };
        let first = ratio(1);
        let settled = if first > 8.0 { ratio(5) } else { first };
        assert!(
            settled <= 8.0,
            "{piece:?}: four times the text took {settled:.1} times as long"
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
