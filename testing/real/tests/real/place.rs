//! A folder of one row's own, so that nothing of it is written elsewhere.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::bounded;
use crate::user::User;

/// An empty repository on a loaded machine.
const GIT: Duration = Duration::from_secs(60);

/// Home, temporary and runtime folder, a git repository, and a log; removed when dropped.
pub(crate) struct Place {
    dir: PathBuf,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Place {
    pub(crate) fn new(user: User) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Short: a browser makes sockets below it, whose paths may have 108 bytes.
        let dir = std::env::temp_dir().join(format!("dgr-{}-{number}", std::process::id()));
        let place = Self { dir };
        for path in [
            place.dir.clone(),
            place.home(),
            place.temporary(),
            place.runtime(),
            place.repository(),
        ] {
            fs::create_dir_all(&path).expect("a folder of the test's own");
            user.give(&path).expect("hand the folder over");
        }
        fs::write(place.repository().join("note.txt"), "a note\n").expect("a file to read");
        let mut git = Command::new("git");
        git.args(["init", "--quiet"])
            .arg(place.repository())
            .env("HOME", place.home());
        if let Some(id) = user.to_become() {
            git.uid(id).gid(id);
        }
        let made = bounded::run(git, GIT).expect("git is among the counterparts");
        assert!(made.success(), "git init: {made}");
        place
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// A git repository with one file, `note.txt`.
    pub(crate) fn repository(&self) -> PathBuf {
        self.dir.join("repo")
    }

    /// Where standard error of everything goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Scopes that dropgate has noted and not crossed out.
    pub(crate) fn open_scopes(&self) -> Vec<PathBuf> {
        entries(&self.runtime().join("dropgate/scopes"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What can't be removed from the temporary folder harms nothing.
        let _left = fs::remove_dir_all(&self.dir);
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}
