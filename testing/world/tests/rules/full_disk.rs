//! What still passes when the journal's disk is full, by what is configured for that.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Run, Says as _, fail};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde_json::{Value, json};

use crate::decision_point::DecisionPoint;
use crate::record::configured;
use crate::steps::{SOON, begin, concluded, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "a_full_disk_stops_writing_and_lets_reading_go_on",
        Reach::Root,
        deny_writes,
    ),
    (
        "a_full_disk_lets_only_those_read_whom_a_decision_point_permits",
        Reach::Root,
        deny_writes_and_decide,
    ),
    (
        "a_full_disk_stops_every_call_by_default",
        Reach::Root,
        deny_all,
    ),
];

/// A file system of 4 MiB.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Checked<Self> {
        fs::create_dir(&at).says("a folder")?;
        mount(
            "tmpfs",
            &at,
            "tmpfs",
            MountFlags::empty(),
            c"size=4m,mode=700",
        )
        .says("a tmpfs")?;
        Ok(Self(at))
    }

    /// Takes all the room that is left.
    fn fill(&self) -> Checked {
        const PIECE: [u8; 4096] = [0; 4096];
        let mut file = fs::File::create(self.0.join("filler")).says("a file")?;
        loop {
            match std::io::Write::write(&mut file, &PIECE) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return fail(format!("filling the disk: {error}")),
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _stays_in_a_temporary_folder = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// How soon calls are answered on a disk that is full or about to be, however many were before.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);
/// Calls that fit into what the journal has set aside are far fewer.
const MOST: u64 = 20_000;

/// A run whose journal has no room left: the last call that writes was refused. The number of the
/// next call.
fn full(stage: &Stage<'_>, small: &Small, more: &str) -> Checked<(Run, u64)> {
    let journals = small.0.join("journals");
    let config = format!(
        "[journal]\ndir = \"{}\"\n{more}\n[tools.echo]\nclass = \"read\"\n",
        journals.display()
    );
    let setup = configured(stage, &stage.server(&["plain"]), &config, &[])?;
    let mut run = begin(stage, &setup)?;
    // Decision points are asked of listed tools only.
    run.talk.ask(2, "tools/list", &json!({}))?;
    run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    small.fill()?;
    for id in 3..MOST {
        // A call that may write, and whose answer is kept.
        let asked = Instant::now();
        run.talk.call(id, "fail", &json!({"as": "tool"}))?;
        let answer = run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
        if asked.elapsed() > REFUSED_WITHIN {
            return fail(format!(
                "call {id} was answered after {:?}",
                asked.elapsed()
            ));
        }
        let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
        if meta["outcome"] == "not_executed" {
            return Ok((run, id + 1));
        }
    }
    fail("the disk never was full".to_owned())
}

fn echo(run: &mut Run, id: u64) -> Checked<Value> {
    echo_of(run, id, "read")
}

fn echo_of(run: &mut Run, id: u64, text: &str) -> Checked<Value> {
    run.talk.call(id, "echo", &json!({"text": text}))?;
    run.talk.answer(&json!(id), ANSWERED_WITHIN)
}

/// How often a line with this text stands on stderr, once it does: the log may lag behind answers.
fn said(run: &Run, text: &str) -> Checked<usize> {
    run.talk.await_stderr(text, 0, SOON)
}

fn deny_writes(stage: &Stage<'_>) -> Checked {
    let small = Small::mount(stage.place.folder(stage.column.user)?.join("small"))?;
    let (mut run, next) = full(stage, &small, "on_failure = \"deny_writes\"")?;
    const READS: u64 = 40;
    for id in next..next + READS {
        let answer = echo(&mut run, id)?;
        same("a reading call", &text_of(&answer)?, &"read".to_owned())?;
    }
    run.talk
        .call(next + READS, "fail", &json!({"as": "tool"}))?;
    let answer = run.talk.answer(&json!(next + READS), ANSWERED_WITHIN)?;
    refused(&answer, "not_executed", "safe")?;
    let why = &answer["result"]["_meta"]["dev.dropgate/outcome"]["degraded"]["why"];
    same("why", why, &json!("journal"))?;
    same("said", &said(&run, "go on and are not recorded")?, &1)?;
    same(
        "said of answers",
        &said(&run, "no answers beside them")?,
        &1,
    )?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    let unrecorded = report["journal"]["unrecorded"].as_u64().says("a count")?;
    if unrecorded < READS {
        return fail(format!(
            "{READS} calls went unrecorded, and the report says {unrecorded}"
        ));
    }
    dropped_is_told(stage, &small.0.join("journals"))
}

fn deny_writes_and_decide(stage: &Stage<'_>) -> Checked {
    let small = Small::mount(stage.place.folder(stage.column.user)?.join("small"))?;
    let point = DecisionPoint::listen()?;
    let more = format!("on_failure = \"deny_writes\"\n{}", point.config());
    let (mut run, next) = full(stage, &small, &more)?;
    let read = echo(&mut run, next)?;
    same("permitted", &text_of(&read)?, &"read".to_owned())?;
    let denied = echo_of(&mut run, next + 1, "no")?;
    refused(&denied, "denied", "never")?;
    // What waits for its decision is not lost over a call that the journal refuses meanwhile.
    run.talk.call(next + 2, "echo", &json!({"text": "held"}))?;
    point.hold(|| {
        run.talk.call(next + 3, "fail", &json!({"as": "tool"}))?;
        let writing = run.talk.answer(&json!(next + 3), ANSWERED_WITHIN)?;
        refused(&writing, "not_executed", "safe")
    })?;
    let held = run.talk.answer(&json!(next + 2), ANSWERED_WITHIN)?;
    same("held", &text_of(&held)?, &"held".to_owned())?;
    drop(point);
    let undecided = echo(&mut run, next + 4)?;
    refused(&undecided, "denied", "never")?;
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    let unrecorded = report["journal"]["unrecorded"].as_u64().says("a count")?;
    if unrecorded < 2 {
        return fail(format!(
            "two calls went unrecorded, and the report says {unrecorded}"
        ));
    }
    Ok(())
}

/// A call whose answer the disk did not take has its outcome, and says that its answer is missing.
fn dropped_is_told(stage: &Stage<'_>, journals: &Path) -> Checked {
    let ask = |words: &[&str]| {
        let mut verb = std::process::Command::new(stage.place.dropgate());
        verb.arg("journal").args(words).arg("--dir").arg(journals);
        verb.output().says("dropgate journal")
    };
    let shown = ask(&["show", "--format", "json"])?;
    let dropped = shown
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find(|record| record["original_ref"] == "dropped" || record["result_ref"] == "dropped")
        .says("a record whose answer was dropped")?;
    let call = dropped["call"].as_str().says("a call")?;
    let told = ask(&["outcome", call, "--format", "json"])?;
    let told: Value = serde_json::from_slice(&told.stdout).says("JSON")?;
    same("outcome", &told["outcome"], &dropped["outcome"])?;
    same("answer", &told["answer"], &json!("dropped"))?;
    let original = ask(&["outcome", call, "--original"])?;
    let why = String::from_utf8_lossy(&original.stderr).into_owned();
    if why.contains("did not take it") {
        Ok(())
    } else {
        fail(format!("no reason in {why:?}"))
    }
}

fn deny_all(stage: &Stage<'_>) -> Checked {
    let small = Small::mount(stage.place.folder(stage.column.user)?.join("small"))?;
    let (mut run, next) = full(stage, &small, "")?;
    // More than the room for them.
    const REFUSED: u64 = 5000;
    for id in next..next + REFUSED {
        let asked = Instant::now();
        let answer = echo(&mut run, id)?;
        refused(&answer, "not_executed", "safe")?;
        if asked.elapsed() > REFUSED_WITHIN {
            return fail(format!("call {id} was refused after {:?}", asked.elapsed()));
        }
    }
    run.talk.close();
    let report = concluded(&mut run, 0)?;
    same("unrecorded", &report["journal"].get("unrecorded"), &None)?;
    same("sealed", &report["journal"]["sealed"], &json!(true))?;
    let mut verify = std::process::Command::new(stage.place.dropgate());
    verify
        .args(["journal", "verify", "--dir"])
        .arg(small.0.join("journals"));
    let verified = verify.output().says("dropgate journal verify")?;
    same("verify", &verified.status.code(), &Some(0))
}
