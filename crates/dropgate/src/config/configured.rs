//! The file of settings that holds, and the folder that its relative paths start from.

use std::path::{Path, PathBuf};

use crate::bounded::Pipes;
use crate::folders;

use super::read::{self, ConfigError};
use super::written::Config;

/// Reads the configuration that a flag names, or the user's own if there is one.
///
/// # Errors
/// When the file is not right.
pub(crate) fn configuration(named: Option<&Path>) -> Result<Configured, ConfigError> {
    configuration_with(Pipes::Awaited, named)
}

/// The same, where pipes may not be waited for.
///
/// # Errors
/// As of [`configuration`], and for a pipe that is refused.
pub(crate) fn configuration_with(
    pipes: Pipes,
    named: Option<&Path>,
) -> Result<Configured, ConfigError> {
    let own = || folders::configuration().map(|folder| folder.join("dropgate.toml"));
    let path = named
        .map(Path::to_owned)
        .or_else(|| own().filter(|path| path.exists()));
    let file = path.as_deref().map(|path| read::load(path, pipes));
    let file = file.transpose()?;
    Ok(Configured {
        file: file.unwrap_or_default(),
        folder: path
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
            .to_owned(),
        pipes,
    })
}

/// A configuration as it was written, and the folder that its relative paths start from.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    pub(crate) file: Config,
    pub(crate) folder: PathBuf,
    /// What becomes of files that are named there and are pipes.
    pub(crate) pipes: Pipes,
}

impl Configured {
    /// The folder of the journals of all servers, whatever the working folder of whoever asks later:
    /// the file's own, or the usual one.
    pub(crate) fn journals(&self) -> Option<PathBuf> {
        let named = self.file.journal.dir.as_deref();
        named
            .map(|dir| self.folder.join(dir))
            .map(|dir| std::path::absolute(&dir).unwrap_or(dir))
            .or_else(folders::journals)
    }
}
