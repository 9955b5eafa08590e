//! One file a verb.

#[cfg(feature = "audit")]
mod audit;
mod check;
mod completions;
mod demo;
mod doctor;
pub(crate) mod hidden;
mod journal;
mod probe;
mod reap;
mod run;
pub(crate) mod trust;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::Verb;
use crate::{exit, output};

/// Does what was asked for.
pub(crate) fn run(verb: Verb) -> ExitCode {
    match verb {
        Verb::Run(args) => run::run(args),
        Verb::Probe(args) => probe::run(args),
        #[cfg(feature = "audit")]
        Verb::Audit(args) => audit::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Demo => demo::run(),
        Verb::Journal(args) => journal::run(&args),
        Verb::Reap(args) => reap::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Trust(args) => trust::run(&args),
        Verb::Completions(args) => completions::completions(&args),
        Verb::Man => completions::man(),
    }
}

/// Says what is wrong with the command line, of which these are the arguments.
pub(crate) fn misused(arguments: &[OsString], line: &str) -> ExitCode {
    if arguments.first().is_some_and(|verb| verb == "run") {
        return run::misused(line);
    }
    output::complain(line);
    ExitCode::from(exit::USAGE)
}
