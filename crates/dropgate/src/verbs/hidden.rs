//! Entries that are no verbs: this program started again by itself.

use std::ffi::OsString;
use std::process::ExitCode;

use dropgate_probe::servers::{self, host};

/// The program that `doctor` starts to try a level: it does nothing.
pub(crate) const NOTHING: &str = "__nothing";

/// Runs the entry that the arguments name, if they name one.
pub(crate) fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let entry = arguments.first()?.to_str()?;
    match entry {
        NOTHING => Some(ExitCode::SUCCESS),
        host::HOST_ENTRY => Some(host::run_host(arguments.get(1..).unwrap_or_default())),
        servers::ENTRY => Some(serve(arguments)),
        _a_verb => None,
    }
}

/// One of the misbehaving servers that `probe` and `demo` start.
fn serve(arguments: &[OsString]) -> ExitCode {
    let mut words = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    let name = words.next().unwrap_or_default();
    servers::run(&name, &words.collect::<Vec<_>>())
}
