//! Who owns a server: the host, other instances of dropgate, and the sweep.

use std::time::{Duration, Instant};

use dropgate_process::Level;
use dropgate_testing_world::attacks::reap;
use dropgate_testing_world::census::Emptied;
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{
    Checked, Ended, Run, Says as _, Setup, User, as_user, ended_by, fail, hold,
};
use rustix::process::{Signal, pidfd_send_signal};
use serde_json::json;

use crate::steps::{SOON, begin, concluded, emptied, same};
use crate::{Reach, Rule, Stage};

pub(crate) const RULES: &[Rule] = &[
    (
        "r17_the_host_ends_and_a_shell_between_lives",
        Reach::Levels,
        shell_between,
    ),
    (
        "r23_two_of_the_same_server_are_apart",
        Reach::Levels,
        two_apart,
    ),
    (
        "r07_the_next_start_sweeps_what_two_kills_left",
        Reach::Levels,
        next_start_sweeps,
    ),
    ("r25_a_host_that_is_process_one", Reach::Root, host_is_init),
    (
        "r25_dropgate_that_is_process_one",
        Reach::Root,
        dropgate_is_init,
    ),
    (
        "r29_an_hour_between_clocks_makes_no_orphan",
        Reach::Root,
        other_clock,
    ),
    (
        "no_host_watch_goes_by_stdin_alone",
        Reach::Users,
        no_host_watch,
    ),
    (
        "the_host_dies_with_its_streams",
        Reach::Levels,
        host_and_streams,
    ),
    ("a_killed_guard_ends_the_run", Reach::Levels, guard_killed),
    ("a_stopped_guard_ends_the_run", Reach::Levels, guard_stopped),
    ("dropgate_in_dropgate", Reach::Users, nested),
];

fn ping(run: &mut Run, id: u64) -> Checked {
    run.talk.ask(id, "ping", &json!({}))?;
    run.talk.answer(&json!(id), ANSWERED_WITHIN).map(drop)
}

fn shell_between(stage: &Stage<'_>) -> Checked {
    let mut setup = stage.server(&["plain"]);
    setup.before = ["sh", "-c", r#""$@"; exit $?"#, "sh"]
        .map(str::to_owned)
        .to_vec();
    let mut run = begin(stage, &setup)?;
    run.kill_host()?;
    ping(&mut run, 2)?;
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, Duration::from_secs(2)).map(drop)
}

/// A setup whose ledger is that of another run.
fn beside(stage: &Stage<'_>, first: &Run) -> Setup {
    let mut setup = stage.server(&["ignterm"]);
    let runtime = first.dir.display().to_string();
    setup
        .environment
        .push(("XDG_RUNTIME_DIR".to_owned(), runtime));
    setup
}

/// Lets the second run of a pair into the first one's folder.
fn shared(stage: &Stage<'_>, setup: &Setup, part: &str) -> Checked<Run> {
    let mut run = Run::start(stage.place, &format!("{}-{part}", stage.name), setup)?;
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.know_own();
    Ok(run)
}

fn two_apart(stage: &Stage<'_>) -> Checked {
    let first = begin(stage, &stage.server(&["ignterm"]))?;
    let mut second = shared(stage, &beside(stage, &first), "second")?;
    let struck = Instant::now();
    first.signal(Signal::KILL)?;
    emptied(&first, struck, Duration::from_secs(2))?;
    ping(&mut second, 2)?;
    reap(stage.place, stage.column, &first, &[])?;
    ping(&mut second, 3)
}

fn next_start_sweeps(stage: &Stage<'_>) -> Checked {
    let first = begin(stage, &stage.server(&["ignterm"]))?;
    let mut bystander = shared(stage, &beside(stage, &first), "bystander")?;
    let guard = hold(u32::try_from(first.guard()?.pid).says("pid")?)?;
    first.stop_wrapper()?;
    pidfd_send_signal(&guard, Signal::KILL).says("kill the guard")?;
    first.signal(Signal::KILL)?;
    let until = Instant::now() + SOON;
    if first.wrapper_ended_by(until) == Emptied::NotInTime
        || ended_by(&guard, until) == Emptied::NotInTime
    {
        return fail("dropgate and its guard outlived SIGKILL");
    }
    let left = first.census.alive();
    match stage.column.expected_level(stage.place) {
        Level::Guard | Level::Cgroup if left.is_empty() => {
            return fail("nothing was left, so the sweep proves nothing");
        }
        Level::Guard | Level::Cgroup | Level::Ptrace | Level::Pidns => {}
    }
    let began = Instant::now();
    let mut third = shared(stage, &beside(stage, &first), "third")?;
    emptied(&first, began, SOON)?;
    ping(&mut bystander, 2)?;
    ping(&mut third, 2)
}

