//! `dropgate journal` over a journal that the crate wrote.
#![allow(
    clippy::expect_used,
    reason = "clippy knows tests by an attribute that what they share does not have"
)]

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use dropgate_journal::{
    CallRef, Class, Decision, Head, Intent, Journal, Keep, Known, Note, Outcome, Redeemed, Retry,
    Sealed, Sealing, Settings, Tier, Topic, Verdict, What,
};
use serde_json::Value;

struct Written {
    dir: PathBuf,
    call: CallRef,
    head: Head,
}

impl Written {
    fn new() -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).expect("random numbers");
        let name = format!("dropgate-verbs-{:016x}", u64::from_le_bytes(bits));
        let dir = std::env::temp_dir().join(name);
        let mut journal =
            Journal::open(Settings::new(dir.join("files")), Box::new(|| {})).expect("opens");
        let call = journal.new_call().expect("a reference");
        let intent = Intent {
            call,
            server: "files".into(),
            tool: "=cmd,\"x\"".into(),
            class: Class::Write,
            principal: "local\u{1b}[2J\u{202e}".into(),
            decision: Decision::default(),
            key: None,
            round: None,
            args: b"{}".to_vec().into(),
            trace_id: None,
            again: dropgate_journal::Again::Never,
        };
        let ticket = journal.intent(intent, Tier::Sync).expect("taken");
        drop(ticket);
        let outcome = Outcome {
            call,
            what: What::ToolError,
            retry: Retry::Unsafe,
            bytes: 7,
            ms: 12,
            redactions: 1,
            keep: Keep::Original(b"at /srv/secret.py line 3".to_vec().into()),
            about: None,
            repeats: None,
        };
        let ticket = journal.outcome(outcome, Tier::Sync).expect("taken");
        drop(ticket);
        let Sealed::Yes(head) = journal.seal(Duration::from_secs(20)) else {
            panic!("not sealed");
        };
        Self { dir, call, head }
    }

    fn journal(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .arg("journal")
            .args(arguments)
            .arg("--dir")
            .arg(&self.dir)
            .output()
            .expect("runs")
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.journal(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.dir);
    }
}

fn segment(dir: &Path) -> PathBuf {
    std::fs::read_dir(dir.join("files"))
        .expect("the journal")
        .map(|entry| entry.expect("an entry").path().join("00000001.jsonl"))
        .find(|path| path.exists())
        .expect("a segment")
}

