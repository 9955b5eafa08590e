//! What the hostile servers share: one conversation with their departures from the usual one.

use std::io;
use std::process::ExitCode;

use dropgate_probe::servers::protocol::{self, End, Manners, Peer};
use dropgate_probe::servers::roll::Launch;
use dropgate_probe::servers::tools::{self, Tool};
use dropgate_probe::servers::{AtEof, conclude};

/// Why a server could not start.
#[derive(Debug)]
pub enum Failure {
    /// Its arguments are wrong; the text says which and how.
    Usage(String),
    /// The system refused something.
    System(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Usage(problem)
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.into())
    }
}

/// How a named server or one of its processes is run.
pub(crate) type Act = fn(&Launch) -> Result<ExitCode, Failure>;

/// Enters the server in the roll and talks until the conversation ends.
pub(crate) fn talk(
    name: &str,
    launch: &Launch,
    more: impl FnOnce(&Peer) -> Vec<Tool>,
    manners: &mut dyn Manners,
) -> End {
    launch.roll.enter_self(name);
    let peer = Peer::stdout();
    let mut tools = tools::standard(&peer);
    tools.extend(more(&peer));
    protocol::serve(&mut io::stdin().lock(), &peer, &tools, manners)
}

/// A conversation that ends the server with it.
pub(crate) fn talk_and_exit(name: &str, launch: &Launch, manners: &mut dyn Manners) -> ExitCode {
    conclude(talk(name, launch, no_tools, manners), AtEof::Exit)
}

/// No tools beyond the standard ones.
pub(crate) fn no_tools(_: &Peer) -> Vec<Tool> {
    Vec::new()
}
