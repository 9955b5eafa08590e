//! What `/proc` says about a process: just the fields that identity and
//! descent need, parsed by hand because the guard must stay small.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, Signal};

use crate::signalling;

/// A process that can be told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    /// The process id, as the caller's PID namespace numbers it.
    pub pid: i32,
    /// Clock ticks between boot and the process's start (field 22 of
    /// `/proc/PID/stat`). Unlike wall time it never shifts.
    pub started_ticks: u64,
}

impl Process {
    /// The process that has this pid now, if there is one that has not ended.
    #[must_use]
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        stat.alive().then_some(Self {
            pid,
            started_ticks: stat.started_ticks,
        })
    }

    /// Whether this very process still runs. A zombie does not.
    #[must_use]
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Whether this very process was stopped, as by SIGSTOP or a tracer.
    pub(crate) fn is_stopped(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| {
            stat.started_ticks == self.started_ticks && matches!(stat.state, b'T' | b't')
        })
    }

    /// Whether this very process has one of these names.
    pub(crate) fn is_named(self, names: &[&str]) -> bool {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        names.contains(&name.trim_end()) && self.is_alive()
    }

    /// Sends a signal to this very process, if it still runs.
    pub fn signal(self, signal: Signal) {
        signalling::send(self, signal);
    }

    /// The arguments it was started with, for reports; the name in brackets
    /// when it has none. At most 16 arguments of 200 characters.
    #[must_use]
    pub fn argv(self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let argv: Vec<String> = line
            .split(|byte| *byte == 0)
            .filter(|arg| !arg.is_empty())
            .take(16)
            .map(|arg| String::from_utf8_lossy(arg).chars().take(200).collect())
            .collect();
        if argv.is_empty() {
            let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
            return vec![format!("[{}]", name.trim_end())];
        }
        argv
    }
}

/// The fields of `/proc/PID/stat` that are used here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) threads: u32,
    pub(crate) started_ticks: u64,
}

impl Stat {
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // The name may hold spaces and parentheses; the last one ends it.
        let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let rest = std::str::from_utf8(stat.get(after_name..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        // Fields 20 and 22 of the file; the state is field 3.
        let threads = fields.nth(15)?.parse().ok()?;
        let started_ticks = fields.nth(1)?.parse().ok()?;
        Some(Self {
            state,
            parent,
            threads,
            started_ticks,
        })
    }

    /// Not ended: neither a zombie nor being removed. A process whose first
    /// thread ended looks like a zombie while its other threads run.
    pub(crate) fn alive(&self) -> bool {
        self.threads > 1 || !matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// All live descendants of `root`, without `root` itself and without the
/// subtrees that begin at a process in `except`.
///
/// A process that forks while this runs may be missed: callers that must have
/// all repeat it until it finds nothing new.
pub(crate) fn descendants(root: i32, except: &[i32]) -> Vec<Process> {
    let listed = fs::exists("/proc/thread-self/children").unwrap_or(false);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let children = if listed {
            children(parent)
        } else {
            children_by_scan(parent)
        };
        for child in children {
            if except.contains(&child) || !seen.insert(child) {
                continue;
            }
            parents.push(child);
            found.extend(Process::of(child));
        }
    }
    found
}

/// The children of a process, dead ones included. A process that ended
/// meanwhile has none: they have another parent by then.
fn children(parent: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task"))
        .into_iter()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_ascii_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// As `children`, for kernels without the `children` file.
fn children_by_scan(parent: i32) -> Vec<i32> {
    all_pids()
        .filter(|pid| Stat::read(*pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// The pids of all processes that `/proc` shows.
pub(crate) fn all_pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Whether this process can see who there is. One that can not, for want of
/// descriptors or of `/proc`, must not take an empty list for a proof.
pub(crate) fn can_look() -> bool {
    fs::read_dir("/proc").is_ok() && Process::of(own_pid()).is_some() && last_pid() > 0
}

/// The process number that was given out last in this PID namespace.
pub(crate) fn last_pid() -> i32 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_ascii_whitespace()
        .nth(4)
        .and_then(|last| last.parse().ok())
        .unwrap_or(0)
}

/// The numbers given out after `seen` and up to `last`, which may have wrapped
/// around. Where so many were that looking at each would take longer than
/// looking at all there are, it is those.
pub(crate) fn pids_given_out(seen: i32, last: i32) -> Vec<i32> {
    const FEW: i32 = 20_000;
    if (seen..=seen.saturating_add(FEW)).contains(&last) {
        (seen + 1..=last).collect()
    } else {
        all_pids().collect()
    }
}

/// The children of this process, ended ones included.
pub(crate) fn children_of_this_process() -> Vec<i32> {
    let own = own_pid();
    if fs::exists("/proc/thread-self/children").unwrap_or(false) {
        children(own)
    } else {
        children_by_scan(own)
    }
}

/// This process's pid.
pub(crate) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

pub(crate) fn raw(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3";
        assert_eq!(
            Stat::parse(line),
            Some(Stat {
                state: b'S',
                parent: 7,
                threads: 1,
                started_ticks: 98765
            })
        );
    }

    #[test]
    fn a_short_line_is_no_process() {
        assert_eq!(Stat::parse(b"42 (x) S 7 42"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn this_process_is_alive_and_a_recycled_number_is_not() {
        let own = Process::of(own_pid()).expect("this process runs");
        assert!(own.is_alive());
        let earlier = Process {
            started_ticks: own.started_ticks - 1,
            ..own
        };
        assert!(!earlier.is_alive());
    }

    #[test]
    fn numbers_given_out_are_all_listed() {
        assert_eq!(pids_given_out(10, 10), Vec::<i32>::new());
        assert_eq!(pids_given_out(10, 13), [11, 12, 13]);
        // After a wrap, and after very many, all processes are looked at.
        let own = own_pid();
        assert!(pids_given_out(i32::MAX, 5).contains(&own));
        assert!(pids_given_out(1, i32::MAX).contains(&own));
        assert!(last_pid() > 0);
    }

    #[test]
    fn both_ways_of_finding_children_agree() {
        let parent = rustix::process::getppid().map_or(1, raw);
        let scanned: BTreeSet<i32> = children_by_scan(parent).into_iter().collect();
        assert!(scanned.contains(&own_pid()));
        if fs::exists("/proc/thread-self/children").expect("/proc is mounted") {
            assert!(children(parent).contains(&own_pid()));
        }
    }
}
