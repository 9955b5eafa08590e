//! The ground truth: which processes of a run are alive, known without any help of dropgate.
//!
//! Where the test can make a cgroup v2, the whole run is in one of its own, which nothing that the
//! run does can leave. Elsewhere processes are known by what their command lines and environments
//! hold and by number.

mod cgroup;
mod marks;

use std::time::Instant;

pub use self::cgroup::{Leaf, Nursery};
pub use self::marks::Marks;
use crate::procfs::Seen;

/// Who watches a run.
#[derive(Debug)]
pub enum Census {
    /// A cgroup that the whole run is in.
    Leaf(Leaf),
    /// What its processes carry.
    Marks(Marks),
}

impl Census {
    /// The live processes of the run, dropgate's own included.
    #[must_use]
    pub fn alive(&self) -> Vec<Seen> {
        match self {
            Self::Leaf(leaf) => leaf.alive(),
            Self::Marks(marks) => marks.alive(),
        }
    }

    /// Waits until no process of the run is left; says whether that was in time.
    #[must_use]
    pub fn empty_by(&self, until: Instant) -> Emptied {
        match self {
            Self::Leaf(leaf) => leaf.empty_by(until),
            Self::Marks(marks) => marks.empty_by(until),
        }
    }

    /// Kills whatever is left. For the end of a cell that failed.
    pub fn clear(&self) {
        match self {
            Self::Leaf(leaf) => leaf.clear(),
            Self::Marks(marks) => marks.clear(),
        }
    }
}

/// What a wait for the last process came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptied {
    /// The last one was seen gone at this instant.
    At(Instant),
    /// Some are still there.
    NotInTime,
}
