//! Marks that a tree's processes carry, so that a survivor can be proved ours
//! after the wrapper and the guard are both dead.
//!
//! Two, because each covers what the other misses: the environment variable is
//! wide enough to be unique but a daemon may clear its environment; the
//! resource limit is inherited whatever the daemon does, and an unprivileged
//! process can only lower it. The limit used is the one on CPU time of
//! real-time tasks. Its value here is over 70,000 years, so it limits nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::procfs::{self, Process};

/// The variable that every process of a tree has in its environment.
pub const SCOPE_VARIABLE: &str = "DROPGATE_SCOPE";

/// The lowest value that a mark in the resource limit can have, microseconds.
pub(crate) const LIMIT_FLOOR: u64 = 1 << 61;

/// The most looks at numbers that were given out during the look before. Each
/// is short, so even a machine that forks all the time has a look without one.
const MOST_LOOKS: usize = 1000;

/// The identity of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// 128 random bits in hexadecimal.
    pub(crate) cookie: String,
    /// The value of the resource limit.
    pub(crate) limit: u64,
}

impl Mark {
    /// A mark that no other tree has.
    ///
    /// # Errors
    /// When the kernel has no random numbers to give.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 24];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let mut cookie = String::new();
        for byte in &bytes[..16] {
            let _infallible = write!(cookie, "{byte:02x}");
        }
        let mut random = [0; 8];
        random.copy_from_slice(&bytes[16..]);
        // A tree inside a tree can only lower the limit that it inherited.
        let inherited = getrlimit(Resource::Rttime).maximum.unwrap_or(1 << 62);
        let width = inherited.min(1 << 62).saturating_sub(LIMIT_FLOOR).max(1);
        let limit = LIMIT_FLOOR + u64::from_ne_bytes(random) % width;
        Ok(Self { cookie, limit })
    }

    /// Marks the calling process and all that it will fork with the limit.
    /// Where the limit is lower already, the variable alone is the mark.
    pub(crate) fn set_limit(&self) {
        let soft = getrlimit(Resource::Rttime).current;
        let marked = Rlimit {
            current: Some(soft.unwrap_or(self.limit).min(self.limit)),
            maximum: Some(self.limit),
        };
        let _lower_already = setrlimit(Resource::Rttime, marked);
    }

    /// All live processes that carry this mark, as far as this user may see.
    ///
    /// One look at `/proc` is not enough: a process that forks and ends while
    /// the look lasts is in no list. So the numbers given out meanwhile are
    /// looked at as well, until none was.
    pub(crate) fn carriers(&self) -> Vec<Process> {
        let own = procfs::own_pid();
        let mut seen = procfs::last_pid();
        let mut pids: BTreeSet<i32> = procfs::all_pids().collect();
        let mut found = BTreeSet::new();
        for _ in 0..MOST_LOOKS {
            let carrying = pids
                .into_iter()
                .filter(|pid| *pid != own && self.is_carried_by(*pid));
            found.extend(carrying.filter_map(Process::of));
            let last = procfs::last_pid();
            if last == seen {
                break;
            }
            pids = procfs::pids_given_out(seen, last).into_iter().collect();
            seen = last;
        }
        found
            .into_iter()
            .filter(|process| process.is_alive())
            .collect()
    }

    fn is_carried_by(&self, pid: i32) -> bool {
        let variable = format!("{SCOPE_VARIABLE}={}", self.cookie);
        let in_environment = || {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| {
                all.split(|byte| *byte == 0)
                    .any(|one| one == variable.as_bytes())
            })
        };
        let in_limits = || {
            fs::read_to_string(format!("/proc/{pid}/limits"))
                .is_ok_and(|limits| hard_realtime_limit(&limits) == Some(self.limit))
        };
        in_limits() || in_environment()
    }
}

fn hard_realtime_limit(limits: &str) -> Option<u64> {
    let values = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max realtime timeout"))?;
    values.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_hard_limit() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max realtime priority     0                    0\n\
                    Max realtime timeout      unlimited            2305843009213693959  us\n";
        assert_eq!(hard_realtime_limit(text), Some(2_305_843_009_213_693_959));
        assert_eq!(
            hard_realtime_limit("Max realtime timeout  unlimited unlimited us"),
            None
        );
    }

    #[test]
    fn marks_differ_and_stay_in_range() {
        let (one, other) = (
            Mark::random().expect("random"),
            Mark::random().expect("random"),
        );
        assert_ne!(one, other);
        assert_eq!(one.cookie.len(), 32);
        assert!((LIMIT_FLOOR..1 << 62).contains(&one.limit));
    }
}
