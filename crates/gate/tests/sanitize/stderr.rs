//! stderr, line by line.

use dropgate_gate::sanitize::{Forward, Profile, StderrFilter, Time};

use crate::support::{always, sanitizer};

const TRACE: &[&str] = &[
    "Error: boom for s3cr3t-value",
    "    at f (/srv/a.js:1:2)",
    "    at g (/srv/b.js:3:4)",
    "while reading /srv/app/data.db",
    "    at h (/srv/c.js:5:6)",
];

fn forwarded(profile: Profile, lines: &[&str]) -> Vec<String> {
    let sanitizer = sanitizer(profile, &["s3cr3t-value"]);
    let mut filter = StderrFilter::new();
    let mut out = Vec::new();
    for line in lines {
        match filter.line(&sanitizer, line.as_bytes(), &always) {
            Forward::Clean => out.push((*line).to_owned()),
            Forward::Replaced(bytes) => out.push(String::from_utf8_lossy(&bytes).into_owned()),
            Forward::Dropped => {}
        }
    }
    out
}

#[test]
fn the_operator_keeps_traces_and_loses_secrets() {
    let out = forwarded(Profile::Standard, TRACE);
    assert_eq!(out[0], "Error: boom for [secret removed]");
    assert_eq!(out[1..], TRACE[1..]);
}

#[test]
fn the_strict_profile_leaves_one_mark_for_a_run_of_frames() {
    assert_eq!(
        forwarded(Profile::Strict, TRACE),
        [
            "Error: boom for [secret removed]",
            "[stack removed]",
            "while reading data.db",
            "[stack removed]",
        ]
    );
}

#[test]
fn a_key_that_spans_lines_is_gone_and_its_end_is_bounded() {
    let lines = [
        "key: -----BEGIN PRIVATE KEY-----",
        "MIIEvQ",
        "-----END PRIVATE KEY-----",
        "next",
    ];
    assert_eq!(
        forwarded(Profile::Standard, &lines),
        ["key: [secret removed]", "next"]
    );
    let mut endless = vec!["-----BEGIN PRIVATE KEY-----"];
    endless.extend(["AAAA"; 1000]);
    let out = forwarded(Profile::Standard, &endless);
    assert!((2..1000).contains(&out.len()), "{}", out.len());
}

#[test]
fn bytes_that_are_no_text_and_time_that_is_up_are_held() {
    let sanitizer = sanitizer(Profile::Strict, &["s3cr3t-value"]);
    let mut filter = StderrFilter::new();
    assert_eq!(
        filter.line(&sanitizer, b"\xff\xfe s3cr3t-value \x80", &always),
        Forward::Replaced(b"\xff\xfe [secret removed] \x80".to_vec())
    );
    assert_eq!(
        filter.line(&sanitizer, b"anything", &|| Time::Up),
        Forward::Replaced(b"[line withheld]".to_vec())
    );
}
