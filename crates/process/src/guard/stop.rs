//! Emptying the tree: the stages between serving and nobody left.

use std::time::{Duration, Instant};

use rustix::process::{Signal, WaitOptions, wait};

use super::watch::HeldTree;
use crate::procfs::{self, Process};
use crate::protocol::Force;
use crate::signalling;

/// When processes are still there this long after the first SIGKILL, the
/// wrapper is told of them: they hang in the kernel.
const SURVIVORS_AFTER: Duration = Duration::from_secs(2);
/// The guard goes on killing for this long, then leaves the rest to the next
/// sweep, which finds them by the ledger.
const GIVE_UP_AFTER: Duration = Duration::from_secs(12);
/// The pause between two rounds of killing, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How far the stop has come. It only ever goes forward.
#[derive(Debug)]
pub(crate) enum Stage {
    Serving,
    /// SIGTERM and SIGKILL are due; `None` once SIGTERM was sent.
    Stopping {
        term_at: Option<Instant>,
        kill_at: Instant,
    },
    /// SIGKILL is being sent, round by round.
    Killing {
        since: Instant,
        again_at: Instant,
        pause: Duration,
        force: Force,
    },
    /// As killing, after the wrapper was told who resists.
    Survivors {
        since: Instant,
        again_at: Instant,
        to_tell: Option<Vec<Process>>,
    },
    /// Nobody is left.
    Empty(Force),
    /// Somebody is left whom even SIGKILL does not end.
    GivenUp,
}

impl Stage {
    /// Begins to stop, or stops earlier than was said before, never later.
    pub(crate) fn stop(&mut self, term: Instant, kill: Instant) {
        match self {
            Self::Serving => {
                *self = Self::Stopping {
                    term_at: Some(term),
                    kill_at: kill,
                }
            }
            Self::Stopping { term_at, kill_at } => {
                *term_at = term_at.map(|at| at.min(term));
                *kill_at = (*kill_at).min(kill);
            }
            Self::Killing { .. } | Self::Survivors { .. } | Self::Empty(_) | Self::GivenUp => {}
        }
    }

    /// When a stop that was ordered comes to SIGKILL.
    pub(crate) fn kill_at(&self) -> Option<Instant> {
        match self {
            Self::Stopping { kill_at, .. } => Some(*kill_at),
            Self::Serving
            | Self::Killing { .. }
            | Self::Survivors { .. }
            | Self::Empty(_)
            | Self::GivenUp => None,
        }
    }

    /// When the next step is due, if it does not depend on an event alone.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self {
            Self::Serving | Self::Empty(_) | Self::GivenUp => None,
            Self::Stopping { term_at, kill_at } => {
                Some(term_at.map_or(*kill_at, |term| term.min(*kill_at)))
            }
            Self::Killing { again_at, .. } | Self::Survivors { again_at, .. } => Some(*again_at),
        }
    }

    /// Does what is due and says what comes next.
    pub(crate) fn advance(self, tree: &HeldTree, now: Instant) -> Self {
        match self {
            Self::Stopping { kill_at, .. } if now >= kill_at => {
                let force = tree.kill();
                Self::Killing {
                    since: now,
                    again_at: now + FIRST_PAUSE,
                    pause: FIRST_PAUSE,
                    force,
                }
            }
            Self::Stopping {
                term_at: Some(term),
                kill_at,
            } if now >= term => {
                tree.signal(Signal::TERM);
                // A stopped process acts on SIGTERM only when it goes on.
                tree.signal(Signal::CONT);
                Self::Stopping {
                    term_at: None,
                    kill_at,
                }
            }
            Self::Killing {
                since,
                again_at,
                pause,
                force,
            } if now >= again_at => {
                let force = match (force, tree.kill()) {
                    (Force::None, Force::None) => Force::None,
                    (Force::Killed, _) | (_, Force::Killed) => Force::Killed,
                };
                if now.duration_since(since) >= SURVIVORS_AFTER {
                    let left = tree.members();
                    return Self::Survivors {
                        since,
                        again_at: now,
                        to_tell: Some(left),
                    };
                }
                let pause = (pause * 2).min(LONGEST_PAUSE);
                Self::Killing {
                    since,
                    again_at: now + pause,
                    pause,
                    force,
                }
            }
            Self::Survivors {
                since,
                again_at,
                to_tell,
            } if now >= again_at => {
                tree.kill();
                if now.duration_since(since) >= GIVE_UP_AFTER {
                    return Self::GivenUp;
                }
                Self::Survivors {
                    since,
                    again_at: now + LONGEST_PAUSE,
                    to_tell,
                }
            }
            Self::Serving
            | Self::Stopping { .. }
            | Self::Killing { .. }
            | Self::Survivors { .. }
            | Self::Empty(_)
            | Self::GivenUp => self,
        }
    }

    /// Whether SIGKILL was needed so far.
    pub(crate) fn force(&self) -> Force {
        match self {
            Self::Serving | Self::Stopping { .. } => Force::None,
            Self::Killing { force, .. } | Self::Empty(force) => *force,
            Self::Survivors { .. } | Self::GivenUp => Force::Killed,
        }
    }
}

impl HeldTree {
    /// The live processes of the tree, our own keepers left out.
    pub(crate) fn members(&self) -> Vec<Process> {
        let mut all = procfs::descendants(procfs::own_pid(), &[]);
        if let Some(cgroup) = &self.cgroup {
            all.extend(cgroup.members());
            all.sort_unstable();
            all.dedup();
        }
        all.retain(|process| !self.keepers.contains(process));
        all
    }

    /// Sends a signal to every member.
    pub(crate) fn signal(&self, signal: Signal) {
        for process in self.members() {
            signalling::send(process, signal);
        }
    }

    /// One round of killing everything, by every means of the level.
    pub(crate) fn kill(&self) -> Force {
        let force = if self.members().is_empty() {
            Force::None
        } else {
            Force::Killed
        };
        // The kernel kills whatever a keeper holds when the keeper dies.
        for keeper in &self.keepers {
            signalling::send(*keeper, Signal::KILL);
        }
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
        signalling::freeze_and_kill(procfs::own_pid(), &[]);
        force
    }
}

/// After a failed start only forked children of ours can be there, which end
/// by themselves once the guard has closed their pipes.
pub(crate) fn empty_after_failure() {
    signalling::freeze_and_kill(procfs::own_pid(), &[]);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
