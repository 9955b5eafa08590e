//! Traces of every language, and text that only looks like one.

use super::*;
use crate::sanitize::tests::cut_by;

fn cleaned(text: &str) -> String {
    cut_by(mark, text)
}

#[test]
fn frames_become_one_mark_and_messages_stay() {
    for (text, expected) in [
        (
            "Error: boom\n    at load (/srv/a.js:1:2)\n    at async run (file:///srv/b.mjs:3:4)\n    at <anonymous>\nend",
            "Error: boom\n    [stack removed]\nend",
        ),
        (
            "Traceback (most recent call last):\n  File \"/a/b.py\", line 3, in f\n    g(1)\n    ^^^^\n  File \"c.py\", line 1\n    x = 1\nValueError: bad",
            "[stack removed]\nValueError: bad",
        ),
        (
            "bad\n  File \"/a/b.py\", line 3, in f\n    g(1)\nValueError: bad",
            "bad\n  [stack removed]\nValueError: bad",
        ),
        (
            "java.lang.IllegalStateException: no\n\tat a.b.C.m(C.java:1)\n\tat java.base/java.lang.Thread.run(Thread.java:829)\n\t... 12 more\nCaused by: java.io.IOException: gone\n\tat a.D.x(Native Method)",
            "java.lang.IllegalStateException: no\n\t[stack removed]\nCaused by: java.io.IOException: gone\n\t[stack removed]",
        ),
        (
            "System.Exception: no\n   at N.C.M(String s) in C.cs:line 3\n   at N.D.<X>d__1.MoveNext()\n--- End of stack trace from previous location ---",
            "System.Exception: no\n   [stack removed]",
        ),
        (
            "panic: boom\n\ngoroutine 1 [running]:\nmain.load(0x1, {0x2})\n\t/srv/main.go:12 +0x1d\ncreated by main.run in goroutine 2\n\t/srv/x.go:1 +0x2\nexit",
            "panic: boom\n\n[stack removed]\nexit",
        ),
        (
            "thread 'main' panicked at src/main.rs:12:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1` environment variable",
            "[stack removed]\nindex out of bounds\n[stack removed]",
        ),
        (
            "thread 'main' panicked at 'no way', src/main.rs:12:5",
            "thread 'main' panicked at 'no way'",
        ),
        (
            "Error: x\n\nCaused by:\n    0: first\n    1: second\n\nStack backtrace:\n   0: anyhow::new\n             at /c/x.rs:1:2\n   1: main",
            "Error: x\n\nCaused by:\n    0: first\n    1: second\n\n[stack removed]",
        ),
        (
            "/srv/a.rb:3:in 'load': no such thing (KeyError)\n\tfrom /srv/b.rb:4:in '<main>'",
            "no such thing (KeyError)\n\t[stack removed]",
        ),
        (
            "Uncaught Exception: x in a.php:1\nStack trace:\n#0 /srv/a.php(12): f()\n#1 {main}\n  thrown in /srv/a.php on line 12",
            "Uncaught Exception: x in a.php:1\n[stack removed]",
        ),
        (
            "failed\nexample.com/pkg.Load\n\t/srv/load.go:3",
            "failed\n[stack removed]",
        ),
        (
            "boom at f (/a.js:1:2) at g (/b.js:3:4) end",
            "boom [stack removed] end",
        ),
        (
            r"Error: x\n    at f (/a.js:1:2)\n    at g (/b.js:3:4)\nend",
            r"Error: x\n    [stack removed]\nend",
        ),
        (
            "e: x\r\n    at f (/a.js:1:2)\r\nend",
            "e: x\r\n    [stack removed]\r\nend",
        ),
        ("    at f (C:\\repo\\new\\a.js:1:2)", "    [stack removed]"),
    ] {
        assert_eq!(cleaned(text), expected);
    }
}

#[test]
fn text_stays() {
    for text in [
        "at least one of (a, b) is required",
        "Expected string at path items[0].name",
        "1: first\n2: second",
        "look at index.html (line 3)",
        "from 1 to 10",
        "email\n  Field required",
        "Note: see (docs) for x",
        "meet at the.place (soon)",
        "# 1 heading (x)",
        "... 3",
    ] {
        assert_eq!(cleaned(text), text);
    }
}
