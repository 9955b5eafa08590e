//! Where the journals are.

use std::fs;
use std::path::{Path, PathBuf};

use super::Problem;
use crate::cli::Which;
use crate::folders;

/// The most journals that are looked at together.
const MOST: usize = 4096;

/// The folders of the journals that are meant, by name; at least one.
pub(super) fn journals(which: &Which) -> Result<Vec<PathBuf>, Problem> {
    if let Some(journal) = &which.journal {
        let folder = if journal.contains('/') {
            PathBuf::from(journal)
        } else {
            parent(which)?.join(journal)
        };
        return if folder.is_dir() {
            Ok(vec![folder])
        } else {
            Err(Problem::NoJournal(folder.display().to_string()))
        };
    }
    let parent = parent(which)?;
    let found = journals_in(&parent);
    if found.is_empty() {
        return Err(Problem::NoJournal(parent.display().to_string()));
    }
    Ok(found)
}

/// The journals in a folder, by name; the folder itself if it is one.
pub(crate) fn journals_in(parent: &Path) -> Vec<PathBuf> {
    if is_journal(parent) {
        return vec![parent.to_owned()];
    }
    let mut found: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .take(MOST)
        .map(|entry| entry.path())
        .filter(|path| is_journal(path))
        .collect();
    found.sort();
    found
}

/// Whether a folder has what the first start puts into it, or what is left of that.
fn is_journal(folder: &Path) -> bool {
    let chain = |entry: fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"chain-");
    folder.join("key").is_file()
        || folder.join("claims").is_dir()
        || fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .take(MOST)
            .any(chain)
}

fn parent(which: &Which) -> Result<PathBuf, Problem> {
    which
        .dir
        .clone()
        .or_else(folders::journals)
        .ok_or(Problem::NoPlace)
}
