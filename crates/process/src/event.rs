//! What happens to a tree, and how it ends.

use std::time::Duration;

use crate::procfs::Process;
use crate::protocol::Force;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    pub(crate) fn from_raw(status: i32) -> Self {
        // The encoding of wait(2): the low seven bits are the signal.
        match status & 0x7f {
            0 => Self::Code((status >> 8) & 0xff),
            signal => Self::Signal(signal),
        }
    }

    /// The code that a shell would give it: 128 and the signal's number for a
    /// death by signal.
    #[must_use]
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// Something that happened to the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server itself ended; others of its tree may live on.
    LeaderExited(Exit),
    /// The process that started this one is gone. Answer with [`Tree::alive`](crate::Tree::alive).
    HostDied,
    /// The guard was killed or stopped. [`Tree::take_over`](crate::Tree::take_over) is due.
    GuardLost,
    /// No process of the tree is left: observed, not assumed.
    Empty(Force),
    /// These were killed and are still there.
    Survivors(Vec<Process>),
}

/// When to use which signal in [`Tree::stop`](crate::Tree::stop), counted from the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// SIGTERM to the whole tree after this time.
    pub term_after: Duration,
    /// SIGKILL to the whole tree after this time.
    pub kill_after: Duration,
}

/// How a stop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Processes of the tree that are alive after all; empty means proved.
    pub survivors: Vec<Process>,
    /// Whether SIGKILL was needed.
    pub force: Force,
    /// How the server itself ended, if that was seen.
    pub leader: Option<Exit>,
}
