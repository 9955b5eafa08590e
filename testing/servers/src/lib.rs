//! Misbehaving MCP servers for the tests: the servers of `dropgate_probe::servers`, and hostile
//! ones that try to escape, to outlive or to hurt their owner.
//!
//! [`HOSTILE`] says what each does and what it leaves behind when nobody owns it. [`Muster`] finds
//! and ends every process of a run. `deny LIST -- CMD…` starts a command without some kernel
//! facilities (see [`deny`]).
#![forbid(unsafe_code)]

pub mod deny;
mod kin;
mod lines;
mod manners;
mod muster;
mod pace;
mod regicide;
mod stage;
mod swarm;
mod table;
mod witness;

use std::process::ExitCode;

use dropgate_probe::servers::roll::Launch;
use dropgate_probe::servers::{self, ENTRY, refuse, say};

pub use self::lines::{Lines, MAX_LINE};
pub use self::muster::{Entry, Muster};
pub use self::regicide::STRIKE;
pub use self::stage::Failure;
pub use self::table::{Bare, Ending, HOSTILE, Hostile};

/// Runs what the arguments of the program name; [`ENTRY`] in front is accepted and means nothing.
#[must_use]
pub fn run(args: &[String]) -> ExitCode {
    let args = match args.split_first() {
        Some((first, rest)) if first == ENTRY => rest,
        Some(_) | None => args,
    };
    let Some((name, rest)) = args.split_first() else {
        let hostile: Vec<_> = HOSTILE.iter().map(|row| row.name).collect();
        return refuse(&format!(
            "name a server: {}, {}; or deny LIST -- CMD",
            servers::names().join(", "),
            hostile.join(", ")
        ));
    };
    if name == deny::NAME {
        return conclude(name, deny::run(rest));
    }
    match table::play(name) {
        Some(act) => conclude(
            name,
            Launch::parse(rest)
                .map_err(Failure::Usage)
                .and_then(|launch| act(&launch)),
        ),
        None => servers::run(name, rest),
    }
}

fn conclude(name: &str, done: Result<ExitCode, Failure>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(Failure::Usage(problem)) => refuse(&format!("{name}: {problem}")),
        Err(Failure::System(error)) => {
            say(&format!("{name}: {error}"));
            ExitCode::FAILURE
        }
    }
}
