//! Finishing what dead owners left: the next start, or `dropgate reap`, ends
//! every tree whose wrapper and guard were both killed.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::cgroup::Cgroup;
use crate::ledger::{self, Record};
use crate::mark::Mark;
use crate::procfs::Process;
use crate::signalling;
use crate::spec::Orphans;
use crate::takeover;

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

/// Sweeps the trees of this user that have lost both owners.
///
/// A process is signalled only when it is proved to belong to such a tree: by
/// the mark that only its tree carries, or by membership in its cgroup; and
/// then through a pidfd whose process has the start time that was seen.
#[must_use]
pub fn sweep(mode: SweepMode) -> Vec<Abandoned> {
    let (Ok(boot), Ok(pid_namespace)) = (ledger::boot_id(), ledger::pid_namespace()) else {
        return Vec::new();
    };
    files()
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

fn files() -> impl Iterator<Item = PathBuf> {
    ledger::places()
        .into_iter()
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

    fn cgroup(&self, mark: &Mark) -> Option<Cgroup> {
        Cgroup::existing(self.cgroup.as_deref()?, &mark.cookie)
    }

    /// All live processes that are proved to be of this tree.
    fn members(&self, mark: &Mark) -> Vec<Process> {
        let mut all = mark.carriers();
        all.extend(self.cgroup(mark).iter().flat_map(Cgroup::members));
        all.extend(self.keepers.iter().filter(|keeper| keeper.is_alive()));
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn finish(path: &Path, record: &Record, mode: SweepMode) -> Option<Abandoned> {
    let mark = record.mark.as_ref()?;
    let processes = record.members(mark);
    let survivors = match mode {
        SweepMode::DryRun => Vec::new(),
        SweepMode::Sweep => {
            for ours in record.keepers.iter().chain(&record.guard) {
                signalling::send(*ours, Signal::KILL);
            }
            let left = takeover::empty(mark, record.cgroup(mark), Orphans::Leave);
            if left.is_empty() {
                ledger::forget(path);
            }
            left
        }
    };
    Some(Abandoned {
        scope: mark.cookie.clone(),
        processes,
        survivors,
    })
}
