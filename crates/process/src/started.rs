//! What a start gives, or why there is nothing.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::level::Level;
use crate::tree::Tree;

/// Our ends of the server's standard streams.
#[derive(Debug)]
pub struct StandardStreams {
    /// What is written here the server reads.
    pub stdin: OwnedFd,
    /// What the server writes to its standard output.
    pub stdout: OwnedFd,
    /// What the server writes to its standard error.
    pub stderr: OwnedFd,
}

/// A started server.
#[derive(Debug)]
pub struct Spawned {
    /// The tree that the server leads.
    pub tree: Tree,
    /// Pipes to and from it, unless the caller gave its own streams.
    pub streams: Option<StandardStreams>,
}

/// A level that was tried and can not be had here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The level.
    pub level: Level,
    /// What the system refused.
    pub why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.level, self.why)
    }
}

/// Why no server was started. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program could not be executed.
    #[error("can not start {:?}: {source}{}", program.display().to_string(), what_to_do(program, source))]
    Program {
        /// The program as it was given.
        program: OsString,
        /// What `execvp` said.
        source: io::Error,
    },
    /// No level that is good enough can be had.
    #[error(
        "the containment asked for can not be had here{}; `dropgate doctor` says what this machine allows",
        reasons(skipped)
    )]
    Uncontained {
        /// The levels that were tried, and what each lacks.
        skipped: Vec<Skipped>,
    },
    /// The guard ended before it could start anything.
    #[error(
        "the guard ended at once: the program that owns the tree must call run_if_guard() first"
    )]
    GuardEnded,
    /// The guard did not answer in time.
    #[error("the guard did not answer within {} s", crate::spawn::START_WITHIN.as_secs())]
    GuardSilent,
    /// Pipes, sockets or the guard's process could not be made.
    #[error("can not start the guard: {0}")]
    System(#[from] io::Error),
}

impl From<rustix::io::Errno> for SpawnError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.into())
    }
}

/// What to do about a program that can't be executed; begins with a semicolon.
#[must_use]
pub fn what_to_do(program: &OsStr, why: &io::Error) -> &'static str {
    let path = Path::new(program);
    let is_path = path.components().count() > 1;
    let why = why.kind();
    if why == io::ErrorKind::NotFound {
        if program.is_empty() {
            "; the name is empty: write a command after --"
        } else if is_path && path.exists() {
            "; the file is there, so what its first line names as its interpreter is not"
        } else if is_path {
            "; check the path"
        } else {
            "; no folder of PATH has it: install it, or write its whole path"
        }
    } else if why == io::ErrorKind::PermissionDenied {
        if path.is_dir() {
            "; it is a folder: name a program in it"
        } else {
            "; it is not executable: chmod +x makes it so"
        }
    } else {
        ""
    }
}

fn reasons(skipped: &[Skipped]) -> String {
    skipped.iter().map(|one| format!("; {one}")).collect()
}
