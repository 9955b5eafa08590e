//! `[authorize]`: files become policies.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dropgate_gate::decision::Principal;
use dropgate_policy::{
    CedarPolicies, Complaints, DecisionPoint, PointRefused, PointSettings, Policies, PolicyFile,
    RestSettings,
};

use crate::bounded::{self, NotRead, Pipes};
use crate::config::Configured;

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
    #[error("authorize.cedar: {path} is not UTF-8 text")]
    NotText { path: PathBuf },
}

/// Who may call what.
///
/// # Errors
/// When a policy can't be read or is not right.
pub(crate) fn policies(
    config: &Configured,
    server: &str,
) -> Result<(Policies, Principal), PolicyError> {
    let Some(file) = &config.file.authorize else {
        return Ok((Policies::local_owner(), Principal::local()));
    };
    let principal = match &file.principal {
        Some(name) => Principal::named(name)?,
        None => Principal::local(),
    };
    let cedar = match cedar(config)? {
        None => None,
        Some(files) => Some(CedarPolicies::load(server, &files, MAX_STALE)?),
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

/// The texts of the Cedar policies; none where no such policies decide.
///
/// # Errors
/// When one can't be read.
pub(super) fn cedar(config: &Configured) -> Result<Option<Vec<PolicyFile>>, PolicyError> {
    let file = config.file.authorize.as_ref();
    match file.map(|file| file.cedar.as_slice()) {
        None | Some([]) => Ok(None),
        Some(patterns) => policy_files(patterns, config).map(Some),
    }
}

fn policy_files(patterns: &[String], config: &Configured) -> Result<Vec<PolicyFile>, PolicyError> {
    let mut files = Vec::new();
    for pattern in patterns {
        for path in matching(pattern, &config.folder)? {
            if files.len() == MAX_FILES {
                return Err(PolicyError::TooMany);
            }
            files.push(policy_file(path, config.pipes)?);
        }
    }
    Ok(files)
}

fn policy_file(path: PathBuf, pipes: Pipes) -> Result<PolicyFile, PolicyError> {
    let name = path.display().to_string();
    match bounded::read_with(pipes, &path, MAX_FILE).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(PolicyFile { name, text }),
        Ok(Err(_)) => Err(PolicyError::NotText { path }),
        Err(NotRead::System(why)) => Err(PolicyError::Unreadable { path, why }),
        Err(NotRead::TooLarge(_)) => Err(PolicyError::TooLarge { path }),
    }
}

/// The files that a pattern names, in the order of their names. Only its last part may hold `*`.
fn matching(pattern: &str, folder: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let path = folder.join(pattern);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.contains('*') {
        return Ok(vec![path]);
    }
    // The parent of a bare name is empty, which is no folder that can be read.
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
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