fn host_is_init(stage: &Stage<'_>) -> Checked {
    inside(stage, &["sh", "-c", r#""$@"; exit $?"#, "sh"])
}

fn dropgate_is_init(stage: &Stage<'_>) -> Checked {
    inside(stage, &[])
}

/// Runs in a PID namespace, as in a container.
fn inside(stage: &Stage<'_>, first: &[&str]) -> Checked {
    for server in ["plain", "stubborn"] {
        let mut setup = stage.server(&[server]);
        let unshare = ["unshare", "-pf", "--mount-proc"];
        setup.before = unshare
            .iter()
            .chain(first)
            .map(|&arg| arg.to_owned())
            .collect();
        let mut run = begin(stage, &setup)?;
        ping(&mut run, 2)?;
        let struck = Instant::now();
        run.talk.close();
        emptied(&run, struck, Duration::from_secs(2))?;
        let code = if server == "plain" { 0 } else { 12 };
        same("end", &run.ended(SOON)?, &Ended::Code(code))?;
    }
    Ok(())
}

/// Start times are ticks since boot, which no step of the wall clock moves. What moves them is a
/// time namespace: an owner that counts from another boot must not be taken for dead.
fn other_clock(stage: &Stage<'_>) -> Checked {
    for offset in ["3600", "-600"] {
        let mut setup = stage.server(&["plain"]);
        setup.before = ["unshare", "--time", "--boottime", offset, "--fork"]
            .map(str::to_owned)
            .to_vec();
        let mut run = begin(stage, &setup)?;
        reap(stage.place, stage.column, &run, &[])?;
        ping(&mut run, 2).says(format!(
            "after a reap with a clock that is {offset} s apart"
        ))?;
        run.talk.close();
        concluded(&mut run, 0)?;
    }
    Ok(())
}

fn no_host_watch(stage: &Stage<'_>) -> Checked {
    let setup = stage.server(&["plain"]).flags(&["--no-host-watch"]);
    let mut run = begin(stage, &setup)?;
    run.kill_host()?;
    ping(&mut run, 2)?;
    // Longer than the guard gives a wrapper whose host died.
    if run.wrapper_ended_by(Instant::now() + Duration::from_millis(800)) != Emptied::NotInTime {
        return fail("dropgate ended with its host");
    }
    let struck = Instant::now();
    run.talk.close();
    emptied(&run, struck, Duration::from_secs(2)).map(drop)
}

fn host_and_streams(stage: &Stage<'_>) -> Checked {
    let mut run = begin(stage, &stage.server(&["stubborn"]))?;
    let struck = Instant::now();
    run.talk.close();
    run.kill_host()?;
    emptied(&run, struck, Duration::from_secs(2)).map(drop)
}

fn guard_killed(stage: &Stage<'_>) -> Checked {
    guard_struck(stage, Signal::KILL)
}

fn guard_stopped(stage: &Stage<'_>) -> Checked {
    guard_struck(stage, Signal::STOP)
}

fn guard_struck(stage: &Stage<'_>, signal: Signal) -> Checked {
    let mut run = begin(stage, &stage.server(&["ignterm"]))?;
    run.talk.call(2, "block", &json!({}))?;
    ping(&mut run, 3)?;
    let guard = hold(u32::try_from(run.guard()?.pid).says("pid")?)?;
    let struck = Instant::now();
    pidfd_send_signal(&guard, signal).says("strike the guard")?;
    emptied(&run, struck, Duration::from_secs(2))?;
    let report = concluded(&mut run, 12)?;
    same("trigger", &report["trigger"], &json!("guard_lost"))?;
    let answer = crate::steps::only_answer(&run, 2)?;
    crate::steps::refused(&answer, "unknown", "unsafe")
}

fn nested(stage: &Stage<'_>) -> Checked {
    let dropgate = stage.place.dropgate().display().to_string();
    let command = [
        &dropgate,
        "run",
        "--containment",
        "auto",
        "--",
        "{servers}",
        "stubborn",
    ];
    for signal in [Signal::TERM, Signal::KILL] {
        let run = begin(stage, &stage.command(&command))?;
        let struck = Instant::now();
        run.signal(signal)?;
        emptied(&run, struck, Duration::from_secs(2))?;
    }
    // Whoever sweeps inside a tree must leave the tree alone.
    let mut run = begin(stage, &stage.command(&command))?;
    let user: User = stage.column.user;
    let swept = as_user(stage.place.dropgate(), user, &run.dir)
        .arg("reap")
        .output();
    same("reap", &swept.says("reap")?.status.code(), &Some(0))?;
    ping(&mut run, 2)
}
