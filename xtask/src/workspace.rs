//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure};

/// The folder of the root manifest.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Where the real counterparts are installed: under the root whatever `CARGO_TARGET_DIR` says, so that every build of one checkout shares them.
pub(crate) fn counterparts() -> PathBuf {
    root().join("target/counterparts")
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Reads a text file, with its name in the error.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).doing(format_args!("reading {}", path.display()))
}
