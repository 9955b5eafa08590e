//! Completions and the man page, from the definition of the flags.

use std::process::ExitCode;

use crate::cli::CompletionsArgs;
use crate::{cli, exit, output};

/// Prints the completions of one shell.
pub(crate) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::definition(), "dropgate", &mut script);
    output::print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// Prints the man page.
pub(crate) fn man() -> ExitCode {
    let mut page = Vec::new();
    if let Err(error) = clap_mangen::Man::new(cli::definition()).render(&mut page) {
        output::complain(&format!("can not make the man page: {error}"));
        return ExitCode::from(exit::INTERNAL);
    }
    output::print(&String::from_utf8_lossy(&page));
    ExitCode::SUCCESS
}
