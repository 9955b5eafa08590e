//! A copy of the journal that is required, and one that follows.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;
#[path = "host/plain_server.rs"]
mod plain_server;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Instant;

use serde_json::{Value, json};

use crate::host::{Folder, Run, WITHIN};
use crate::plain_server::SERVER;

/// A run whose copy has a file in its place.
fn blocked(require: &str) -> (Folder, Run) {
    let folder = Folder::new(&settings(require));
    folder.write("copies", "");
    let run = begin(&folder);
    (folder, run)
}

fn settings(require: &str) -> String {
    format!("[journal.copy]\ndir = \"copies\"\nrequire = \"{require}\"\ntimeout = \"2s\"\n")
}

fn begin(folder: &Folder) -> Run {
    let mut command = folder.dropgate(&["run", "--name", "s", "--config"]);
    command.arg(folder.path().join("dropgate.toml"));
    command.args(["--", "sh", "-c", SERVER]);
    Run::begin(&mut command)
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
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Ends the run; by then the copy has all that the journal has.
fn same_in_the_end(folder: &Folder, run: Run) {
    let (code, log) = run.finish();
    assert_eq!(code, Some(0), "{log}");
    let journal = verified(folder, "dropgate/journal");
    let copy = verified(folder, "copies");
    assert_eq!(journal["chains"][0]["head"], copy["chains"][0]["head"]);
    assert_eq!(journal["records"], copy["records"]);
}

#[test]
fn calls_are_refused_while_a_required_copy_takes_nothing() {
    let (folder, mut run) = blocked("all");
    let refused = until(&mut run, true);
    let outcome = &refused["result"]["_meta"]["dev.dropgate/outcome"];
    assert_eq!(outcome["outcome"], "not_executed", "{refused}");
    fs::remove_file(folder.path().join("copies")).unwrap();
    fs::create_dir(folder.path().join("copies")).unwrap();
    until(&mut run, false);
    // A disk that is taken away is not made anew, and the run says what it has.
    let (copies, moved) = (folder.path().join("copies"), folder.path().join("moved"));
    fs::rename(&copies, &moved).unwrap();
    until(&mut run, true);
    assert!(!copies.exists());
    let (code, log) = run.finish();
    assert_eq!(code, Some(13), "{log}");
    assert!(log.contains("\"sealed\":false}"), "{log}");
    assert!(log.contains("\"seq\":"), "{log}");
    verified(&folder, "dropgate/journal");
    verified(&folder, "moved");
    fs::rename(&moved, &copies).unwrap();
    let mut run = begin(&folder);
    until(&mut run, false);
    same_in_the_end(&folder, run);
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
    fs::create_dir(folder.path().join("copies")).unwrap();
    while !run.log.contains("the copy has all records again") {
        assert!(begun.elapsed() < WITHIN, "{}", run.log);
        until(&mut run, false);
        run.log.extend(run.told.try_iter());
    }
    let (code, log) = run.finish();
    assert_eq!(code, Some(0), "{log}");
    // A copy that is not required may get the last records with the next start.
    folder.write("dropgate.toml", &settings("all"));
    let mut run = begin(&folder);
    until(&mut run, false);
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

/// What `check` says of a copy in that folder, beside a journal that no start has made yet.
fn said_of_a_copy_in(copies: &std::path::Path) -> String {
    let written = format!("[journal]\ndir = \"j\"\n[journal.copy]\ndir = {copies:?}\n");
    let folder = Folder::new(&written);
    let checked = folder.dropgate(&["check", "dropgate.toml"]).output();
    String::from_utf8(checked.unwrap().stdout).unwrap()
}

#[test]
fn a_copy_on_the_disk_of_the_journal_is_told_and_one_on_another_is_not() {
    let beside = Folder::new("");
    let shared_memory = std::path::Path::new("/dev/shm");
    let device = |path: &std::path::Path| fs::metadata(path).unwrap().dev();
    assert_ne!(device(beside.path()), device(shared_memory));
    let told = said_of_a_copy_in(beside.path());
    assert!(told.contains("weakened by journal.copy.dir: "), "{told}");
    let quiet = said_of_a_copy_in(shared_memory);
    assert!(!quiet.contains("weakened"), "{quiet}");
    let missing = said_of_a_copy_in(&beside.path().join("not-there"));
    assert!(!missing.contains("weakened"), "{missing}");
}
