//! One process, as `/proc` shows it, and waiting for its end.

use std::fmt;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// At most so many ends are waited for at once.
const WATCHED: usize = 64;

/// A process that can be told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    started: u64,
}

/// Every process that this user can see and that has not ended, with its parent.
pub(crate) fn all() -> Vec<(Process, i32)> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(read).collect()
}

/// Returns when one of them has ended, or at the given instant.
pub(crate) fn await_one_end(processes: &[Process], until: Instant) {
    let pidfds: Vec<OwnedFd> = processes
        .iter()
        .take(WATCHED)
        .filter_map(|process| process.pidfd())
        .collect();
    if pidfds.len() < processes.len().min(WATCHED) {
        return;
    }
    let mut fds: Vec<PollFd<'_>> = pidfds
        .iter()
        .map(|pidfd| PollFd::new(pidfd, PollFlags::IN))
        .collect();
    let _interrupted_is_fine = poll(&mut fds, Some(&left(until)));
}

/// The time to an instant, as system calls take it.
pub(crate) fn left(until: Instant) -> Timespec {
    let left = until.saturating_duration_since(Instant::now());
    Timespec::try_from(left).expect("limits of tests are small")
}

impl Process {
    pub(crate) fn of(pid: i32) -> Option<Self> {
        read(pid).map(|(process, _)| process)
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }

    pub(crate) fn parent(&self) -> Option<i32> {
        let (process, parent) = read(self.pid)?;
        (process == *self).then_some(parent)
    }

    pub(crate) fn has_variable(&self, variable: &str) -> bool {
        fs::read(format!("/proc/{}/environ", self.pid)).is_ok_and(|all| {
            all.split(|byte| *byte == 0)
                .any(|one| one == variable.as_bytes())
        })
    }

    /// The first 15 bytes of its program's name.
    pub(crate) fn name(&self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        name.trim_end().to_owned()
    }

    pub(crate) fn send(&self, signal: Signal) {
        if let Some(pidfd) = self.pidfd() {
            let _ended_already = pidfd_send_signal(pidfd, signal);
        }
    }

    pub(crate) fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// Waits for its end, at most until the given instant.
    pub(crate) fn await_end(&self, until: Instant) -> bool {
        while self.is_alive() && Instant::now() < until {
            await_one_end(&[*self], until);
        }
        !self.is_alive()
    }

    fn pidfd(&self) -> Option<OwnedFd> {
        let pidfd = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        self.is_alive().then_some(pidfd)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let line: String = line.chars().take(60).collect();
        write!(f, "{} {} [{}]", self.pid, self.name(), line.trim_end())
    }
}

fn read(pid: i32) -> Option<(Process, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold any character.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let process = Process {
        pid,
        started: fields.get(19)?.parse().ok()?,
    };
    Some((process, fields.get(1)?.parse().ok()?))
}
