//! Files that say what to leave out, before they are obeyed: whoever wrote the source wrote them too.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Collected;
use crate::facts::{Name, Why};

/// What the walk reads in each folder.
const NAMES: [&str; 2] = [".gitignore", ".ignore"];

/// Longest of them.
const MAX_BYTES: u64 = 1024 * 1024;

/// Those that can't be read safely: a link to a device, a pipe, too much. Without them it is not known what belongs to the source.
#[derive(Debug, Clone, Default)]
pub(super) struct Odd(Arc<Mutex<Vec<(PathBuf, Why)>>>);

impl Odd {
    /// Whether a folder is not entered because of what such a file in it is.
    pub(super) fn keeps_out(&self, folder: &Path) -> bool {
        let found = NAMES.iter().find_map(|name| {
            let path = folder.join(name);
            let why = fault(&path)?;
            Some((path, why))
        });
        let is_odd = found.is_some();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(found);
        is_odd
    }

    /// Tells of all that were found.
    pub(super) fn tell(&self, base: &Path, collected: &mut Collected) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, why) in all.drain(..) {
            let relative = path.strip_prefix(base).unwrap_or(&path);
            collected.refuse(&Name::from(relative.to_string_lossy()), &why);
        }
    }
}

fn fault(path: &Path) -> Option<Why> {
    let meta = path.symlink_metadata().ok()?;
    // A folder of that name is not read.
    if meta.is_dir() {
        return None;
    }
    if !meta.is_file() {
        let what = "it is no plain file, and its folder is not entered; remove it";
        return Some(Why::Io(what.to_owned()));
    }
    (meta.len() > MAX_BYTES).then_some(Why::TooLarge(MAX_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_last_that_is_read() {
        let path = std::env::temp_dir().join(format!("dropgate-ignore-{}", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MAX_BYTES).unwrap();
        let most = fault(&path);
        file.set_len(MAX_BYTES + 1).unwrap();
        let more = fault(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!((most, more), (None, Some(Why::TooLarge(MAX_BYTES))));
        assert_eq!(fault(&path), None);
        assert_eq!(fault(&std::env::temp_dir()), None);
    }
}
