//! Where a value comes from, without a Vault.

mod command;

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Instant;

use dropgate_process::Departure;
use dropgate_process::environment::Withdrawn;

use crate::secret::{Secret, SecretError, Value};

pub(crate) use command::COMMAND_WITHIN;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A variable of dropgate's own environment, which its host set.
    Variable(String),
    /// A file; a line end at its end is not part of the value.
    File(PathBuf),
    /// What a program writes to its stdout; a line end at its end is not part of the value.
    Command(Vec<OsString>),
    /// A path of a key-value engine: read once, without a lease.
    Kv(String),
    /// A path of an engine that makes credentials with a lease.
    Lease(String),
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The variable is not set.
    #[error("dropgate's environment has no {0}; set it in the host's configuration")]
    NoVariable(String),
    /// The value can't be used.
    #[error("the value of {0}: {1}")]
    Variable(String, SecretError),
    /// The file can't be read.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: SecretError,
    },
    /// The program gave no value.
    #[error("the command {program}: {why}")]
    Command {
        /// Which.
        program: String,
        /// What is wrong.
        why: String,
    },
}

pub(crate) fn variable(name: &str, from: &Withdrawn) -> Result<Secret<Value>, SourceError> {
    let value = from
        .value(name.as_bytes())
        .ok_or_else(|| SourceError::NoVariable(name.to_owned()))?;
    Secret::of_parts(&[value]).map_err(|error| SourceError::Variable(name.to_owned(), error))
}

/// Reads a file without waiting for a writer of a pipe.
pub(crate) fn file<T>(path: &std::path::Path) -> Result<Secret<T>, SourceError> {
    let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = File::options().read(true).custom_flags(no_wait).open(path);
    opened
        .map_err(SecretError::Read)
        .and_then(Secret::read)
        .and_then(Secret::without_line_end)
        .map_err(|why| SourceError::File {
            path: path.to_owned(),
            why,
        })
}

pub(crate) fn command(
    argv: &[OsString],
    hidden: &Withdrawn,
    until: Instant,
    departure: &Departure,
) -> Result<Secret<Value>, SourceError> {
    command::read(argv, hidden, until, departure).map_err(|why| SourceError::Command {
        program: argv
            .first()
            .map(|program| program.to_string_lossy().into_owned())
            .unwrap_or_default(),
        why,
    })
}
