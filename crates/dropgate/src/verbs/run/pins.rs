//! `[tools] pin`: the pins of a server, kept where `dropgate trust` finds them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use dropgate_gate::pins::{Mode, PinStore, Pins};
use dropgate_relay::{KeepsPins, PinnedTools};

use crate::config::written::Pin;
use crate::verbs::trust::store::{self, StoreError};

/// What was pinned of a server's tools; nothing if that is switched off.
///
/// # Errors
/// There is no place for pins, or what is there can't be read.
pub(super) fn pinned(pin: Option<Pin>, server: &str) -> Result<Option<PinnedTools>, StoreError> {
    let mode = match pin {
        Some(Pin::Off) => return Ok(None),
        Some(Pin::Warn) | None => Mode::Warn,
        Some(Pin::Enforce) => Mode::Enforce,
    };
    let path = store::file(&store::folder()?, server)?;
    // Looked at before it is read: a change in between is read again, not missed.
    let seen = Version::of(&path);
    Ok(Some(PinnedTools {
        pins: Pins::new(mode, store::read(&path)?),
        keeper: Box::new(PinFile { path, seen }),
    }))
}

/// The file that other runs of the same server, and `dropgate trust`, read and change as well.
struct PinFile {
    path: PathBuf,
    /// As it was read last.
    seen: Option<Version>,
}

/// What tells one file from the next that is moved into its place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Version {
    fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        Some(Self {
            inode: meta.ino(),
            length: meta.len(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

impl KeepsPins for PinFile {
    fn update(&mut self, change: &mut dyn FnMut(&mut PinStore)) -> io::Result<()> {
        store::update(&self.path, change).map_err(io::Error::other)
    }

    fn news(&mut self) -> io::Result<Option<PinStore>> {
        let now = Version::of(&self.path);
        if now == self.seen {
            return Ok(None);
        }
        let store = store::read(&self.path).map_err(io::Error::other)?;
        self.seen = now;
        Ok(Some(store))
    }
}
