//! A journal that was changed by others stops a start, until somebody accepts that.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

mod host;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::host::{Folder, Run};

/// Answers every request.
const SERVER: &str = r#"
while read -r line; do
    id=${line#*\"id\":}
    [ "$id" = "$line" ] && continue
    printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}\n' "${id%%,*}"
done"#;

const START: [&str; 5] = ["run", "--config", "dropgate.toml", "--name", "s"];

/// Has one call made; what was said on stderr.
fn run(folder: &Folder, flags: &[&str]) -> String {
    let mut command = folder.dropgate(&START);
    let mut run = Run::begin(command.args(flags).args(["--", "sh", "-c", SERVER]));
    let answer = run.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    assert!(answer["result"]["content"].is_array(), "{answer}");
    let (code, log) = run.finish();
    assert_eq!(code, Some(0), "{log}");
    log
}

/// A start that comes to nothing: its code and what it says.
fn refused(folder: &Folder) -> (Option<i32>, String) {
    let mut command = folder.dropgate(&START);
    command
        .args(["--", "sh", "-c", SERVER])
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), told)
}

fn chains(folder: &Folder) -> Vec<PathBuf> {
    let journal = folder.path().join("dropgate/journal/s");
    let mut chains: Vec<PathBuf> = fs::read_dir(journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("lock").exists())
        .collect();
    chains.sort();
    chains
}

/// The records of a chain's first segment.
fn records(chain: &std::path::Path) -> Vec<Value> {
    let text = fs::read_to_string(chain.join("00000001.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn damage_stops_a_start_and_its_acceptance_is_recorded() {
    let folder = Folder::new("");
    run(&folder, &["--accept-damage"]);
    let [chain] = &chains(&folder)[..] else {
        panic!("one run, one chain");
    };
    let segment = chain.join("00000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    let changed = text.replace("\"tool\":\"write\"", "\"tool\":\"wrote\"");
    assert_ne!(changed, text);
    fs::write(&segment, &changed).unwrap();

    let (code, told) = refused(&folder);
    assert_eq!(code, Some(74), "{told}");
    for part in ["00000001.jsonl, line ", "journal verify", "--accept-damage"] {
        assert!(told.contains(part), "{told}");
    }
    let told = run(&folder, &["--accept-damage"]);
    let name = chain.file_name().unwrap().to_str().unwrap();
    let line = format!("journal: {name} was changed by others");
    assert!(told.contains(&line), "{told}");

    // The changed chain stays as it is, and the acceptance is a record of the one that goes on.
    assert_eq!(fs::read_to_string(&segment).unwrap(), changed);
    let all = chains(&folder);
    let other = all.iter().find(|one| *one != chain).unwrap();
    let note = records(other)
        .into_iter()
        .find(|record| record["topic"] == "damage")
        .unwrap();
    assert_eq!(note["subject"], name, "{note}");
    assert!(note["text"].as_str().unwrap().contains("line "), "{note}");
    let verify = folder.dropgate(&["journal", "verify", "s"]).output();
    assert_eq!(verify.unwrap().status.code(), Some(1));

    // It holds for later starts, and for nothing else.
    let told = run(&folder, &[]);
    assert!(!told.contains("changed by others"), "{told}");
    fs::write(&segment, changed.replacen("\"seq\":1,", "\"seq\":7,", 1)).unwrap();
    let (code, told) = refused(&folder);
    assert_eq!(code, Some(74), "{told}");
}
