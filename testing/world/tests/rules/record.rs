//! What the gate refuses, what the journal knows afterwards, and what the host is told.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Run, Says as _, Setup, as_user, fail};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::steps::{SOON, begin, blocked, concluded, emptied, refused, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "a_killed_run_says_what_it_does_not_know",
        Reach::Root,
        killed,
    ),
    (
        "a_denied_call_never_reaches_the_server",
        Reach::Root,
        denied,
    ),
    (
        "an_error_tells_nothing_of_the_inside",
        Reach::Root,
        careless,
    ),
    ("a_failing_server_is_left_alone", Reach::Users, failing),
    (
        "what_weakens_a_guarantee_is_told_at_the_start",
        Reach::Users,
        weakened,
    ),
    ("without_a_journal_nothing_starts", Reach::Users, no_journal),
];

/// What must not be left of a killed run, and for how long.
const GONE_WITHIN: Duration = Duration::from_secs(2);

fn killed(stage: &Stage<'_>) -> Checked {
    let run = blocked(stage, &["plain"])?;
    let since = Instant::now();
    run.signal(Signal::KILL)?;
    emptied(&run, since, GONE_WITHIN)?;
    let verified = journal(stage, &run, &["verify"])?;
    same("verify", &verified.status.code(), &Some(0))?;
    let outcomes = outcomes(stage, &run)?;
    same("outcomes", &outcomes, &vec!["unknown".to_owned()])
}

fn denied(stage: &Stage<'_>) -> Checked {
    const POLICY: &str = "no-waiting-about";
    let policy = format!(
        r#"permit(principal, action, resource);
        @id("{POLICY}") forbid(principal, action == Action::"slow", resource);"#
    );
    let setup = configured(
        stage,
        &stage.server(&["plain"]),
        "[authorize]\ncedar = [\"only.cedar\"]\n",
        &[("only.cedar", &policy)],
    )?;
    let mut run = begin(stage, &setup)?;
    run.talk.ask(2, "tools/list", &json!({}))?;
    run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    run.talk.call(3, "slow", &json!({"ms": 1}))?;
    let answer = run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    refused(&answer, "denied", "never")?;
    if answer.to_string().contains(POLICY) {
        return fail(format!("the answer names the policy: {answer}"));
    }
    run.talk.call(4, "echo", &json!({"text": "hello"}))?;
    let permitted = run.talk.answer(&json!(4), ANSWERED_WITHIN)?;
    same(
        "a permitted call",
        &text_of(&permitted)?,
        &"hello".to_owned(),
    )?;
    run.talk.close();
    concluded(&mut run, 0)?;
    let found = outcomes(stage, &run)?;
    same(
        "outcomes",
        &found,
        &vec!["denied".to_owned(), "completed".to_owned()],
    )?;
    let denial = records(stage, &run)?
        .into_iter()
        .find(|record| record["outcome"] == "denied")
        .says("the record of the denial")?;
    same("tool", &denial["tool"], &json!("slow"))?;
    same("decision", &denial["decision"], &json!("deny"))?;
    same(
        "policies",
        &denial["policies"],
        &json!(["forbidden_by_policy", POLICY]),
    )?;
    let told = journal(stage, &run, &["outcome", reference(&answer)?])?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if told.contains(POLICY) {
        Ok(())
    } else {
        fail(format!(
            "`journal outcome` does not name the policy: {told}"
        ))
    }
}

/// Under which name the journal knows the call of this answer.
fn reference(answer: &Value) -> Checked<&str> {
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    meta["ref"].as_str().says("a reference")
}

