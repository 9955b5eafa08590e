//! A copy of the journal that is required, and one that follows.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use crate::host::{Folder, Run, WITHIN};

const SERVER: &str = r#"
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"tools/call"'*) result='{"content":[{"type":"text","text":"done"}]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done"#;

/// A run whose copy has a file in its place.
fn blocked(require: &str) -> (Folder, Run) {
    let folder = Folder::new(&format!(
        "[journal.copy]\ndir = \"copies\"\nrequire = \"{require}\"\ntimeout = \"100ms\"\n"
    ));
    folder.write("copies", "");
    let run = begun(&folder);
    (folder, run)
}

fn begun(folder: &Folder) -> Run {
    let mut command = folder.dropgate(&["run", "--name", "s", "--config"]);
    command.arg(folder.path().join("dropgate.toml"));
    Run::begin(command.args(["--", "sh", "-c", SERVER]))
}

fn call(run: &mut Run) -> Value {
    run.ask("tools/call", &json!({"name": "write", "arguments": {}}))
}

/// Calls until an answer is, or is not, an error.
fn until(run: &mut Run, is_error: bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = call(run);
        if (answer["result"]["isError"] == true) == is_error {
            return answer;
        }
        assert!(begun.elapsed() < WITHIN, "{answer}");
    }
}

fn verified(folder: &Folder, dir: &str) -> Value {
    let arguments = ["journal", "verify", "s", "--format", "json", "--dir", dir];
    let output = folder.dropgate(&arguments).output().unwrap();
    // A copy that is behind has no seal, and no key to sign one.
    let code = output.status.code();
    assert!(
        code == Some(0) || (dir == "copies" && code == Some(4)),
        "{output:?}"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Ends the run, and gives what it said. What the copy lacks then, where the disk is slow, it gets
/// from the next run.
fn same_in_the_end(folder: &Folder, run: Run) -> String {
    const RUNS: usize = 5;
    let (_, log) = run.finish();
    folder.write("dropgate.toml", "[journal.copy]\ndir = \"copies\"\n");
    for _ in 0..RUNS {
        let mut run = begun(folder);
        until(&mut run, false);
        run.finish();
        let journal = verified(folder, "dropgate/journal");
        let copy = verified(folder, "copies");
        if journal["chains"][0]["head"] == copy["chains"][0]["head"] {
            assert_eq!(journal["records"], copy["records"]);
            return log;
        }
    }
    panic!("the copy stays behind: {log}");
}

#[test]
fn calls_are_refused_while_a_required_copy_takes_nothing() {
    let (folder, mut run) = blocked("all");
    let refused = until(&mut run, true);
    let outcome = &refused["result"]["_meta"]["dev.dropgate/outcome"];
    assert_eq!(outcome["outcome"], "not_executed", "{refused}");
    fs::remove_file(folder.path().join("copies")).unwrap();
    until(&mut run, false);
    let log = same_in_the_end(&folder, run);
    assert!(
        log.contains("copy of the journal does not take records"),
        "{log}"
    );
}

#[test]
fn calls_go_on_without_a_copy_that_is_not_required() {
    let (folder, mut run) = blocked("any");
    let begun = Instant::now();
    while !run.log.contains("the copy does not take records") {
        assert!(begun.elapsed() < WITHIN, "{}", run.log);
        let answer = call(&mut run);
        assert_eq!(answer["result"]["isError"], Value::Null, "{answer}");
        run.log.extend(run.told.try_iter());
    }
    fs::remove_file(folder.path().join("copies")).unwrap();
    while !run.log.contains("the copy has all records again") {
        assert!(begun.elapsed() < WITHIN, "{}", run.log);
        until(&mut run, false);
        run.log.extend(run.told.try_iter());
    }
    same_in_the_end(&folder, run);
    let shown = folder.dropgate(&["journal", "show"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("of this run only"), "{shown}");
}

#[test]
fn a_copy_onto_the_journal_itself_is_refused() {
    let folder = Folder::new("[journal]\ndir = \"j\"\n[journal.copy]\ndir = \"./j\"\n");
    let checked = folder
        .dropgate(&["check", "dropgate.toml"])
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(78));
    let why = String::from_utf8(checked.stderr).unwrap();
    assert!(why.contains("journal.copy.dir"), "{why}");
}
