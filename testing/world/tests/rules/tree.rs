//! What becomes of the processes, and what they see.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{
    Checked, Ended, Launch, Run, Says as _, await_state, environment, fail,
};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::steps::{SOON, begin, concluded, emptied, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "r09_what_an_orphaner_leaves_ends_and_its_code_is_passed_on",
        Reach::Levels,
        orphaner,
    ),
    ("r15_ctrl_c_reaches_dropgate_only", Reach::Levels, ctrl_c),
    (
        "r15_a_terminal_that_is_closed_ends_all",
        Reach::Levels,
        hang_up,
    ),
    ("r16_suspended_and_resumed", Reach::Levels, suspended),
    (
        "r18_r19_parent_descriptors_and_mark",
        Reach::Levels,
        surroundings,
    ),
    ("r19_a_child_that_holds_the_streams", Reach::Levels, holder),
    (
        "r19_an_inherited_descriptor_does_not_reach_the_server",
        Reach::Levels,
        leaked_descriptor,
    ),
    ("r22_cycles_leave_nothing", Reach::Levels, cycles),
    ("r27_a_spinning_server_is_killed", Reach::Levels, spinner),
    (
        "a_server_that_forks_at_sigterm_is_killed",
        Reach::Levels,
        fork_on_term,
    ),
    ("a_stopped_server_is_ended", Reach::Levels, stopped_server),
    ("a_tree_of_hundreds_is_ended", Reach::Levels, many),
    ("what_is_saved_at_eof_is_saved", Reach::Levels, flusher),
];

fn orphaner(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["orphaner"]))?;
    let report = concluded(&mut run, 7)?;
    same("trigger", &report["trigger"], &json!("server_exited"))?;
    same("server", &report["server"], &json!({"code": 7}))
}

/// A run in the foreground of a terminal whose other end the test has.
fn on_terminal(stage: &Stage<'_>, server: &[&str]) -> Checked<(Run, fs::File)> {
    let master =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).says("openpt")?;
    grantpt(&master).says("grantpt")?;
    unlockpt(&master).says("unlockpt")?;
    let path = ptsname(&master, Vec::new()).says("ptsname")?;
    let path = path.into_string().says("ptsname")?;
    if let Some(uid) = stage.column.user.change() {
        chown(&path, Some(uid), Some(uid)).says("chown the terminal")?;
    }
    let mut setup = stage.server(server);
    setup.launch = Launch::Terminal(path);
    // Whoever started the test may have it ignored, as `nohup` does.
    setup.before = ["env", "--default-signal=HUP"].map(str::to_owned).to_vec();
    Ok((begin(stage, &setup)?, fs::File::from(master)))
}

fn ctrl_c(stage: &Stage<'_>) -> Checked {
    let (mut run, mut terminal) = on_terminal(stage, &["plain"])?;
    run.talk.call(2, "slow", &json!({"ms": 1000}))?;
    run.talk.ask(3, "ping", &json!({}))?;
    run.talk.answer(&json!(3), ANSWERED_WITHIN)?;
    terminal.write_all(b"\x03").says("press Ctrl-C")?;
    // A server that got the signal itself would die of it.
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"done after 1000 ms".to_owned())?;
    let report = concluded(&mut run, 0)?;
    same("trigger", &report["trigger"], &json!("sigint"))
}

fn hang_up(stage: &Stage<'_>) -> Checked {
    let (run, terminal) = on_terminal(stage, &["stubborn"])?;
    let struck = Instant::now();
    drop(terminal);
    emptied(&run, struck, Duration::from_secs(2)).map(drop)
}

