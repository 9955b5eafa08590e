//! A cgroup v2 of a row's own: membership is inherited and can't be shed.

use std::fs;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};

use super::{Delegation, Process, process};
use crate::user::User;

/// How deep cgroups of the tree are followed.
const DEPTH: usize = 6;

pub(crate) struct Leaf {
    path: PathBuf,
}

/// A name that no other row has.
pub(super) fn unused_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("testing-real-{}-{number}", std::process::id())
}

impl Leaf {
    /// Makes one below this process's own cgroup, if that is allowed.
    pub(super) fn make(user: User, delegation: Delegation) -> Option<Self> {
        let path = own_group()?.join(unused_name());
        fs::create_dir(&path).ok()?;
        let leaf = Self { path };
        if delegation == Delegation::Given {
            for name in [
                "",
                "cgroup.procs",
                "cgroup.threads",
                "cgroup.subtree_control",
            ] {
                user.give(&leaf.path.join(name)).ok()?;
            }
        }
        Some(leaf)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn members(&self) -> Vec<Process> {
        let mut members = Vec::new();
        collect(&self.path, DEPTH, &mut members);
        members
    }

    pub(super) fn below(&self) -> Vec<PathBuf> {
        folders(&self.path)
    }

    /// Waits until the kernel counts no live process in it: a process whose first thread has
    /// ended looks dead in `/proc` while others of its threads run on.
    pub(super) fn await_unpopulated(&self, until: Instant) -> bool {
        let path = self.path.join("cgroup.events");
        let mut events = fs::File::open(path).expect("a cgroup has its events");
        loop {
            let mut text = String::new();
            let read = events
                .rewind()
                .and_then(|()| events.read_to_string(&mut text));
            read.expect("the events of a cgroup");
            if text.lines().any(|line| line == "populated 0") {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            let mut fds = [PollFd::new(&events, PollFlags::PRI)];
            let _interrupted_is_fine = poll(&mut fds, Some(&process::left(until)));
        }
    }

    /// Kills all that is in it, and removes it.
    pub(super) fn clear(&self, until: Instant) {
        let _gone = fs::write(self.path.join("cgroup.kill"), "1");
        self.await_unpopulated(until);
        remove(&self.path, DEPTH);
    }
}

fn collect(path: &Path, depth: usize, members: &mut Vec<Process>) {
    let pids = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    members.extend(
        pids.lines()
            .filter_map(|pid| Process::of(pid.parse().ok()?)),
    );
    if depth > 0 {
        for folder in folders(path) {
            collect(&folder, depth - 1, members);
        }
    }
}

fn remove(path: &Path, depth: usize) {
    if depth > 0 {
        for folder in folders(path) {
            remove(&folder, depth - 1);
        }
    }
    let _populated = fs::remove_dir(path);
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

fn own_group() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        kind.starts_with("cgroup2 ")
            .then(|| place.split(' ').nth(4))?
    })?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount).join(own))
}
