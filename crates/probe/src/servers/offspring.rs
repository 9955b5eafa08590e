//! The processes that servers start for themselves.
//!
//! Each is the hosting program executed again with [`ENTRY`] and a role. A daemon takes two steps,
//! as it does everywhere: a process that opens a session and leaves at once, and the one it
//! started, which has lost its parent by then.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use super::roll::{Launch, Roll};
use super::{ENTRY, say};

/// No process of a server lives longer than this after it has lost its owner or has been started
/// as offspring. Longer than any check waits, short enough to clean a machine by itself.
pub const LIFETIME: Duration = Duration::from_secs(600);

/// What a server that stays says on stderr when its input has ended.
pub const STAYING: &str = "input ended; staying";

/// How a child in the server's own process group is entered in the roll.
pub const HELPER: &str = "helper-child";

/// How a process in a session of its own is entered in the roll.
pub const ESCAPED: &str = "escaped";

/// Name under which a daemon hides: that of a kernel thread.
const INNOCUOUS: &str = "kworker/0:1";

/// What offspring keeps open of the server that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Nothing: no pipe, no working directory, no environment.
    Nothing,
    /// All three standard streams.
    Pipes,
}

/// Parts that a process started by a server can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Does nothing for [`LIFETIME`], under its own name.
    Rest,
    /// Does nothing for [`LIFETIME`], under a name that draws no attention.
    Hide,
    /// Opens a session, starts [`Role::Hide`] with nothing open, and leaves.
    LeaveNothing,
    /// Opens a session, starts [`Role::Rest`] with the streams open, and leaves.
    LeavePipes,
}

impl Role {
    /// The role that `name` stands for on a command line.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rest, Self::Hide, Self::LeaveNothing, Self::LeavePipes]
            .into_iter()
            .find(|role| role.name() == name)
    }

    /// The name of the role on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Hide => "hide",
            Self::LeaveNothing => "leave",
            Self::LeavePipes => "leave_pipes",
        }
    }
}

/// Plays a part in the calling process until it is over.
#[must_use]
pub fn play(role: Role, launch: &Launch) -> ExitCode {
    let done = match role {
        Role::Rest => {
            rest();
            Ok(())
        }
        Role::Hide => {
            let named = rustix::thread::set_name(c"kworker/0:1");
            rest();
            named.map_err(io::Error::from)
        }
        Role::LeaveNothing => leave(&launch.roll, Holds::Nothing),
        Role::LeavePipes => leave(&launch.roll, Holds::Pipes),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {error}", role.name()));
            ExitCode::FAILURE
        }
    }
}

/// Does nothing for [`LIFETIME`].
pub fn rest() {
    thread::sleep(LIFETIME);
}

/// The hosting program, about to be executed again as `name` with the roll handed on.
///
/// # Errors
/// The path of the running program can't be read.
pub fn again(name: &str, roll: &Roll) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(ENTRY).arg(name);
    roll.pass_on(&mut command);
    Ok(command)
}

/// Closes all three standard streams of a process that is about to be started.
pub fn silence(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

/// Starts a process and enters it in the roll.
///
/// # Errors
/// The process can't be started.
pub fn start(command: &mut Command, role: &str, roll: &Roll) -> io::Result<Child> {
    let child = command.spawn()?;
    roll.enter(role, child.id());
    Ok(child)
}

/// Starts a child in the caller's process group that holds none of its streams.
///
/// # Errors
/// The process can't be started.
pub fn helper(roll: &Roll) -> io::Result<Child> {
    let mut command = again(Role::Rest.name(), roll)?;
    start(silence(&mut command), HELPER, roll)
}

/// Starts a process that has neither parent nor session in common with the caller, and returns
/// once it exists and its parent is gone.
///
/// # Errors
/// One of the two processes can't be started.
pub fn daemon(roll: &Roll, holds: Holds) -> io::Result<()> {
    let step = match holds {
        Holds::Nothing => Role::LeaveNothing,
        Holds::Pipes => Role::LeavePipes,
    };
    let mut command = again(step.name(), roll)?;
    if holds == Holds::Nothing {
        silence(&mut command);
    }
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "the first step ended with {status}"
    )))
}

fn leave(roll: &Roll, holds: Holds) -> io::Result<()> {
    rustix::process::setsid()?;
    let mut command = match holds {
        Holds::Nothing => {
            let mut command = again(Role::Hide.name(), roll)?;
            silence(&mut command)
                .arg0(INNOCUOUS)
                .current_dir("/")
                .env_clear();
            command
        }
        Holds::Pipes => again(Role::Rest.name(), roll)?,
    };
    start(&mut command, ESCAPED, roll).map(drop)
}