fn suspended(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    let before = run.census.alive();
    run.signal(Signal::TSTP)?;
    await_state(run.wrapper().pid, 'T')?;
    run.talk.ask(2, "ping", &json!({}))?;
    // Longer than the guard waits for a wrapper whose host died.
    if run
        .talk
        .answer(&json!(2), Duration::from_millis(800))
        .is_ok()
    {
        return fail("a suspended dropgate passed a message on");
    }
    same("processes", &run.census.alive(), &before)?;
    run.signal(Signal::CONT)?;
    run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

/// What the server says about itself.
fn described(run: &mut Run) -> Checked<Value> {
    run.talk.call(2, "report", &json!({}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    serde_json::from_str(&text_of(&answer)?).says("the server's report")
}

fn surroundings(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    let report = described(&mut run)?;
    let parent = report["ppid"]
        .as_i64()
        .says(format!("no ppid in {report}"))?;
    if parent <= 1 {
        return fail(format!("the server sees parent {parent}"));
    }
    let fds = report["fds"].as_object().says("no fds")?;
    same(
        "fds",
        &fds.keys().map(String::as_str).collect(),
        &vec!["0", "1", "2"],
    )?;
    let scope = report["environment"]["DROPGATE_SCOPE"]
        .as_str()
        .says("no DROPGATE_SCOPE")?;
    same("length of the mark", &scope.len(), &32)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn holder(stage: &Stage<'_>) -> Checked {
    let run = begin(stage, &stage.server(&["holder"]))?;
    let struck = Instant::now();
    run.signal(Signal::KILL)?;
    emptied(&run, struck, Duration::from_secs(2)).map(drop)
}

fn leaked_descriptor(stage: &Stage<'_>) -> Checked {
    let mut setup = stage.server(&["plain"]);
    setup.before = [
        "sh",
        "-c",
        r#"exec 7</dev/null 9>/dev/null; exec "$@""#,
        "sh",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut run = begin(stage, &setup)?;
    let report = described(&mut run)?;
    let fds = report["fds"].as_object().says("no fds")?;
    same(
        "fds",
        &fds.keys().map(String::as_str).collect(),
        &vec!["0", "1", "2"],
    )?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn cycles(stage: &Stage<'_>) -> Checked {
    let full = std::env::var("DROPGATE_WORLD").is_ok_and(|value| value == "full");
    let count = if full { 1000 } else { 25 };
    let script = r#"i=0; while [ $i -lt $1 ]; do
        printf '%s\n' "$2" | "$0" run --containment "$3" -- "$4" plain >/dev/null 2>{dir}/stderr || exit 1
        i=$((i+1)); done"#;
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}},
    });
    let (count, initialize) = (count.to_string(), initialize.to_string());
    let level = stage.column.containment.to_string();
    let dropgate = stage.place.dropgate().display().to_string();
    let command = [
        "sh",
        "-c",
        script,
        &dropgate,
        &count,
        &initialize,
        &level,
        "{servers}",
    ];
    let zombies = zombies();
    let run = Run::start_bare(stage.place, &stage.name, &stage.command(&command))?;
    let ended = run.ended(Duration::from_secs(600))?;
    if ended != Ended::Code(0) {
        let stderr = fs::read_to_string(run.dir.join("stderr")).unwrap_or_default();
        return fail(format!("the cycles ended with {ended:?}; stderr: {stderr}"));
    }
    emptied(&run, Instant::now(), Duration::from_secs(2))?;
    let ledger = fs::read_dir(run.dir.join("dropgate/scopes")).says("the ledger")?;
    same("ledger files", &ledger.count(), &0)?;
    if let dropgate_testing_world::census::Census::Leaf(leaf) = &run.census {
        same("cgroups", &leaf.below(), &vec![])?;
    }
    let fresh: Vec<i32> = self::zombies()
        .into_iter()
        .filter(|pid| !zombies.contains(pid))
        .filter(|pid| {
            environment(*pid)
                .iter()
                .any(|one| one.contains("DROPGATE_SCOPE"))
        })
        .collect();
    same("zombies", &fresh, &vec![])
}

fn zombies() -> Vec<i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| dropgate_testing_world::state(*pid) == Some('Z'))
        .collect()
}

fn spinner(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["epipe-spinner"]))?;
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, Duration::from_secs(2))?;
    concluded(&mut run, 0).map(drop)
}

fn fork_on_term(stage: &Stage<'_>) -> Checked {
    for signal in [Signal::TERM, Signal::KILL] {
        let run = begin(stage, &stage.server(&["fork-on-term"]))?;
        let struck = Instant::now();
        run.signal(signal)?;
        emptied(&run, struck, Duration::from_secs(2))?;
    }
    Ok(())
}

fn stopped_server(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["stopped"]))?;
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, Duration::from_secs(2)).map(drop)
}

fn many(stage: &Stage<'_>) -> Checked {
    for signal in [Signal::TERM, Signal::KILL] {
        let run = begin(stage, &stage.server(&["forkbomb-lite", "300"]))?;
        let struck = Instant::now();
        run.signal(signal)?;
        emptied(&run, struck, SOON)?;
    }
    Ok(())
}

fn flusher(stage: &Stage<'_>) -> Checked {
    for eof in ["eof", "signal"] {
        let setup = stage.server(&["eof-flusher", "{dir}/saved"]);
        let mut run = begin(stage, &setup)?;
        if eof == "eof" {
            run.talk.close();
        } else {
            run.signal(Signal::TERM)?;
        }
        concluded(&mut run, 0)?;
        let saved = fs::read_to_string(run.dir.join("saved")).says("what the server saved")?;
        same("what the server saved", &saved, &"flushed\n".to_owned())?;
    }
    Ok(())
}
