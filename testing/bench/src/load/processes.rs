//! What /proc says about the processes between the host and the server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

use super::{Doing as _, LoadError};
use crate::plan::{Memory, Placement};

/// Keeps this process, and all that it starts from now on, on the processors that a plan allows.
pub(super) fn place(placement: Placement) -> Result<(), LoadError> {
    match placement {
        Placement::Free => Ok(()),
        Placement::OneProcessor => {
            let mut one = CpuSet::new();
            one.set(sched_getcpu());
            sched_setaffinity(None, &one).doing("staying on one processor")
        }
    }
}

/// A command's processes, told apart.
pub(super) struct Parts {
    /// Those between host and server.
    pub(super) relay: Vec<i32>,
    /// Those that run the server's executable.
    pub(super) server: Vec<i32>,
}

/// A process and all its descendants.
pub(super) fn parts_of(root: i32, server: &Path) -> Parts {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in all() {
        if let Some(parent) = stat(pid).map(|stat| stat.parent) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.remove(&pid).unwrap_or_default());
        next += 1;
    }
    let (server, relay) = found
        .into_iter()
        .partition(|pid| executable(*pid).as_deref() == Some(server));
    Parts { relay, server }
}

/// This process.
pub(super) fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap_or_default()
}

/// Processor time that these processes have used, microseconds. 0 for those that are gone.
pub(super) fn cpu_us(pids: &[i32]) -> f64 {
    let nanoseconds: u64 = pids
        .iter()
        .flat_map(|pid| {
            fs::read_dir(format!("/proc/{pid}/task"))
                .into_iter()
                .flatten()
        })
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    nanoseconds as f64 / 1e3
}

/// The memory of a process; nothing when it is gone.
pub(super) fn memory(pid: i32) -> Option<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Memory {
        process: stat(pid)?.name,
        rss_kib: field(&status, "VmRSS:")?,
        pss_kib: field(&rollup, "Pss:")?,
    })
}

/// The most that a process ever had resident, KiB; nothing when it is gone.
pub(super) fn peak_kib(pid: i32) -> Option<u64> {
    field(
        &fs::read_to_string(format!("/proc/{pid}/status")).ok()?,
        "VmHWM:",
    )
}

/// Live processes that run one of these files.
pub(super) fn running(files: &[&Path]) -> usize {
    let runs_one = |pid: &i32| executable(*pid).is_some_and(|path| files.contains(&path.as_path()));
    all().filter(runs_one).count()
}

/// Unreaped processes that are children of `parent` or carry this name.
pub(super) fn zombies(parent: i32, name: &str) -> usize {
    all()
        .filter_map(stat)
        .filter(|stat| stat.state == 'Z' && (stat.parent == parent || stat.name == name))
        .count()
}

struct Stat {
    name: String,
    state: char,
    parent: i32,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = text.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    Some(Stat {
        name: before.split_once('(')?.1.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

fn all() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn executable(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
