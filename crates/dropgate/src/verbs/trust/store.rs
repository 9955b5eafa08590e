//! The files that pins are kept in: one a server, replaced whole.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dropgate_gate::pins::{MAX_STORE, PinStore, StoreUnreadable};
use dropgate_policy::sha256;

use crate::bounded::{self, NotRead};
use crate::folders;

/// How long another process may hold a store, and how often that is looked at.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Why pins can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("there is no place for pins: set XDG_STATE_HOME or HOME")]
    NoPlace,
    #[error("{0:?} can't be the name of a server: it would leave the folder of pins")]
    Name(String),
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("{path}: {error}")]
    Unreadable {
        path: PathBuf,
        error: StoreUnreadable,
    },
    #[error("{0}: another dropgate has held the lock for a second; try again")]
    Held(PathBuf),
    #[error("{path}: the pins have no JSON form: {error}")]
    Unwritable {
        path: PathBuf,
        error: serde_json::Error,
    },
}

/// The folder of all pins: `$XDG_STATE_HOME/dropgate/pins`.
///
/// # Errors
/// Neither `XDG_STATE_HOME` nor `HOME` says where.
pub(crate) fn folder() -> Result<PathBuf, StoreError> {
    Ok(folders::state().ok_or(StoreError::NoPlace)?.join("pins"))
}

/// The file of one server's pins.
///
/// # Errors
/// The name holds more than plain characters.
pub(crate) fn file(folder: &Path, server: &str) -> Result<PathBuf, StoreError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if server.is_empty() || server.starts_with('.') || !server.chars().all(plain) {
        return Err(StoreError::Name(server.to_owned()));
    }
    Ok(folder.join(format!("{server}.json")))
}

/// The servers that have pins, sorted.
///
/// # Errors
/// The folder is there and can't be read.
pub(crate) fn servers(folder: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |error| StoreError::File {
        path: folder.to_owned(),
        error,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if let Some(server) = name.strip_suffix(".json") {
            names.push(server.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The pins in this file; none yet if there is no such file.
///
/// # Errors
/// The file can't be read, or is not such a store.
pub(crate) fn read(path: &Path) -> Result<PinStore, StoreError> {
    let failed = |error| StoreError::File {
        path: path.to_owned(),
        error,
    };
    let unreadable = |error| StoreError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let text = match bounded::read(path, MAX_STORE as u64) {
        Ok(text) => text,
        Err(NotRead::System(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(PinStore::new());
        }
        Err(NotRead::System(error)) => return Err(failed(error)),
        Err(NotRead::TooLarge(_)) => return Err(unreadable(StoreUnreadable::TooLarge)),
    };
    PinStore::from_json(&text, sha256).map_err(unreadable)
}

/// Reads the pins, changes them and puts them back, while nobody else does.
///
/// Who reads the file meanwhile sees the old pins or the new ones, never half of them.
///
/// # Errors
/// The file can't be locked, read or replaced; then it is as it was.
pub(crate) fn update<T>(
    path: &Path,
    change: impl FnOnce(&mut PinStore) -> T,
) -> Result<T, StoreError> {
    let failed = |error| StoreError::File {
        path: path.to_owned(),
        error,
    };
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    let _lock = lock(path)?;
    let mut store = read(path)?;
    let before = store.clone();
    let told = change(&mut store);
    if store == before {
        return Ok(told);
    }
    let text = store.to_json().map_err(|error| StoreError::Unwritable {
        path: path.to_owned(),
        error,
    })?;
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = private().truncate(true).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(failed)?;
    Ok(told)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let place = path.with_extension("lock");
    let failed = |error| StoreError::File {
        path: place.clone(),
        error,
    };
    let file = private().open(&place).map_err(failed)?;
    for _try in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    Err(StoreError::Held(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder() {
        let folder = Path::new("/pins");
        for bad in ["", ".", "..", "../x", "a/b", "a\0b", ".hidden", "a b", "ä"] {
            assert!(file(folder, bad).is_err(), "{bad:?}");
        }
        let good = file(folder, "server-filesystem-3f9a2c41").unwrap();
        assert_eq!(good, folder.join("server-filesystem-3f9a2c41.json"));
    }
}
