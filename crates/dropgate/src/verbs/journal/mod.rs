//! `dropgate journal`: verify, show, export, and what became of a call.

mod export;
mod outcome;
pub(crate) mod place;
pub(crate) mod show;
pub(crate) mod verify;

use std::process::ExitCode;

use dropgate_journal::{FolderError, PartError};

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
            Problem::NoPlace
            | Problem::NoJournal(_)
            | Problem::NoChain(_)
            | Problem::WhichJournal
            | Problem::NoKey(_)
            | Problem::NoPart(..)
            | Problem::Part(PartError::NoChain(_) | PartError::WhichChain(_)) => exit::USAGE,
            Problem::Folder(error) | Problem::Part(PartError::Folder(error)) => {
                exit::of_folder_error(&error)
            }
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
    #[error("no journal here has a chain {0}; `journal verify` names those that there are")]
    NoChain(String),
    #[error("records are numbered in each chain: name the journal, or a chain by --chain")]
    WhichJournal,
    #[error(
        "{0} has no key, so no hash in it can be told; look in the journal itself, not in a copy"
    )]
    NoKey(String),
    #[error("there is no record from {0} to {1}: --to must not come before --from")]
    NoPart(u64, u64),
    #[error(transparent)]
    Part(#[from] PartError),
    #[error(transparent)]
    Folder(#[from] FolderError),
}
