//! `[authorize]` and `[tools] pin`: files become policies and pins.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dropgate_gate::decision::Principal;
use dropgate_gate::pins::{self, PinStore, Pins, StoreUnreadable};
use dropgate_policy::{
    CedarPolicies, Complaints, DecisionPoint, PointRefused, PointSettings, Policies, PolicyFile,
    RestSettings, sha256,
};
use dropgate_relay::PinnedTools;

use crate::config::written::{Authorize, Pin};

/// A set of policies that could not be read again stays in force this long.
const MAX_STALE: Duration = Duration::from_secs(24 * 3600);
/// The most files of policies, and the largest one, bytes.
const MAX_FILES: usize = 1024;
const MAX_FILE: u64 = 4 << 20;

/// Why the policies or pins can't be used; nothing is started then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("authorize.cedar: {path}: {why}")]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("authorize.cedar: no file fits {pattern}")]
    NoFile { pattern: String },
    #[error("authorize.cedar: more than {MAX_FILES} files")]
    TooMany,
    #[error("authorize.cedar: {path} is larger than 4 MiB")]
    TooLarge { path: PathBuf },
    #[error("authorize.cedar: {0}")]
    Cedar(#[from] Complaints),
    #[error("authorize.authzen: {0}")]
    Point(#[from] PointRefused),
    #[error("authorize.principal: {0}")]
    Principal(#[from] dropgate_gate::decision::Unnamed),
    #[error("authorize has neither cedar nor authzen: name one, or leave the table out")]
    Empty,
    #[error("{path}: {why}")]
    Pins { path: PathBuf, why: StoreUnreadable },
    #[error("{path}: {why}")]
    PinsUnreadable { path: PathBuf, why: io::Error },
}

/// Who may call what.
///
/// # Errors
/// When a policy can't be read or is not right.
pub(crate) fn policies(
    file: Option<&Authorize>,
    folder: &Path,
    server: &str,
) -> Result<(Policies, Principal), PolicyError> {
    let Some(file) = file else {
        return Ok((Policies::local_owner(), Principal::local()));
    };
    let principal = match &file.principal {
        Some(name) => Principal::named(name)?,
        None => Principal::local(),
    };
    let cedar = match file.cedar.as_slice() {
        [] => None,
        patterns => Some(CedarPolicies::load(
            server,
            &policy_files(patterns, folder)?,
            MAX_STALE,
        )?),
    };
    let point = match &file.authzen {
        None => None,
        Some(authzen) => Some(DecisionPoint::new(&PointSettings {
            url: authzen.url.clone(),
            timeout: authzen
                .timeout
                .map_or(dropgate_policy::MAX_TIMEOUT, |time| time.0),
            extra_roots: Vec::new(),
            rest: RestSettings::default(),
            server: server.to_owned(),
        })?),
    };
    let policies = match (cedar, point) {
        (Some(cedar), Some(point)) => Policies::both(cedar, point),
        (Some(cedar), None) => Policies::cedar(cedar),
        (None, Some(point)) => Policies::decision_point(point),
        (None, None) => return Err(PolicyError::Empty),
    };
    Ok((policies, principal))
}

fn policy_files(patterns: &[String], folder: &Path) -> Result<Vec<PolicyFile>, PolicyError> {
    let mut files = Vec::new();
    for pattern in patterns {
        for path in matching(pattern, folder)? {
            if files.len() == MAX_FILES {
                return Err(PolicyError::TooMany);
            }
            let unreadable = |why| PolicyError::Unreadable {
                path: path.clone(),
                why,
            };
            if fs::metadata(&path).map_err(unreadable)?.len() > MAX_FILE {
                return Err(PolicyError::TooLarge { path });
            }
            files.push(PolicyFile {
                name: path.display().to_string(),
                text: fs::read_to_string(&path).map_err(unreadable)?,
            });
        }
    }
    Ok(files)
}

/// The files that a pattern names, in the order of their names. Only its last part may hold `*`.
fn matching(pattern: &str, folder: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let path = folder.join(pattern);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.contains('*') {
        return Ok(vec![path]);
    }
    let parent = path.parent().unwrap_or(folder);
    let fits = dropgate_relay::ToolPattern::new(&name);
    let listed = fs::read_dir(parent).map_err(|why| PolicyError::Unreadable {
        path: parent.to_owned(),
        why,
    })?;
    let mut found: Vec<PathBuf> = listed
        .filter_map(Result::ok)
        .filter(|entry| fits.matches(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(PolicyError::NoFile {
            pattern: pattern.to_owned(),
        });
    }
    Ok(found)
}

/// What was pinned of a server's tools, kept in `path`.
///
/// # Errors
/// When the file is there and can't be read, or is not such a file.
pub(crate) fn pinned(mode: Option<Pin>, path: PathBuf) -> Result<Option<PinnedTools>, PolicyError> {
    let mode = match mode {
        Some(Pin::Off) => return Ok(None),
        Some(Pin::Warn) | None => pins::Mode::Warn,
        Some(Pin::Enforce) => pins::Mode::Enforce,
    };
    let store = match fs::read(&path) {
        Ok(text) => PinStore::from_json(&text, sha256).map_err(|why| PolicyError::Pins {
            path: path.clone(),
            why,
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => PinStore::new(),
        Err(why) => return Err(PolicyError::PinsUnreadable { path, why }),
    };
    let place = path.clone();
    Ok(Some(PinnedTools {
        pins: Pins::new(mode, store),
        write: Box::new(move |store| write_whole(&place, store)),
        path,
    }))
}

/// Writes a store beside its place and moves it there, so that a crash leaves the old or the new.
pub(crate) fn write_whole(path: &Path, store: &PinStore) -> io::Result<()> {
    let json = store.to_json().map_err(io::Error::other)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    let written = file
        .write_all(json.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _leftover = fs::remove_file(&beside);
    }
    written
}
