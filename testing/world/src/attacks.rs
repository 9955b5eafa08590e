//! Plays one event against the owners of a server that attacks.

use std::os::fd::OwnedFd;
use std::process::Output;
use std::time::{Duration, Instant};

use dropgate_process::Level;
use dropgate_testing_servers::STRIKE;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::census::Emptied;
use crate::dice::Chance;
use crate::endings::{ANSWERED_WITHIN, setup};
use crate::grid::Cell;
use crate::place::{Column, Place};
use crate::problem::{Checked, Says as _};
use crate::procfs;
use crate::rows::{ATTACKED_WITHIN, Attack, Crowd, Event, Leader};
use crate::run::{Run, await_state, ended_by, hold};

/// How long is looked for survivors beyond what a row allows.
const LOOKED_FOR: Duration = Duration::from_secs(5);

/// How long is looked for somebody who is left, until nobody is said to be.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// How long a process that was sent SIGKILL may take to be gone.
const DYING_WITHIN: Duration = Duration::from_millis(300);

/// What has to follow on an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing is left.
    Nothing,
    /// What is left is listed and ended by the next sweep.
    Swept,
    /// As `Swept`, unless dropgate was quicker than the attack and nothing is left.
    SweptIfLeft,
}

/// What the model says of an event at a column.
#[must_use]
pub fn aftermath(place: &Place, column: Column, event: Event) -> Aftermath {
    let outlives_both = match column.expected_level(place) {
        Level::Ptrace | Level::Pidns => Chance::Taken,
        Level::Guard | Level::Cgroup => Chance::Passed,
    };
    match (event, outlives_both) {
        (Event::BothKilled | Event::Regicide, Chance::Taken)
        | (
            Event::Term
            | Event::Eof
            | Event::HostKilled
            | Event::WrapperKilled
            | Event::WrapperStopped
            | Event::GuardKilled
            | Event::GroupKilled
            | Event::GuardStopped,
            _,
        ) => Aftermath::Nothing,
        (Event::BothKilled, Chance::Passed) => Aftermath::Swept,
        (Event::Regicide, Chance::Passed) => Aftermath::SweptIfLeft,
    }
}

/// Plays a cell.
#[must_use]
pub fn play(place: &Place, column: Column, attack: &Attack, event: Event) -> Cell {
    let name = format!("{column}/{}/{}", attack.name, event.name());
    let mut server = vec!["{servers}", attack.name];
    if event == Event::Regicide {
        server.extend(["--stop-at", "{host}"]);
    }
    let mut run = match Run::start(place, &name, &setup(column, &server)) {
        Ok(run) => run,
        Err(problem) => return Cell::failed(name, problem),
    };
    match judge(place, column, attack, event, &mut run) {
        Ok(took) => Cell::judged(name, took, ATTACKED_WITHIN, Vec::new()),
        Err(problem) => {
            let stderr = String::from_utf8_lossy(&run.talk.stderr()).into_owned();
            Cell::failed(name, format!("{problem}\n    stderr: {stderr}"))
        }
    }
}

fn judge(
    place: &Place,
    column: Column,
    attack: &Attack,
    event: Event,
    run: &mut Run,
) -> Checked<Duration> {
    run.talk.initialize(ANSWERED_WITHIN)?;
    run.know_own();
    let leader = leader(run, attack)?;
    let struck = strike(run, event)?;
    let until = struck + ATTACKED_WITHIN + LOOKED_FOR;
    match aftermath(place, column, event) {
        Aftermath::Nothing => match run.census.empty_by(until) {
            Emptied::At(at) => Ok(at.duration_since(struck)),
            Emptied::NotInTime => Err(format!("survivors: {}", run.survivors())),
        },
        // What the guard killed with its last breath takes a moment to be gone.
        Aftermath::SweptIfLeft
            if run.census.empty_by(Instant::now() + DYING_WITHIN) != Emptied::NotInTime =>
        {
            Ok(struck.elapsed())
        }
        Aftermath::Swept | Aftermath::SweptIfLeft => {
            if attack.leader == Leader::EndsAtEof && ended_by(&leader, until) == Emptied::NotInTime
            {
                return Err(format!(
                    "the server did not end at EOF: {}",
                    run.survivors()
                ));
            }
            swept(place, column, attack, run)
        }
    }
}

/// The server's own process.
fn leader(run: &Run, attack: &Attack) -> Checked<OwnedFd> {
    let alive = run.census.alive();
    let leader = alive
        .iter()
        .find(|seen| seen.argv.get(1).is_some_and(|name| name == attack.name));
    let pid = leader.says("there is no server")?.process.pid;
    hold(u32::try_from(pid).says("pid")?)
}

