//! Processes of a run known by what they carry, where no cgroup can be had.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, str};

use dropgate_process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Emptied;
use crate::procfs::{Seen, all, seen};

/// Rounds of killing, at most.
const ROUNDS: usize = 1_000;

/// What processes of one run have in their command line or environment, and those known by number.
#[derive(Debug)]
pub struct Marks {
    text: String,
    known: Mutex<Vec<Process>>,
    except: u32,
}

impl Marks {
    /// Processes that carry `text`, without the host with the number `except`.
    #[must_use]
    pub fn new(text: &str, except: u32) -> Self {
        Self {
            text: text.to_owned(),
            known: Mutex::default(),
            except,
        }
    }

    /// Adds a process that hides what it carries.
    pub fn know(&self, process: Process) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push(process);
    }

    pub(super) fn alive(&self) -> Vec<Seen> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<i32> = known
            .iter()
            .filter(|process| process.is_alive())
            .map(|process| process.pid)
            .collect();
        all()
            .filter(|pid| i32::try_from(self.except) != Ok(*pid))
            .filter(|pid| known.contains(pid) || self.carried_by(*pid))
            .filter_map(seen)
            .collect()
    }

    fn carried_by(&self, pid: i32) -> bool {
        ["cmdline", "environ"].iter().any(|file| {
            fs::read(format!("/proc/{pid}/{file}")).is_ok_and(|all| {
                let mut parts = all.split(|byte| *byte == 0);
                parts.any(|part| str::from_utf8(part).is_ok_and(|part| part.contains(&self.text)))
            })
        })
    }

    pub(super) fn empty_by(&self, until: Instant) -> Emptied {
        loop {
            let held = self.hold();
            let now = Instant::now();
            if held.is_empty() {
                return Emptied::At(now);
            }
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Emptied::NotInTime;
            }
            await_any(&held, left);
        }
    }

    pub(super) fn clear(&self) {
        for _ in 0..ROUNDS {
            let held = self.hold();
            if held.is_empty() {
                return;
            }
            for pidfd in &held {
                let _ended_meanwhile = pidfd_send_signal(pidfd, Signal::KILL);
            }
            await_any(&held, Duration::from_millis(100));
        }
    }

    fn hold(&self) -> Vec<OwnedFd> {
        let alive = self.alive().into_iter();
        alive
            .filter_map(|seen| {
                let held =
                    pidfd_open(Pid::from_raw(seen.process.pid)?, PidfdFlags::empty()).ok()?;
                seen.process.is_alive().then_some(held)
            })
            .collect()
    }
}

fn await_any(held: &[OwnedFd], within: Duration) {
    let mut fds: Vec<_> = held
        .iter()
        .map(|pidfd| PollFd::new(pidfd, PollFlags::IN))
        .collect();
    if let Ok(timeout) = Timespec::try_from(within) {
        let _looked_at_again = poll(&mut fds, Some(&timeout));
    }
}
