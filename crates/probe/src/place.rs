//! A temporary directory for one cell.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Names that may be taken by others before the search for a free one is given up.
const ATTEMPTS: u32 = 100;

/// A directory that only this user can enter, removed with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    pub(crate) fn new() -> io::Result<Self> {
        let mut attempts = 0;
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("dropgate-probe-{}-{number}", std::process::id());
            let root = std::env::temp_dir().join(name);
            match fs::DirBuilder::new().mode(0o700).create(&root) {
                Ok(()) => {
                    let place = Self { root };
                    fs::create_dir(place.directory())?;
                    return Ok(place);
                }
                // Left by an earlier process with the same pid, and not ours to remove.
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS =>
                {
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A working directory with nothing in it.
    pub(crate) fn directory(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The file in which the host tells what it started.
    pub(crate) fn start(&self) -> PathBuf {
        self.root.join("start")
    }

    #[cfg(test)]
    fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A directory of /tmp that can not be removed harms nobody.
        let _left = fs::remove_dir_all::<&Path>(&self.root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_private_and_goes_with_all_that_is_in_it() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new().unwrap();
        let root = place.root().to_owned();
        assert_eq!(
            fs::metadata(&root).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::write(place.directory().join("file"), "x").unwrap();
        assert_ne!(Place::new().unwrap().root(), root);
        drop(place);
        assert!(!root.exists());
    }
}
