//! A folder of files in memory, one a secret, as `$CREDENTIALS_DIRECTORY` has them.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use dropgate_process::Process;
use rustix::fs::{FsWord, statfs};

use crate::secret::{Secret, Value};

/// From `linux/magic.h`: file systems that never reach a disk by themselves.
const IN_MEMORY: [FsWord; 2] = [0x0102_1994, 0x8584_58f6];
/// The most folders of earlier runs that are looked at.
const MOST: usize = 4096;
const NAME: &str = "dropgate-credentials";

/// A folder that is removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder for this process's server, which only this user can read.
    pub(crate) fn make() -> io::Result<Self> {
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let own = Process::of(own).ok_or(io::ErrorKind::NotFound)?;
        let parent = parent()?;
        let path = parent.join(format!("{}-{}", own.pid, own.started_ticks));
        let _from_an_earlier_try = fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    /// Adds a file that can only be read.
    pub(crate) fn add(&self, name: &str, value: &Secret<Value>) -> io::Result<()> {
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(self.path.join(name))?;
        value.expose(|bytes| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let written = rustix::io::write(&file, rest)?;
                rest = rest.get(written..).unwrap_or_default();
            }
            Ok(())
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes a folder that a dead run may have left.
pub(crate) fn remove(path: &Path) {
    let is_ours = path
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|name| name == NAME);
    if is_ours {
        // A folder that is gone already is what was wanted.
        let _gone = fs::remove_dir_all(path);
    }
}

/// Removes the folders of runs that are dead; says how many there were.
pub fn sweep_folders() -> usize {
    let Ok(parent) = parent() else { return 0 };
    let entries = fs::read_dir(parent).into_iter().flatten().take(MOST);
    let dead = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split_once('-'));
        let owner = owner.and_then(|(pid, started)| {
            Some(Process {
                pid: pid.parse().ok()?,
                started_ticks: started.parse().ok()?,
            })
        });
        owner.is_some_and(|owner| !owner.is_alive())
    });
    dead.map(|entry| remove(&entry.path())).count()
}

/// Where the folders are: in memory, and nobody else's.
fn parent() -> io::Result<PathBuf> {
    let user = rustix::process::geteuid();
    let places = [
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        Some(PathBuf::from(format!("/run/user/{}", user.as_raw()))),
        user.is_root().then(|| PathBuf::from("/run")),
        Some(PathBuf::from("/dev/shm").join(format!("dropgate-{}", user.as_raw()))),
    ];
    for place in places.into_iter().flatten() {
        if place.starts_with("/dev/shm") {
            let _there_already = DirBuilder::new().mode(0o700).create(&place);
        }
        let folder = place.join(NAME);
        let _there_already = DirBuilder::new().mode(0o700).create(&folder);
        if is_private(&folder, user.as_raw()) {
            return Ok(folder);
        }
    }
    Err(io::Error::other(
        "there is no folder in memory for files: set XDG_RUNTIME_DIR to one on a tmpfs, or use \
         into = \"fd\"",
    ))
}

fn is_private(folder: &Path, user: u32) -> bool {
    let in_memory = statfs(folder).is_ok_and(|about| IN_MEMORY.contains(&about.f_type));
    in_memory
        && fs::symlink_metadata(folder)
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == user && meta.mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_there_while_the_folder_is() {
        let folder = Folder::make().unwrap();
        let value = Secret::of_parts(&[b"s3cret"]).unwrap();
        folder.add("db", &value).unwrap();
        assert!(folder.add("db", &value).is_err());
        let file = folder.path().join("db");
        assert_eq!(fs::read(&file).unwrap(), b"s3cret");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o400);
        let dead = folder.path().with_file_name("1-1");
        fs::create_dir(&dead).unwrap();
        assert!(sweep_folders() >= 1);
        assert!(!dead.exists());
        assert!(file.exists());
        drop(folder);
        assert!(!file.exists());
    }
}
