//! `dropgate journal`: verify, show, export, and what became of a call.

mod export;
mod outcome;
pub(crate) mod place;
pub(crate) mod show;
pub(crate) mod verify;

use std::process::ExitCode;

use dropgate_journal::FolderError;

use crate::cli::{JournalArgs, JournalVerb};
use crate::{exit, output};

/// Does what was asked for.
pub(crate) fn run(args: &JournalArgs) -> ExitCode {
    let done = match &args.ask {
        JournalVerb::Verify(args) => verify::run(args),
        JournalVerb::Show(args) => show::run(args),
        JournalVerb::Export(args) => export::run(args),
        JournalVerb::Outcome(args) => outcome::run(args),
    };
    done.unwrap_or_else(|problem| {
        output::complain(&problem.to_string());
        ExitCode::from(match problem {
            Problem::NoPlace | Problem::NoJournal(_) => exit::USAGE,
            Problem::Folder(error) => exit::of_folder_error(&error),
        })
    })
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("there is no place for journals: set XDG_STATE_HOME or HOME, or give --dir")]
    NoPlace,
    #[error("there is no journal in {0}; name a server that ran, or give --dir")]
    NoJournal(String),
    #[error(transparent)]
    Folder(#[from] FolderError),
}
