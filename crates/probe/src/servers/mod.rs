//! Misbehaving MCP stdio servers that ship inside the program, for `probe` and `demo`.
//!
//! A program that hosts them calls [`run`] when its first argument is [`ENTRY`]; the rest of the
//! arguments are a name of [`SERVERS`] and its options. The servers are synchronous, use no SDK
//! and start in a few milliseconds, so that what a check measures is the owner and not the server.
//!
//! Option of every server: `--pids FILE` appends one line to FILE for each process of the run (see
//! [`roll`]). The option travels to every process that a server starts, so FILE also marks their
//! command lines. No environment variable is used, since some of the processes clear theirs.
//!
//! No process of a server outlives [`offspring::LIFETIME`], whatever becomes of its owner.
#![forbid(unsafe_code)]

pub mod failure_text;
pub mod host;
pub mod offspring;
pub mod protocol;
mod report;
pub mod roll;
mod scenario;
pub mod signals;
mod table;
pub mod tools;

use std::io::{self, Write};
use std::process::ExitCode;

use self::protocol::{End, Peer, Usual};
use self::roll::Launch;
pub use self::scenario::{BEHAVIOURS, SCENARIOS, Scenario, Shape, ToolCall};
pub use self::table::{AtEof, Company, SERVERS, Server};

/// First argument that leads a hosting program to [`run`].
pub const ENTRY: &str = "__server";

/// Exit code for a name or an option that is not known (`EX_USAGE`).
pub const EXIT_USAGE: u8 = 64;

/// Exit code of a server whose standard output can't be written.
pub const EXIT_BROKEN_PIPE: u8 = 1;

/// Names that [`run`] accepts, in the order of [`SERVERS`].
#[must_use]
pub fn names() -> &'static [&'static str] {
    &table::NAMES
}

/// Runs the server `name` on this process's standard streams and returns when it ends.
///
/// An unknown name or a wrong option is told on stderr and gives [`EXIT_USAGE`]. The names of the
/// processes that servers start for themselves are accepted too, and are not part of the API.
#[must_use]
pub fn run(name: &str, args: &[String]) -> ExitCode {
    let launch = match Launch::parse(args) {
        Ok(launch) => launch,
        Err(problem) => return refuse(&problem),
    };
    if let Some(role) = offspring::Role::named(name) {
        return offspring::play(role, &launch);
    }
    match SERVERS.iter().find(|server| server.name == name) {
        Some(server) => serve(server, &launch),
        None => refuse(&format!(
            "no server is called {name:?}; choose one of: {}",
            names().join(", ")
        )),
    }
}

/// Tells on stderr why a server can't start and gives [`EXIT_USAGE`].
#[must_use]
pub fn refuse(problem: &str) -> ExitCode {
    say(problem);
    ExitCode::from(EXIT_USAGE)
}

/// Writes one line to stderr. A stderr that nobody reads must not change what a server does.
pub fn say(line: &str) {
    let _reader_gone = writeln!(io::stderr().lock(), "{line}");
}

fn serve(server: &Server, launch: &Launch) -> ExitCode {
    if let Err(error) = prepare(server, launch) {
        say(&format!("{}: can't start: {error}", server.name));
        return ExitCode::FAILURE;
    }
    let peer = Peer::stdout();
    let end = protocol::serve(
        &mut io::stdin().lock(),
        &peer,
        &tools::standard(&peer),
        &mut Usual,
    );
    conclude(end, server.at_eof)
}

fn prepare(server: &Server, launch: &Launch) -> io::Result<()> {
    signals::ignore(server.ignores)?;
    launch.roll.enter_self(server.name);
    match server.company {
        Company::Alone => Ok(()),
        Company::Helper => offspring::helper(&launch.roll).map(drop),
        Company::Daemon => offspring::daemon(&launch.roll, offspring::Holds::Nothing),
    }
}

/// What a server does when its conversation is over: ends, or stays for [`offspring::LIFETIME`].
#[must_use]
pub fn conclude(end: End, at_eof: AtEof) -> ExitCode {
    match (end, at_eof) {
        (End::Left(code), AtEof::Exit | AtEof::Stay) => ExitCode::from(code),
        (End::Eof, AtEof::Exit) => ExitCode::SUCCESS,
        (End::Broken, AtEof::Exit) => ExitCode::from(EXIT_BROKEN_PIPE),
        (End::Eof | End::Broken, AtEof::Stay) => {
            say(offspring::STAYING);
            offspring::rest();
            ExitCode::SUCCESS
        }
    }
}
