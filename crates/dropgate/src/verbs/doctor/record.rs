//! Where calls are recorded, and whether they can be.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use serde::Serialize;

use crate::config::Configured;
use crate::folders::no_folder;
use crate::verbs::run::plan_error::PlanError;

/// The place of journals that a run would use; none if it keeps none.
#[derive(Serialize)]
pub(super) struct Record {
    folder: Option<PathBuf>,
    /// Why nothing can be recorded there, and so no server would start.
    problem: Option<String>,
}

impl Record {
    /// Looks at the configured folder, or at the usual one.
    pub(super) fn planned(config: &Configured) -> Self {
        if config.file.journal.danger_off == Some(true) {
            return Self {
                folder: None,
                problem: None,
            };
        }
        let folder = config.journals();
        let problem = match &folder {
            Some(folder) => not_writable(folder),
            None => Some(PlanError::NoPlaceForJournal.to_string()),
        };
        Self { folder, problem }
    }

    pub(super) fn text(&self) -> String {
        match (&self.folder, &self.problem) {
            (Some(folder), None) => format!("journal      {}\n", folder.display()),
            (None, None) => "journal      none: journal.danger_off is set\n".to_owned(),
            (_, Some(why)) => format!("journal      CAN'T BE WRITTEN, so nothing starts: {why}\n"),
        }
    }
}

/// A run makes the folders that are missing, so the deepest one that is there decides.
fn not_writable(folder: &Path) -> Option<String> {
    if let Some(no_folder) = no_folder(folder) {
        return Some(format!("{} is no folder", no_folder.display()));
    }
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let allowed = Access::WRITE_OK | Access::EXEC_OK;
    access(there, allowed)
        .err()
        .map(|error| format!("{}: {error}", there.display()))
}
