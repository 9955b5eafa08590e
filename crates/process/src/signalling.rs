//! Sending signals. Only through pidfds: a number may belong to somebody else
//! by the time a signal arrives, and peers have killed browsers that way.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::procfs::{self, Process};

/// A hold on one process: what is sent to it can reach no other.
pub(crate) fn hold(process: Process) -> Option<OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    // The number may have been recycled before the pidfd was opened, but not
    // between that and this look.
    process.is_alive().then_some(pidfd)
}

/// Sends a signal to one process, if it still is the one meant.
pub(crate) fn send(process: Process, signal: Signal) {
    if let Some(pidfd) = hold(process) {
        // It can end at any moment, which is no failure of ours.
        let _ended_meanwhile = pidfd_send_signal(pidfd, signal);
    }
}

/// How often the freeze looks for processes that were forked meanwhile. Each
/// round freezes at least one more; a tree that outruns all of them is met by
/// the next call, as the caller repeats until nothing is left.
const FREEZE_ROUNDS: usize = 64;
/// A frozen process holds a descriptor of ours; once there are so many, a very
/// large tree is killed in portions rather than running out of them.
const MOST_HELD: usize = 400;

/// Freezes all descendants of `root`, so that none can fork or refill a dead
/// sibling, and kills them. `except` names subtrees to leave alone. Whether any
/// is left is for the caller to see.
pub(crate) fn freeze_and_kill(root: i32, except: &[i32]) {
    freeze_and_kill_found(|| procfs::descendants(root, except));
}

/// As [`freeze_and_kill`], for whatever `find` says belongs to the tree.
pub(crate) fn freeze_and_kill_found(find: impl Fn() -> Vec<Process>) {
    let mut held: Vec<(Process, OwnedFd)> = Vec::new();
    for _ in 0..FREEZE_ROUNDS {
        let fresh: Vec<(Process, OwnedFd)> = find()
            .into_iter()
            .filter(|process| held.iter().all(|(known, _)| known != process))
            .filter_map(|process| Some((process, hold(process)?)))
            .collect();
        if fresh.is_empty() {
            break;
        }
        for (_, pidfd) in &fresh {
            let _ended_meanwhile = pidfd_send_signal(pidfd, Signal::STOP);
        }
        held.extend(fresh);
        if held.len() >= MOST_HELD {
            break;
        }
    }
    for (_, pidfd) in &held {
        let _ended_meanwhile = pidfd_send_signal(pidfd, Signal::KILL);
    }
}