#[test]
fn verify_tells_whole_tampered_torn_and_missing_apart() {
    let written = Written::new();
    let head = written.head.hash.to_string();
    let report: Value =
        serde_json::from_str(&written.text(&["verify", "--head", &head, "--format", "json"]))
            .expect("JSON");
    assert_eq!(report["verdict"], "whole");
    assert_eq!(report["chains"][0]["head"], head.as_str());
    assert_eq!(report["chains"][0]["sealed"], true);
    assert!(written.text(&["verify", "files"]).contains("whole"));

    let path = segment(&written.dir);
    let whole = std::fs::read(&path).expect("readable");
    let change = |bytes: &[u8]| std::fs::write(&path, bytes).expect("writable");
    let code = || written.journal(&["verify", "--head", &head]).status.code();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();

    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    change(&changed);
    assert_eq!(code(), Some(1));
    change(&[&whole, &whole[..30]].concat());
    assert_eq!(written.journal(&["verify"]).status.code(), Some(2));
    change(&whole[..whole.len() - 30]);
    assert_eq!(written.journal(&["verify"]).status.code(), Some(3));
    change(&lines[..lines.len() - 1].concat());
    assert_eq!(code(), Some(3));
    let output = written.journal(&["verify", "--head", "xyz"]);
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn verify_takes_a_part_of_a_chain() {
    let written = Written::new();
    let head = written.head.hash.to_string();
    let part = |arguments: &[&str]| {
        let output = written.journal(&[&["verify"], arguments].concat());
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, text, _) = part(&["files", "--from", "2", "--to", "3"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("2 records from 2 to 3\n"), "{text}");
    assert!(text.contains(" at 3, signed up to "), "{text}");
    let (code, text, _) = part(&["--from", "2", "--head", &head, "--format", "json"]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!((&report["from"], &report["to"]), (&2.into(), &Value::Null));
    assert_eq!(report["records"], written.head.seq - 1);
    assert_eq!(part(&["--to", "3", "--head", &head]).0, Some(3));
    assert_eq!(part(&["--to", "999"]).0, Some(3));

    let path = segment(&written.dir);
    let chain = path.parent().and_then(Path::file_name).expect("a chain");
    let chain = chain.to_str().expect("text");
    let (code, text, _) = part(&["--chain", chain, "--to", "1"]);
    assert_eq!(code, Some(0), "{text}");
    for (arguments, why) in [
        (&["--from", "3", "--to", "2"][..], "must not come before"),
        (&["--from", "0"], "--from"),
        (&["--chain", "chain-A"], "no chain chain-A"),
    ] {
        let (code, _, stderr) = part(arguments);
        assert_eq!(code, Some(64), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
    let (_, text, _) = part(&["--format", "json"]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let key = report["chains"][0]["key"].as_str().expect("a key");
    assert_eq!(part(&["--key", key, "--to", "2"]).0, Some(0));
    assert_eq!(part(&["--key", key, "--from", "2"]).0, Some(64));

    drop(Journal::open(Settings::new(written.dir.join("other")), Box::new(|| {})).expect("opens"));
    let (code, _, stderr) = part(&["--from", "2"]);
    assert_eq!(code, Some(64), "{stderr}");
    assert!(stderr.contains("name the journal"), "{stderr}");
    assert_eq!(part(&["--from", "2", "--chain", chain]).0, Some(0));
}

#[test]
fn show_filters_and_json_is_the_records_themselves() {
    let written = Written::new();
    let all = written.text(&["show", "--format", "json"]);
    let file = std::fs::read_to_string(segment(&written.dir)).expect("readable");
    assert_eq!(all, file);
    let ended = written.text(&["show", "--format", "json", "--outcome", "tool_error"]);
    assert_eq!(ended.lines().count(), 1);
    assert_eq!(written.text(&["show", "--outcome", "completed"]), "");
    assert_eq!(written.text(&["show", "--tool", "other"]), "");
    let of_tool = written.text(&["show", "--tool", "=cmd,\"x\"", "--since", "1h"]);
    assert_eq!(of_tool.lines().count(), 2, "{of_tool}");
    assert!(of_tool.contains("local\\u{1b}[2J\\u{202e}"), "{of_tool:?}");
    let outcome = written.text(&["outcome", &written.call.to_string()]);
    assert!(!outcome.contains('\u{202e}'), "{outcome:?}");
    assert_eq!(
        written.text(&["show", "--since", "2200-01-01T00:00:00Z"]),
        ""
    );
}

#[test]
fn export_joins_intent_and_outcome() {
    let written = Written::new();
    let csv = written.text(&["export", "--format", "csv"]);
    let row = csv.lines().nth(1).expect("one call");
    assert!(row.contains("\"'=cmd,\"\"x\"\"\""), "{row}");
    assert!(row.contains("tool_error,unsafe,12,7"), "{row}");
    let event: Value =
        serde_json::from_str(&written.text(&["export", "--format", "ocsf"])).expect("JSON");
    assert_eq!(event["class_uid"], 6003);
    assert_eq!(event["status"], "Failure");
    assert_eq!(event["api"]["request"]["uid"], written.call.to_string());
    assert_eq!(event["api"]["service"]["name"], "files");
}

#[test]
fn outcome_opens_what_was_kept_and_says_so_when_a_call_is_unknown() {
    let written = Written::new();
    let call = written.call.to_string();
    let report: Value =
        serde_json::from_str(&written.text(&["outcome", &call, "--format", "json"])).expect("JSON");
    assert_eq!(report["outcome"], "tool_error");
    assert_eq!(report["retry"], "unsafe");
    assert_eq!(report["records"].as_array().map(Vec::len), Some(3));
    let original = written.text(&["outcome", &call, "--original"]);
    assert_eq!(original.trim_end(), "at /srv/secret.py line 3");
    let other = written.journal(&["outcome", "L-AAAAAAAAAAAAA"]);
    assert_eq!(other.status.code(), Some(1));
    let wrong = written.journal(&["outcome", "nonsense"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("L-"));
}

#[test]
fn a_journal_that_is_not_there_is_said_to_be_missing() {
    let written = Written::new();
    let output = written.journal(&["show", "nobody"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no journal"));
}

#[test]
fn a_lost_key_a_missing_chain_and_a_mistyped_key_have_codes_and_words() {
    let written = Written::new();
    let mistyped = written.journal(&["verify", "--key", "zz"]);
    assert_eq!(mistyped.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&mistyped.stderr).contains("that is no key"));
    let report: Value =
        serde_json::from_str(&written.text(&["verify", "--format", "json"])).expect("JSON");
    let key = report["chains"][0]["key"].as_str().expect("a key");
    written.text(&["verify", "--key", key]);
    let other = key.replace("chain-", "chain-A");
    let code = written.journal(&["verify", "--key", &other]).status.code();
    assert_eq!(code, Some(64), "its hash is of another name");

    let path = segment(&written.dir);
    let whole = std::fs::read(&path).expect("readable");
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let chain = path.parent().expect("a folder");
    std::fs::write(&path, lines[..lines.len() - 1].concat()).expect("writable");
    std::fs::remove_file(chain.join("head")).expect("removable");
    std::fs::remove_file(chain.join("sign")).expect("removable");
    let unsigned = written.journal(&["verify"]);
    assert_eq!(unsigned.status.code(), Some(4));
    let text = String::from_utf8_lossy(&unsigned.stdout).into_owned();
    assert!(
        text.contains("the key that signs the chain is lost"),
        "{text}"
    );
}

#[test]
fn a_journal_without_its_claims_is_still_one_and_strangers_in_it_are_named() {
    let written = Written::new();
    let journal = written.dir.join("files");
    std::fs::remove_dir_all(journal.join("claims")).expect("removable");
    written.text(&["verify"]);

    let stranger = journal.join("chain-AAAAAAAAAAAAA");
    std::fs::write(&stranger, b"").expect("writable");
    let output = written.journal(&["verify"]);
    assert_eq!(output.status.code(), Some(78));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("chain-AAAAAAAAAAAAA") && stderr.contains("no folder"),
        "{stderr}"
    );
    std::fs::remove_file(stranger).expect("removable");

    std::os::unix::fs::symlink(&journal, written.dir.join("linked")).expect("a link");
    let output = written.journal(&["verify", "linked"]);
    assert_eq!(output.status.code(), Some(78));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("symbolic link"), "{stderr}");
}

/// What a run with its journals in this place ends with.
fn run_in(dir: &Path, journals: &Path) -> Output {
    let config = dir.join("dropgate.toml");
    let text = format!("[journal]\ndir = \"{}\"\n", journals.display());
    std::fs::write(&config, text).expect("writable");
    Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .arg("run")
        .arg("--config")
        .arg(config)
        .args(["--", "true"])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("runs")
}

#[test]
fn journals_are_kept_in_no_folder_that_others_command() {
    use std::os::unix::fs::PermissionsExt as _;
    let written = Written::new();
    let place = written.dir.join("place");
    std::fs::create_dir(&place).expect("a folder");
    let mode = |mode| std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode));
    let refused = |journals: &Path, word: &str| {
        let output = run_in(&written.dir, journals);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{stderr}");
        assert!(stderr.contains(word), "{stderr}");
    };
    mode(0o777).expect("a mode");
    refused(&place, "chmod 700");
    mode(0o770).expect("a mode");
    refused(&place, "chmod 700");
    mode(0o755).expect("a mode");
    assert_eq!(run_in(&written.dir, &place).status.code(), Some(0));

    let link = written.dir.join("link");
    std::os::unix::fs::symlink(&place, &link).expect("a link");
    refused(&link, "symbolic link");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&place, Some(65_534), None).expect("another owner");
        refused(&place, "another user");
    }
}

#[test]
fn an_empty_path_is_no_place_for_journals() {
    let written = Written::new();
    let output = run_in(&written.dir, Path::new(""));
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let check = Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .arg("check")
        .arg(written.dir.join("dropgate.toml"))
        .output()
        .expect("runs");
    assert_eq!(check.status.code(), Some(78), "{check:?}");
    let stderr = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(stderr.contains("empty path"), "{stderr}");
}

#[test]
fn a_long_chain_is_finished_too_by_whoever_finishes_it() {
    /// What takes a debug build several seconds to read.
    const RECORDS: usize = 100_000;
    let written = Written::new();
    let dir = written.dir.join("long");
    let mut settings = Settings::new(&dir);
    settings.queue_entries = 2 * RECORDS;
    settings.queue_bytes *= 4;
    let mut journal = Journal::open(settings, Box::new(|| {})).expect("opens");
    for _ in 0..RECORDS {
        let note = Note {
            topic: Topic::Denial,
            call: None,
            subject: "local".into(),
            text: "x".repeat(300).into(),
        };
        drop(journal.note(note, Tier::Write).expect("taken"));
    }
    let chain = dir.join(journal.chain());
    let last = journal.note(
        Note {
            topic: Topic::Denial,
            call: None,
            subject: "local".into(),
            text: "the last".into(),
        },
        Tier::Sync,
    );
    let mut last = last.expect("taken");
    while let Redeemed::Pending(again) = journal.redeem(last) {
        last = again;
        std::thread::yield_now();
    }
    drop(journal);
    let lock = std::fs::File::open(chain.join("lock")).expect("a lock");
    lock.lock().expect("the writer has ended");
    drop(lock);
    let closed = Command::new(env!("CARGO_BIN_EXE_dropgate"))
        .arg0("dg-closer")
        .args([&dir, Path::new(chain.file_name().expect("a name"))])
        .stdin(Stdio::null())
        .status()
        .expect("runs");
    assert_eq!(closed.code(), Some(0));
    let found = dropgate_journal::verify(&dir, &Known::default()).expect("readable");
    let [chain] = &found.chains[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (&chain.verdict, chain.ending),
        (&Verdict::Whole, Sealing::Sealed)
    );
    assert!(chain.records > RECORDS as u64, "{} records", chain.records);
}
