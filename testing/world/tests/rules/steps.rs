//! Steps that several rules take.

use std::time::{Duration, Instant};

use dropgate_testing_world::census::Emptied;
use dropgate_testing_world::checks::LATE;
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Checked, Ended, Run, Says as _, Setup, fail};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::Stage;

/// How long streams and processes may take to be gone when nothing keeps them.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A run whose server has answered `initialize`.
pub(crate) fn begin(stage: &Stage<'_>, setup: &Setup) -> Checked<Run> {
    let mut run = Run::start(stage.place, &stage.name, setup)?;
    run.talk.initialize(ANSWERED_WITHIN).map_err(|problem| {
        let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
        format!("{problem}; stderr: {stderr}")
    })?;
    run.know_own();
    Ok(run)
}

/// A run with a `block` call, id 2, that has reached the server.
pub(crate) fn blocked(stage: &Stage<'_>, server: &[&str]) -> Checked<Run> {
    blocked_by(stage, &stage.server(server))
}

/// The same, of any setup.
pub(crate) fn blocked_by(stage: &Stage<'_>, setup: &Setup) -> Checked<Run> {
    let mut run = begin(stage, setup)?;
    run.talk.call(2, "block", &json!({}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    Ok(run)
}

/// Waits until no process is left, and says how long after `since` that was.
pub(crate) fn emptied(run: &Run, since: Instant, within: Duration) -> Checked<Duration> {
    match run.census.empty_by(since + within + Duration::from_secs(5)) {
        Emptied::NotInTime => Err(format!("survivors: {}", run.survivors())),
        Emptied::At(at) if at.duration_since(since) > within => Err(format!(
            "{LATE}nothing was left only after {:?}, allowed {within:?}",
            at.duration_since(since)
        )),
        Emptied::At(at) => Ok(at.duration_since(since)),
    }
}

/// Checks the exit code, that nothing is left, and gives the report.
pub(crate) fn concluded(run: &mut Run, code: i32) -> Checked<Value> {
    let ended = run
        .ended(SOON)
        .map_err(|problem| format!("{problem}; alive: {}", run.survivors()))?;
    let stderr = || String::from_utf8_lossy(&run.talk.stderr()).into_owned();
    if ended != Ended::Code(code) {
        return fail(format!(
            "expected exit code {code}, found {ended:?}; stderr: {}",
            stderr()
        ));
    }
    emptied(run, Instant::now(), SOON)?;
    run.talk.hear_out(SOON)?;
    let impure = run.talk.impure();
    if !impure.is_empty() {
        return fail(format!("lines on stdout that are no messages: {impure:?}"));
    }
    let report = run.report(SOON)?;
    same("report.survivors", &report["survivors"], &json!([]))?;
    Ok(report)
}

/// The one answer to a request.
pub(crate) fn only_answer(run: &Run, id: u64) -> Checked<Value> {
    match run.talk.answers(&json!(id)).as_slice() {
        [one] => Ok(one.clone()),
        several => fail(format!(
            "{} answers to request {id}: {several:?}",
            several.len()
        )),
    }
}

/// Checks that an answer to a tool call is dropgate's own and says this.
pub(crate) fn refused(answer: &Value, outcome: &str, retry: &str) -> Checked {
    let meta = &answer["result"]["_meta"]["dev.dropgate/outcome"];
    same("isError", &answer["result"]["isError"], &json!(true))?;
    same("outcome", &meta["outcome"], &json!(outcome))?;
    same("retry", &meta["retry"], &json!(retry))
}

/// Checks that an answer is the server's result with this text.
pub(crate) fn text_of(answer: &Value) -> Checked<String> {
    let text = answer["result"]["content"][0]["text"].as_str();
    text.map(str::to_owned).says(format!("no text in {answer}"))
}

/// Asks for the status until dropgate says that it is in this phase.
pub(crate) fn await_phase(run: &Run, phase: &str) -> Checked {
    let until = Instant::now() + SOON;
    let mut said = 0;
    while Instant::now() < until {
        run.signal(Signal::USR1)?;
        said = run
            .talk
            .await_stderr("dropgate: status: phase", said, SOON)?;
        let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
        if stderr.contains(&format!("dropgate: status: phase {phase}")) {
            return Ok(());
        }
    }
    fail(format!("dropgate did not come to phase {phase}"))
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Checked {
    if found == expected {
        Ok(())
    } else {
        fail(format!("{what}: expected {expected:?}, found {found:?}"))
    }
}

/// The messages that a `record` server wrote down.
pub(crate) fn recorded(run: &Run) -> Checked<Vec<Value>> {
    let record = std::fs::read(run.dir.join("record")).says("the server's record")?;
    Ok(record
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// A server that answers `initialize`, then writes the next of these to every line that it gets,
/// whatever they are, and says `written N` on stderr; numbers count from 2.
pub(crate) fn scripted(stage: &Stage<'_>, parts: Vec<Vec<u8>>) -> Checked<Setup> {
    let dir = stage.place.folder(stage.column.user)?;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "result": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "scripted", "version": "1"},
    }});
    let opening = [format!("{hello}\n").into_bytes(), Vec::new()];
    for (number, part) in opening.into_iter().chain(parts).enumerate() {
        let path = dir.join(number.to_string());
        std::fs::write(&path, part).says(path.display())?;
        if let Some(uid) = stage.column.user.change() {
            std::os::unix::fs::chown(&path, Some(uid), Some(uid)).says(path.display())?;
        }
    }
    let script = r#"i=0; while read -r line; do
        [ -e "$0/$i" ] && cat "$0/$i" && echo "written $i" >&2; i=$((i+1)); done"#;
    Ok(stage.command(&["sh", "-c", script, &dir.display().to_string()]))
}
