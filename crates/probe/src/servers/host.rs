//! The stand-in for a host application: starts one program and waits for it.
//!
//! A check needs a host of its own because one of the endings is the host's death, and because a
//! program must not see the checking process, with all its descriptors, as its parent.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};

use super::refuse;

/// First argument that leads a hosting program to [`run_host`].
pub const HOST_ENTRY: &str = "__host";

/// Exit code when the program could not be started, as a shell gives it.
const EXIT_NOT_STARTED: u8 = 127;

/// What became of the start, as the file of [`run_host`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The program runs under this pid.
    Pid(i32),
    /// The system refused to start it, for this reason.
    Failed(String),
}

impl Start {
    /// Reads the file of [`run_host`]; nothing while it is not written.
    #[must_use]
    pub fn read(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        match text.split_once(' ')? {
            ("pid", pid) => pid.parse().ok().map(Self::Pid),
            ("failed", why) => Some(Self::Failed(why.to_owned())),
            _ => None,
        }
    }

    /// Writes the file in one step, so that nobody reads half of it.
    fn write(&self, file: &Path) -> io::Result<()> {
        let text = match self {
            Self::Pid(pid) => format!("pid {pid}"),
            Self::Failed(why) => format!("failed {why}"),
        };
        let mut draft = file.as_os_str().to_owned();
        draft.push(".draft");
        fs::write(&draft, text)?;
        fs::rename(&draft, file)
    }
}

/// Starts a program on this process's standard streams, gives up its own hold on them, and ends
/// as the program does: with its code, or with 128 and the number of the signal that ended it.
///
/// `args` are the path of a file, in which [`Start`] is told, and the program with its arguments.
#[must_use]
pub fn run_host(args: &[OsString]) -> ExitCode {
    let [file, program, rest @ ..] = args else {
        return refuse("a host needs the path of a file and a program after it");
    };
    let file = PathBuf::from(file);
    match begin(program, rest, &file).and_then(|mut child| child.wait()) {
        Ok(status) => ExitCode::from(code(status)),
        Err(error) => {
            let advice = dropgate_process::what_to_do(program, &error);
            let _nobody_reads = Start::Failed(format!("{error}{advice}")).write(&file);
            ExitCode::from(EXIT_NOT_STARTED)
        }
    }
}

fn begin(program: &OsStr, args: &[OsString], file: &Path) -> io::Result<Child> {
    let mut child = Command::new(program).args(args).spawn()?;
    let told = let_go().and_then(|()| {
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        Start::Pid(pid).write(file)
    });
    if let Err(error) = told {
        // A program that nobody was told of can not be checked.
        child.kill()?;
        child.wait()?;
        return Err(error);
    }
    Ok(child)
}

/// The end of a stream must depend on the program alone.
fn let_go() -> io::Result<()> {
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
