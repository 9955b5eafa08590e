//! Start and stop, again and again: nothing may grow.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::lives::live;
use super::{LoadError, processes};
use crate::plan::{Cycles, Remains, Route};

/// Starts and stops before the first look.
const WARM_UP: usize = 3;

/// How long the last processes may take to vanish after their relay has ended.
const VANISH_LIMIT: Duration = Duration::from_secs(2);

/// Between two looks at what vanishes.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Below this folder, control groups are looked for so deep.
const GROUP_DEPTH: usize = 8;

/// Control groups of trees are named so.
const GROUP_PREFIX: &str = "dropgate-";

pub(super) fn measure(
    route: &Route,
    count: usize,
    relay: &Path,
    ledger: &Path,
) -> Result<Cycles, LoadError> {
    for _ in 0..WARM_UP {
        live(route)?;
    }
    let before = settled(route, relay, ledger, Remains::default());
    let began = Instant::now();
    for _ in 0..count {
        live(route)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let after = settled(route, relay, ledger, before);
    Ok(Cycles {
        count,
        seconds,
        before,
        after,
    })
}

/// What is there once it is no more than `hoped`, or once the time for that is up.
fn settled(route: &Route, relay: &Path, ledger: &Path, hoped: Remains) -> Remains {
    let until = Instant::now() + VANISH_LIMIT;
    loop {
        let remains = look(route, relay, ledger);
        let grown = remains.processes > hoped.processes
            || remains.zombies > hoped.zombies
            || remains.cgroups > hoped.cgroups
            || remains.ledger_files > hoped.ledger_files;
        if !grown || Instant::now() >= until {
            return remains;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn look(route: &Route, relay: &Path, ledger: &Path) -> Remains {
    let name = relay
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Remains {
        processes: processes::running(&[relay, &route.server]),
        zombies: processes::zombies(processes::own_pid(), &name),
        descriptors: entries("/proc/self/fd".as_ref()),
        cgroups: groups("/sys/fs/cgroup".as_ref(), GROUP_DEPTH),
        ledger_files: entries(ledger),
    }
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Control groups named like those of a tree that hold no process, in and below a folder. Those with processes belong to
/// trees that live, perhaps another program's; what survives in one of ours is counted as a process.
fn groups(folder: &Path, depth: usize) -> usize {
    let folders = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders
        .map(|entry| {
            let named = entry
                .file_name()
                .to_string_lossy()
                .starts_with(GROUP_PREFIX);
            let left = named && is_empty(&entry.path());
            let below = if depth == 0 {
                0
            } else {
                groups(&entry.path(), depth - 1)
            };
            usize::from(left) + below
        })
        .sum()
}

fn is_empty(group: &Path) -> bool {
    fs::read_to_string(group.join("cgroup.events"))
        .is_ok_and(|events| events.lines().any(|line| line == "populated 0"))
}
