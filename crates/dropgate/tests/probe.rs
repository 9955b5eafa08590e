//! `dropgate probe --call`: a call of the server's own is in flight at the end.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::process::{Command, Output};

use serde_json::{Value, json};

const DROPGATE: &str = env!("CARGO_BIN_EXE_dropgate");

/// The verb on one of the servers that ship inside the program.
fn probe(arguments: &[&str], server: &str) -> Output {
    Command::new(DROPGATE)
        .args(["probe", "--format", "json", "--bound", "3s"])
        .args(arguments)
        .args(["--", DROPGATE, "__server", server])
        .output()
        .unwrap()
}

/// Of each cell: the ending, what the caller of the call got, whether the server stayed.
fn cells(output: &Output) -> Vec<(String, String, bool)> {
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cells = page["cells"].as_array().unwrap().iter();
    cells
        .map(|cell| {
            assert_eq!(cell["scenario"], json!("busy"), "{cell}");
            let word = |member: &str| cell[member].as_str().unwrap().to_owned();
            (
                word("ending"),
                word("caller"),
                cell["leaked"] == json!(true),
            )
        })
        .collect()
}

fn cell(ending: &str, caller: &str, leaked: bool) -> (String, String, bool) {
    (ending.to_owned(), caller.to_owned(), leaked)
}

const ENDS: &[&str] = &["--scenario", "busy", "--ending", "term", "--ending", "eof"];

#[test]
fn the_call_is_in_flight_at_each_ending() {
    let long = ["--call", "slow", r#"{"ms":60000}"#];
    let plain = probe(&[&long, ENDS].concat(), "plain");
    let lost = [cell("eof", "eof", false), cell("term", "eof", false)];
    assert_eq!(cells(&plain), lost);
    assert_eq!(plain.status.code(), Some(0));

    let stubborn = probe(&[&long, ENDS].concat(), "stubborn");
    let kept = [cell("eof", "nothing", true), cell("term", "nothing", true)];
    assert_eq!(cells(&stubborn), kept);
    assert_eq!(stubborn.status.code(), Some(1));

    let short = ["--call", "echo", r#"{"text":"x"}"#];
    let answered = probe(&[&short, ENDS].concat(), "plain");
    let told = [cell("eof", "result", false), cell("term", "result", false)];
    assert_eq!(cells(&answered), told);
}

#[test]
fn what_is_no_call_is_refused_before_or_at_the_first_start() {
    for (call, told) in [
        (&["--call", "slow"][..], "2 values required"),
        (&["--call", "slow", "[]"], "must be a JSON object"),
        (&["--call", "slow", "{"], "must be a JSON object"),
        (
            &["--call", "slaw", "{}"],
            "no tool \"slaw\"; choose from: echo, slow",
        ),
    ] {
        let output = probe(call, "plain");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{call:?}: {complaint}");
        assert!(complaint.contains(told), "{call:?}: {complaint}");
        assert!(output.stdout.is_empty(), "{call:?}");
    }
}
