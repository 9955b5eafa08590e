//! A server that nobody uses is stopped and started again by the next message, and the host
//! notices nothing.

use std::fs;
use std::time::{Duration, Instant};

use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::rows::RECORD;
use dropgate_testing_world::{Checked, Run, Says as _, fail};
use rustix::process::Signal;
use serde_json::json;

use crate::steps::{SOON, begin, concluded, emptied, only_answer, recorded, same, text_of};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "r26_an_idle_server_is_gone_and_answers_again",
        Reach::Levels,
        comes_back,
    ),
    ("r26_all_of_an_idle_tree_is_gone", Reach::Levels, whole_tree),
    (
        "r26_a_server_with_a_call_in_flight_stays_awake",
        Reach::Users,
        busy,
    ),
    (
        "r26_an_end_while_the_server_sleeps",
        Reach::Levels,
        ends_asleep,
    ),
    (
        "r26_without_the_flag_nothing_hibernates",
        Reach::Users,
        without_flag,
    ),
];

const HIBERNATE: [&str; 2] = ["--hibernate", "500ms"];
const ASLEEP: &str = "dropgate: hibernating: ";

/// The most memory that dropgate may keep resident while its server sleeps.
const MAX_RESIDENT_KIB: u64 = 10 * 1024;

/// Names of the processes that are dropgate's own.
const OWN: &[&str] = &["dropgate", "dg-guard", "dg-keeper", "dg-shim"];

/// Waits until the server has been put to sleep so often, and checks that nothing of it is left.
fn await_asleep(run: &Run, before: usize) -> Checked {
    run.talk.await_stderr(ASLEEP, before, SOON)?;
    let alive = run.census.alive();
    if alive.iter().all(|seen| OWN.contains(&seen.comm.as_str())) {
        return Ok(());
    }
    fail(format!("asleep, but alive: {}", run.survivors()))
}

fn resident_kib(pid: i32) -> Checked<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).says("status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.says("no VmRSS")?.parse().says("VmRSS")
}

fn comes_back(stage: &Stage<'_>) -> Checked {
    let setup = stage.command(RECORD).flags(&HIBERNATE);
    let mut run = begin(stage, &setup)?;
    for round in 0..2 {
        await_asleep(&run, round)?;
        let resident = resident_kib(run.wrapper().pid)?;
        if resident > MAX_RESIDENT_KIB {
            return fail(format!("asleep, dropgate takes {resident} KiB"));
        }
        let id = 10 + u64::try_from(round).says("round")?;
        run.talk.call(id, "echo", &json!({"text": "awake"}))?;
        let answer = run.talk.answer(&json!(id), ANSWERED_WITHIN)?;
        same("text", &text_of(&answer)?, &"awake".to_owned())?;
    }
    run.talk.close();
    concluded(&mut run, 0)?;
    for id in [1, 10, 11] {
        only_answer(&run, id)?;
    }
    same("messages to the host", &run.talk.heard.len(), &3)?;
    let methods: Vec<String> = recorded(&run)?
        .iter()
        .filter_map(|message| message["method"].as_str().map(str::to_owned))
        .collect();
    let (hello, ready, call) = ("initialize", "notifications/initialized", "tools/call");
    let expected = [hello, ready, hello, ready, call, hello, ready, call];
    same("methods", &methods, &expected.map(str::to_owned).to_vec())
}

fn whole_tree(stage: &Stage<'_>) -> Checked {
    for server in ["daemon", "chain"] {
        let setup = stage.server(&[server]).flags(&HIBERNATE);
        let mut run = begin(stage, &setup)?;
        await_asleep(&run, 0)?;
        run.talk.ask(2, "ping", &json!({}))?;
        run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
        let struck = Instant::now();
        run.signal(Signal::KILL)?;
        emptied(&run, struck, Duration::from_secs(2))?;
    }
    Ok(())
}

fn busy(stage: &Stage<'_>) -> Checked {
    let setup = stage.command(RECORD).flags(&HIBERNATE);
    let mut run = begin(stage, &setup)?;
    run.talk.call(2, "slow", &json!({"ms": 1500}))?;
    let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN)?;
    same("text", &text_of(&answer)?, &"done after 1500 ms".to_owned())?;
    let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
    same("put to sleep in a call", &stderr.contains(ASLEEP), &false)?;
    await_asleep(&run, 0)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}

fn ends_asleep(stage: &Stage<'_>) -> Checked {
    for (trigger, signal) in [
        ("eof", None),
        ("sigterm", Some(Signal::TERM)),
        ("wrapper_lost", Some(Signal::KILL)),
    ] {
        let setup = stage.server(&["plain"]).flags(&HIBERNATE);
        let mut run = begin(stage, &setup)?;
        await_asleep(&run, 0)?;
        let struck = Instant::now();
        match signal {
            None => run.talk.close(),
            Some(signal) => run.signal(signal)?,
        }
        emptied(&run, struck, Duration::from_secs(1))?;
        if signal != Some(Signal::KILL) {
            let report = concluded(&mut run, 0).says(trigger)?;
            same("trigger", &report["trigger"], &json!(trigger))?;
        }
    }
    Ok(())
}

fn without_flag(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["plain"]))?;
    let before = run.census.alive();
    // Three times what the others sleep after.
    if run.talk.next(Duration::from_millis(1500)).is_ok() {
        return fail("an idle server said something");
    }
    same("processes", &run.census.alive(), &before)?;
    run.talk.close();
    concluded(&mut run, 0).map(drop)
}
