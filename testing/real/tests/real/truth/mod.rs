//! Which processes belong to a row, told by something that dropgate has no hand in.

mod leaf;
mod process;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use self::leaf::Leaf;
pub(crate) use self::process::{Process, left as process_left};
use crate::user::User;

/// How long what is left at the end of a row may take to die of SIGKILL.
const CLEARING: Duration = Duration::from_secs(10);

/// A cgroup that nothing leaves, or, without the right to make one, a mark in the environment.
pub(crate) enum Truth {
    Leaf(Leaf),
    Marked(Marked),
}

/// Processes with the mark, and those that descend from one that was ever seen.
pub(crate) struct Marked {
    mark: String,
    seen: Mutex<BTreeSet<Process>>,
}

/// Whether the user of a row may divide the row's cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delegation {
    Kept,
    Given,
}

impl Truth {
    /// The variable that carries the mark.
    pub(crate) const VARIABLE: &str = "DROPGATE_TESTING_REAL";

    pub(crate) fn new(user: User, delegation: Delegation) -> Self {
        match Leaf::make(user, delegation) {
            Some(leaf) => Self::Leaf(leaf),
            None => Self::Marked(Marked {
                mark: format!("{}={}", Self::VARIABLE, leaf::unused_name()),
                seen: Mutex::default(),
            }),
        }
    }

    /// The folder to enter, if it is a cgroup.
    pub(crate) fn group(&self) -> Option<&std::path::Path> {
        match self {
            Self::Leaf(leaf) => Some(leaf.path()),
            Self::Marked(_) => None,
        }
    }

    /// The mark's value; something unique in any case.
    pub(crate) fn mark(&self) -> String {
        match self {
            Self::Leaf(leaf) => leaf.path().display().to_string(),
            Self::Marked(marked) => marked
                .mark
                .split('=')
                .next_back()
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// All that live now.
    pub(crate) fn members(&self) -> Vec<Process> {
        match self {
            Self::Leaf(leaf) => leaf.members(),
            Self::Marked(marked) => marked.members(),
        }
    }

    /// Waits until nothing but `spared` lives; the time that it took, or who is left.
    pub(crate) fn await_none_but(
        &self,
        spared: Option<Process>,
        limit: Duration,
    ) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            let mut left = self.members();
            left.retain(|process| Some(*process) != spared);
            if left.is_empty() {
                self.await_unseen(spared, began + limit)?;
                return Ok(began.elapsed());
            }
            if began.elapsed() >= limit {
                let names: Vec<String> = left.iter().map(Process::to_string).collect();
                let count = left.len();
                return Err(format!(
                    "{count} left after {limit:?}: {}",
                    names.join(", ")
                ));
            }
            process::await_one_end(&left, began + limit);
        }
    }

    /// Where nobody is spared, the kernel has the last word.
    fn await_unseen(&self, spared: Option<Process>, until: Instant) -> Result<(), String> {
        match (self, spared) {
            (Self::Leaf(leaf), None) if !leaf.await_unpopulated(until) => {
                Err("a process without a first thread is left".to_owned())
            }
            (Self::Leaf(_) | Self::Marked(_), _) => Ok(()),
        }
    }

    /// Cgroups that somebody made below the row's and left there.
    pub(crate) fn groups_left(&self) -> Vec<std::path::PathBuf> {
        match self {
            Self::Leaf(leaf) => leaf.below(),
            Self::Marked(_) => Vec::new(),
        }
    }
}

impl Drop for Truth {
    fn drop(&mut self) {
        let until = Instant::now() + CLEARING;
        match self {
            Self::Leaf(leaf) => leaf.clear(until),
            Self::Marked(marked) => marked.clear(until),
        }
    }
}

impl Marked {
    fn clear(&self, until: Instant) {
        while Instant::now() < until {
            let left = self.members();
            if left.is_empty() {
                break;
            }
            for process in &left {
                process.kill();
            }
            process::await_one_end(&left, until);
        }
    }

    fn members(&self) -> Vec<Process> {
        let mut seen = self.seen.lock().expect("no test panics here");
        seen.retain(Process::is_alive);
        let all = process::all();
        seen.extend(
            all.iter()
                .map(|(process, _)| *process)
                .filter(|process| process.has_variable(&self.mark)),
        );
        loop {
            let before = seen.len();
            for (process, parent) in &all {
                if seen.iter().any(|one| one.pid == *parent) {
                    seen.insert(*process);
                }
            }
            if seen.len() == before {
                return seen.iter().copied().collect();
            }
        }
    }
}