fn strike(run: &mut Run, event: Event) -> Checked<Instant> {
    let guard = run.guard()?;
    let guard_pidfd = hold(u32::try_from(guard.pid).says("pid")?)?;
    let guard_signal =
        |signal| rustix::process::pidfd_send_signal(&guard_pidfd, signal).says("signal the guard");
    let mut struck = Instant::now();
    match event {
        Event::Term => run.signal(Signal::TERM)?,
        Event::Eof => run.talk.close(),
        Event::HostKilled => run.kill_host()?,
        Event::WrapperKilled => run.signal(Signal::KILL)?,
        Event::WrapperStopped => {
            run.stop_wrapper()?;
            struck = Instant::now();
            run.kill_host()?;
        }
        Event::GuardKilled => guard_signal(Signal::KILL)?,
        Event::GroupKilled => run.signal_group(Signal::KILL)?,
        // dropgate hears of a guard that was killed or stopped and may be quick enough to act;
        // stopped before, it is not.
        Event::BothKilled => {
            run.stop_wrapper()?;
            struck = Instant::now();
            guard_signal(Signal::KILL)?;
            run.signal(Signal::KILL)?;
        }
        Event::GuardStopped => {
            run.stop_wrapper()?;
            guard_signal(Signal::STOP)?;
            await_state(guard.pid, 'T')?;
            struck = Instant::now();
            run.signal(Signal::KILL)?;
        }
        Event::Regicide => {
            run.talk.call(2, STRIKE, &json!({}))?;
            // An answer comes from the server if it could not reach its owners, or from a dropgate
            // that lost its guard and leaves by itself.
            let answer = run.talk.answer(&json!(2), ANSWERED_WITHIN);
            struck = Instant::now();
            if answer.is_ok() {
                let _left_already = run.signal(Signal::KILL);
            }
        }
    }
    match event {
        Event::BothKilled | Event::Regicide => {
            if run.wrapper_ended_by(struck + LOOKED_FOR) == Emptied::NotInTime {
                return Err("dropgate outlived SIGKILL".to_owned());
            }
            if ended_by(&guard_pidfd, struck + LOOKED_FOR) == Emptied::NotInTime {
                return Err(format!(
                    "the guard is still there: {:?}",
                    procfs::seen(guard.pid)
                ));
            }
        }
        Event::Term
        | Event::Eof
        | Event::HostKilled
        | Event::WrapperKilled
        | Event::WrapperStopped
        | Event::GuardKilled
        | Event::GroupKilled
        | Event::GuardStopped => {}
    }
    Ok(struck)
}

/// The sweep must list what is left without touching it, then end it, then find nothing.
fn swept(place: &Place, column: Column, attack: &Attack, run: &mut Run) -> Checked<Duration> {
    let before = seen(run);
    if before.is_empty() {
        return Err("nothing was left, so the sweep proves nothing".to_owned());
    }
    let listed = reap(place, column, run, &["--dry-run", "--format", "json"])?;
    let mut listed = listed_pids(&listed)?;
    let after = seen(run);
    if attack.crowd == Crowd::Steady {
        listed.sort_unstable();
        if before != after || listed != after {
            return Err(format!(
                "the dry run listed {listed:?}; alive before {before:?}, after {after:?}: {}",
                run.survivors()
            ));
        }
    } else if after.is_empty() {
        // What moves may be missed by a look, but must not be ended by one.
        return Err(format!("the dry run listed {listed:?} and left nothing"));
    }
    let began = Instant::now();
    reap(place, column, run, &[])?;
    let took = match run.census.empty_by(began + ATTACKED_WITHIN + LOOKED_FOR) {
        Emptied::At(at) => at.duration_since(began),
        Emptied::NotInTime => return Err(format!("reap left: {}", run.survivors())),
    };
    let again = reap(place, column, run, &["--dry-run", "--format", "json"])?;
    if listed_pids(&again)? == Vec::<i32>::new() && again["scopes"] == json!([]) {
        Ok(took)
    } else {
        Err(format!("reap left its ledger: {again}"))
    }
}

/// Who is alive. One look may miss what moves from process to process, so that nobody is there is
/// said only after many.
fn seen(run: &Run) -> Vec<i32> {
    let until = Instant::now() + SEEN_WITHIN;
    loop {
        let pids = pids(run);
        if !pids.is_empty() || Instant::now() >= until {
            return pids;
        }
        std::thread::yield_now();
    }
}

fn pids(run: &Run) -> Vec<i32> {
    let mut pids: Vec<i32> = run
        .census
        .alive()
        .iter()
        .map(|seen| seen.process.pid)
        .collect();
    pids.sort_unstable();
    pids
}

fn listed_pids(listed: &Value) -> Checked<Vec<i32>> {
    let scopes = listed["scopes"]
        .as_array()
        .says(format!("no scopes in {listed}"))?;
    let processes = scopes
        .iter()
        .flat_map(|scope| scope["processes"].as_array().into_iter().flatten());
    Ok(processes
        .filter_map(|process| i32::try_from(process["pid"].as_i64()?).ok())
        .collect())
}

/// Runs `dropgate reap` as the user of the run; JSON, or null for text.
///
/// # Errors
/// It failed.
pub fn reap(place: &Place, column: Column, run: &Run, flags: &[&str]) -> Checked<Value> {
    let output: Output = crate::place::as_user(place.dropgate(), column.user, &run.dir)
        .arg("reap")
        .args(flags)
        .output()
        .says("start dropgate reap")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("dropgate reap: {}: {stderr}", output.status));
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}
