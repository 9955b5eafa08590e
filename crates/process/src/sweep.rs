//! Finishing what dead owners left: the next start, or `dropgate reap`, ends
//! every tree whose wrapper and guard were both killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::cgroup::Cgroup;
use crate::ledger::{self, Record};
use crate::mark::{LIMIT_FLOOR, Mark};
use crate::procfs::Process;
use crate::signalling;
use crate::spec::Orphans;
use crate::takeover::{self, Emptied};

/// The most ledger files that one sweep looks at.
const MAX_SCOPES: usize = 10_000;

/// What a sweep may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepMode {
    /// Kill and remove.
    Sweep,
    /// Only say what would be killed.
    DryRun,
}

/// One tree without owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// The identity of the tree: its ledger file's name.
    pub scope: String,
    /// Its live processes, as found before anything was killed.
    pub processes: Vec<Process>,
    /// Those that a sweep could not kill.
    pub survivors: Vec<Process>,
}

/// Sweeps the trees of this user that have lost both owners, as many as can be
/// looked at in the given time.
///
/// A process is signalled only when it is proved to belong to such a tree: by
/// the mark that only its tree carries, or by membership in its cgroup; and
/// then through a pidfd whose process has the start time that was seen.
#[must_use]
pub fn sweep(mode: SweepMode, within: Duration) -> Vec<Abandoned> {
    let until = Instant::now() + within;
    let (Ok(boot), Ok(pid_namespace)) = (ledger::boot_id(), ledger::pid_namespace()) else {
        return Vec::new();
    };
    files()
        .take_while(|_| Instant::now() < until)
        .filter_map(|path| {
            let record = ledger::read(&path).ok()?;
            if record.boot != boot {
                // None of its processes can have lived through a boot.
                if mode == SweepMode::Sweep && !record.boot.is_empty() {
                    ledger::forget(&path);
                }
                return None;
            }
            // The numbers of another PID namespace mean other processes.
            (record.pid_namespace == pid_namespace && record.is_abandoned())
                .then(|| finish(&path, &record, mode))
                .flatten()
        })
        .collect()
}

/// How many trees of this user are recorded under the numbers of another PID or time namespace. A
/// sweep leaves them alone, and can't say whether they have owners.
///
/// # Errors
/// `/proc` does not show this process under its own number, so a sweep finds no process at all.
pub fn out_of_sight() -> io::Result<usize> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let shown = fs::read_link("/proc/self")?;
    if shown.to_str() != Some(own.to_string().as_str()) || Process::of(own).is_none() {
        return Err(io::Error::other("/proc is that of another PID namespace"));
    }
    let (boot, pid_namespace) = (ledger::boot_id()?, ledger::pid_namespace()?);
    let records = files().filter_map(|path| ledger::read(&path).ok());
    Ok(records
        .filter(|record| record.boot == boot && record.pid_namespace != pid_namespace)
        .count())
}

fn files() -> impl Iterator<Item = PathBuf> {
    ledger::places()
        .into_iter()
        .filter(|place| ledger::is_private(place).is_ok())
        .filter_map(|place| fs::read_dir(place).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_scope_name(path))
        .take(MAX_SCOPES)
}

fn is_scope_name(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Record {
    fn is_abandoned(&self) -> bool {
        let dead = |owner: Option<Process>| owner.is_none_or(|process| !process.is_alive());
        // A guard that is stopped ends nothing; one that runs needs no help.
        let idle = dead(self.guard) || self.guard.is_some_and(Process::is_stopped);
        // A file without a wrapper is being written or was never whole.
        self.wrapper.is_some() && dead(self.wrapper) && idle
    }

    /// Guard and keepers that are still there: the very processes that were
    /// noted, under the names that ours have.
    fn ours(&self) -> impl Iterator<Item = Process> {
        let all = self.keepers.iter().chain(&self.guard);
        all.copied()
            .filter(|process| process.is_named(&["dg-guard", "dg-keeper", "dg-shim"]))
    }

    fn cgroup(&self, mark: &Mark) -> Option<Cgroup> {
        Cgroup::existing(self.cgroup.as_deref()?, &mark.cookie)
    }

    /// All live processes that are proved to be of this tree.
    fn members(&self, mark: &Mark) -> Vec<Process> {
        let mut all = mark.carriers();
        all.extend(self.cgroup(mark).iter().flat_map(Cgroup::members));
        all.extend(self.ours());
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn finish(path: &Path, record: &Record, mode: SweepMode) -> Option<Abandoned> {
    let mark = record.mark.as_ref()?;
    // A mark that no start can have given belongs to somebody else.
    let named = path.file_name().is_some_and(|name| *name == *mark.cookie);
    if !named || mark.limit < LIMIT_FLOOR {
        return None;
    }
    let processes = record.members(mark);
    let survivors = match mode {
        SweepMode::DryRun => Vec::new(),
        SweepMode::Sweep => {
            for ours in record.ours() {
                signalling::send(ours, Signal::KILL);
            }
            match takeover::empty(mark, record.cgroup(mark), Orphans::Leave) {
                Emptied::Proved => {
                    ledger::forget(path);
                    Vec::new()
                }
                Emptied::Not(left) => left,
            }
        }
    };
    Some(Abandoned {
        scope: mark.cookie.clone(),
        processes,
        survivors,
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::*;

    fn sleeper() -> (Child, Process) {
        let child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let pid = i32::try_from(child.id()).expect("a pid");
        (child, Process::of(pid).expect("it runs"))
    }

    fn await_change(child: &Child, change: WaitIdOptions) {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let seen = waitid(WaitId::Pid(pid.expect("a pid")), change);
        assert!(seen.expect("waits").is_some());
    }

    fn ended() -> Process {
        let (mut child, process) = sleeper();
        child.kill().expect("kills");
        child.wait().expect("ends");
        process
    }

    #[test]
    fn a_stopped_guard_is_swept_like_a_dead_one_and_a_running_one_is_not() {
        let (mut child, guard) = sleeper();
        let (mut other, alive) = sleeper();
        let record = |wrapper: Process| Record {
            wrapper: Some(wrapper),
            guard: Some(guard),
            ..Record::default()
        };
        let dead = ended();
        assert!(
            !record(dead).is_abandoned(),
            "a running guard ends its tree"
        );
        guard.signal(Signal::STOP);
        await_change(&child, WaitIdOptions::STOPPED);
        assert!(record(dead).is_abandoned(), "a stopped guard ends nothing");
        assert!(!record(alive).is_abandoned(), "its wrapper would kill it");
        guard.signal(Signal::CONT);
        await_change(&child, WaitIdOptions::CONTINUED);
        assert!(!record(dead).is_abandoned(), "it has gone on");
        child.kill().expect("kills");
        child.wait().expect("ends");
        assert!(record(dead).is_abandoned(), "both are dead");
        other.kill().expect("kills");
        other.wait().expect("ends");
    }
}