fn careless(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    run.talk.call(2, "fail", &json!({"as": "tool"}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    let text = answer["result"].to_string();
    run.talk.call(3, "fail", &json!({"as": "rpc"}))?;
    let error = run.talk.answer(&json!(3), ANSWERED_WITHIN)?["error"].to_string();
    run.talk.close();
    concluded(&mut run, 0)?;
    for secret in ["    at ", "/home/", "SELECT ", "sk-", "5432"] {
        if text.contains(secret) || error.contains(secret) {
            return fail(format!("{secret:?} is in {text} or {error}"));
        }
    }
    let told = journal(stage, &run, &["outcome", reference(&answer)?, "--original"])?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if told.contains("    at ") {
        Ok(())
    } else {
        fail(format!("the original is not in {told}"))
    }
}

fn failing(stage: &Stage<'_>) -> Checked {
    let setup = configured(
        stage,
        &stage.server(&["plain"]),
        "[calls]\ntimeout = \"200ms\"\n[breaker]\nfailures = 3\nopen_for = \"1m\"\n",
        &[],
    )?;
    let mut run = begin(stage, &setup)?;
    for number in 2..5 {
        run.talk.call(number, "block", &json!({}))?;
        let answer = run.talk.answer(&json!(number), ANSWERED_WITHIN)?;
        refused(&answer, "timed_out", "unsafe")?;
    }
    run.talk.call(5, "block", &json!({}))?;
    let answer = run.talk.answer(&json!(5), ANSWERED_WITHIN)?;
    refused(&answer, "not_executed", "safe")?;
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    if !meta["retry_after_ms"].is_u64() {
        return fail(format!("no time to come back in {meta}"));
    }
    run.talk.call(6, "echo", &json!({"text": "still here"}))?;
    let answer = run.talk.answer(&json!(6), ANSWERED_WITHIN)?;
    same("another tool", &text_of(&answer)?, &"still here".to_owned())?;
    run.talk.close();
    concluded(&mut run, 0)?;
    let notes: Vec<_> = records(stage, &run)?
        .into_iter()
        .filter(|record| record["topic"] == "breaker")
        .map(|note| (note["subject"].clone(), note["text"].to_string()))
        .collect();
    match &notes[..] {
        [(subject, text)]
            if subject == "block"
                && text.contains("closed to open for ")
                && text.contains(": failures") =>
        {
            Ok(())
        }
        _ => fail(format!("the breaker's change is not noted: {notes:?}")),
    }
}

fn weakened(stage: &Stage<'_>) -> Checked {
    let setup = configured(
        stage,
        &stage.server(&["plain"]),
        "[tools]\ndanger_trust_annotations = true\n[journal]\ndanger_off = true\n",
        &[],
    )?;
    let mut run = begin(stage, &setup)?;
    run.talk.close();
    concluded(&mut run, 0)?;
    let stderr = String::from_utf8_lossy(&run.talk.all_stderr(SOON)?).into_owned();
    for key in ["tools.danger_trust_annotations", "journal.danger_off"] {
        let told = stderr.lines().filter(|line| line.contains(key)).count();
        same(key, &told, &1).map_err(|problem| format!("{problem}; stderr: {stderr}"))?;
    }
    Ok(())
}

fn concluded_with(run: &mut Run, code: i32) -> Checked {
    let ended = run.ended(SOON)?;
    same("exit", &ended, &dropgate_testing_world::Ended::Code(code))
}

fn no_journal(stage: &Stage<'_>) -> Checked {
    let setup = configured(
        stage,
        &stage.server(&["plain"]),
        "[journal]\ndir = \"/proc/nowhere\"\n",
        &[],
    )?;
    let mut run = Run::start(stage.place, &stage.name, &setup)?;
    run.talk.ask(1, "initialize", &json!({}))?;
    concluded_with(&mut run, 74)?;
    run.talk.hear_out(SOON)?;
    let answers = format!("{:?}", run.talk.answers(&json!(1)));
    for part in ["/proc/nowhere", "journal.dir", "--journal off"] {
        if !answers.contains(part) {
            return fail(format!("the host is not told of {part}: {answers}"));
        }
    }
    Ok(())
}

/// A setup with a configuration and files beside it.
pub(crate) fn configured(
    stage: &Stage<'_>,
    setup: &Setup,
    config: &str,
    files: &[(&str, &str)],
) -> Checked<Setup> {
    let dir = stage.place.folder(stage.column.user)?;
    for (name, text) in files {
        fs::write(dir.join(name), text).says("a file beside the configuration")?;
    }
    let path = dir.join("dropgate.toml");
    fs::write(&path, config).says("the configuration")?;
    let path = path.to_str().says("a plain path")?;
    Ok(setup.clone().flags(&["--config", path]))
}

/// Asks the journal of the run.
fn journal(stage: &Stage<'_>, run: &Run, words: &[&str]) -> Checked<Output> {
    let mut verb = as_user(stage.place.dropgate(), stage.column.user, &run.dir);
    verb.arg("journal").args(words);
    verb.arg("--dir")
        .arg(run.dir.join(".local/state/dropgate/journal"));
    verb.output().says("dropgate journal")
}

/// What became of the run's calls, in the order of the record.
pub(crate) fn outcomes(stage: &Stage<'_>, run: &Run) -> Checked<Vec<String>> {
    let records = records(stage, run)?.into_iter();
    Ok(records
        .filter(|record| record["kind"] == "outcome")
        .filter_map(|record| record["outcome"].as_str().map(str::to_owned))
        .collect())
}

/// All records of the run, in their order.
pub(crate) fn records(stage: &Stage<'_>, run: &Run) -> Checked<Vec<Value>> {
    let shown = journal(stage, run, &["show", "--format", "json"])?;
    same("dropgate journal show", &shown.status.code(), &Some(0))?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).says("a record"))
        .collect()
}
