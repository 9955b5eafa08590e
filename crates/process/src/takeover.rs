//! Emptying a tree whose guard is gone.

use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::cgroup::Cgroup;
use crate::mark::Mark;
use crate::procfs::{self, Process};
use crate::signalling;
use crate::spec::Orphans;

/// How long killing goes on before what is left counts as surviving.
pub const KILL_WITHIN: Duration = Duration::from_secs(2);

/// The pause between two rounds.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 2_000_000,
};

/// What came of emptying a tree.
#[derive(Debug)]
pub(crate) enum Emptied {
    /// Nobody is left: looked for, and not found.
    Proved,
    /// These resisted, or nobody could be looked for.
    Not(Vec<Process>),
}

/// Kills all that belongs to the tree until nothing is left.
pub(crate) fn empty(mark: &Mark, cgroup: Option<Cgroup>, orphans: Orphans) -> Emptied {
    let until = Instant::now() + KILL_WITHIN;
    loop {
        if let Some(cgroup) = &cgroup {
            cgroup.kill();
        }
        let left = match orphans {
            Orphans::Adopt => {
                signalling::freeze_and_kill(procfs::own_pid(), &other_guards(mark));
                reap_adopted(mark)
            }
            Orphans::Leave => {
                signalling::freeze_and_kill_found(|| mark.carriers());
                mark.carriers()
            }
        };
        let in_cgroup = cgroup.as_ref().is_some_and(|cgroup| !cgroup.is_empty());
        if left.is_empty() && !in_cgroup && procfs::can_look() {
            if let Some(cgroup) = &cgroup {
                cgroup.remove();
            }
            return Emptied::Proved;
        }
        if Instant::now() >= until {
            return Emptied::Not(left);
        }
        let _paused = poll(&mut [], Some(&PAUSE));
    }
}

/// Collects ended children that were adopted; returns those still there.
fn reap_adopted(mark: &Mark) -> Vec<Process> {
    let spared = other_guards(mark);
    for child in procfs::children_of_this_process() {
        if !spared.contains(&child)
            && let Some(pid) = Pid::from_raw(child)
        {
            let _still_there = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
    procfs::descendants(procfs::own_pid(), &spared)
}

/// Guards of other trees of this process: children that must be left alone.
/// A guard's name in `comm` is its own doing and no server's, as a process can
/// be named like one only to be spared by a walk that its own guard repeats.
fn other_guards(mark: &Mark) -> Vec<i32> {
    crate::registry::guards_except(&mark.cookie)
}
