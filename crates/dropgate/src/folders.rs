//! The user's folders that dropgate keeps things in.

use std::env;
use std::path::{Path, PathBuf};

/// Where what has to last is kept: `$XDG_STATE_HOME/dropgate`. None if neither that nor `HOME` says
/// where.
pub(crate) fn state() -> Option<PathBuf> {
    place("XDG_STATE_HOME", ".local/state")
}

/// Where the journals of all servers are unless something else is configured.
pub(crate) fn journals() -> Option<PathBuf> {
    Some(state()?.join("journal"))
}

/// Where the user's own configuration is: `$XDG_CONFIG_HOME/dropgate`.
pub(crate) fn configuration() -> Option<PathBuf> {
    place("XDG_CONFIG_HOME", ".config")
}

/// What stands in the way of a folder that is to be made: the deepest part of its path that is
/// there, if that is no folder.
pub(crate) fn no_folder(folder: &Path) -> Option<PathBuf> {
    let there = folder.ancestors().find(|part| part.exists())?;
    (!there.is_dir()).then(|| there.to_owned())
}

fn place(variable: &str, below_home: &str) -> Option<PathBuf> {
    let folder = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))?;
    Some(folder.join("dropgate"))
}

/// A relative path would mean another folder with every working folder, so it counts for nothing.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
