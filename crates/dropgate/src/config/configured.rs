//! The file of settings that holds, and the folder that its relative paths start from.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bounded::Pipes;
use crate::folders;

use super::read::{self, ConfigError};
use super::weakenings::weakenings;
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

    /// The folder of the copies of journals, if the file names one.
    pub(crate) fn copies(&self) -> Option<PathBuf> {
        let written = self.file.journal.copy.as_ref()?;
        let dir = self.folder.join(&written.dir);
        Some(std::path::absolute(&dir).unwrap_or(dir))
    }

    /// What weakens a guarantee: keys and orders of the file, and a copy that the loss of the
    /// journal's own disk would take as well.
    pub(crate) fn weakenings(&self) -> Vec<String> {
        let one_disk = self
            .copies()
            .zip(self.journals())
            .filter(|(copies, journals)| {
                let disk = disk(copies);
                disk.is_some() && disk == disk_of_what_is_to_be(journals)
            });
        let copy = one_disk.map(|(copies, _)| {
            let dir = copies.display();
            format!("journal.copy.dir: {dir} is on the file system of the journal itself")
        });
        weakenings(&self.file).into_iter().chain(copy).collect()
    }
}

/// The device of the file system that a path is on, if the path is there.
fn disk(path: &Path) -> Option<u64> {
    path.metadata().ok().map(|found| found.dev())
}

/// The same for a folder that the start may have to make first: it comes to be where the nearest
/// folder above it is.
fn disk_of_what_is_to_be(path: &Path) -> Option<u64> {
    path.ancestors().find_map(disk)
}
