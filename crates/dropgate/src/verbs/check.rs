//! `dropgate check`: says whether a configuration would be taken, and what it weakens.

use std::process::ExitCode;

use crate::cli::{CheckArgs, Print};
use crate::{config, exit, output};

/// Reads the file as a start would, and tells the verdict.
pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    match args.print {
        Some(Print::Schema) => {
            output::print(&config::reference::schema());
            return ExitCode::SUCCESS;
        }
        Some(Print::Reference) => {
            output::print(&config::reference::page());
            return ExitCode::SUCCESS;
        }
        None => {}
    }
    match config::load(&args.file) {
        Ok(config) => {
            let mut verdict = format!("{}: would be taken", args.file.display());
            for key in config::weakenings(&config) {
                verdict.push_str(&format!("\nweakened by {key}"));
            }
            output::print(&verdict);
            ExitCode::SUCCESS
        }
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(exit::REFUSED)
        }
    }
}
