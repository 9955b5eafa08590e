//! The two processes that a test puts above `dropgate run`.
//!
//! `join GROUP USER COMMAND…` enters a cgroup and becomes a user before it
//! executes the command; `-` leaves either as it is. `host pipes|lent
//! COMMAND…` is a host: with `pipes` it owns the streams of what it starts and
//! copies them, so that its end is an end of input; with `lent` it hands on its
//! own, so that nothing but its end can be noticed.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["join", group, user, program, rest @ ..] => join(group, user, command(program, rest)),
        ["host", "pipes", program, rest @ ..] => own_pipes(command(program, rest)),
        ["host", "lent", program, rest @ ..] => lend(command(program, rest)),
        _unknown => Err("use `join GROUP USER COMMAND…` or `host pipes|lent COMMAND…`".into()),
    }
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn join(group: &str, user: &str, mut command: Command) -> Result<ExitCode, Box<dyn Error>> {
    if group != "-" {
        let own = std::process::id().to_string();
        std::fs::write(Path::new(group).join("cgroup.procs"), own)?;
    }
    if user != "-" {
        let user = user.parse()?;
        command.uid(user).gid(user);
    }
    Err(command.exec().into())
}

fn own_pipes(mut command: Command) -> Result<ExitCode, Box<dyn Error>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the child has no pipes".into());
    };
    // Detached on purpose: it may read on for ever, and ends with the process.
    let _copier = thread::spawn(move || io::copy(&mut io::stdin().lock(), &mut stdin));
    io::copy(&mut stdout, &mut io::stdout().lock())?;
    end_like(child)
}

fn lend(mut command: Command) -> Result<ExitCode, Box<dyn Error>> {
    end_like(command.spawn()?)
}

fn end_like(mut child: Child) -> Result<ExitCode, Box<dyn Error>> {
    Ok(ExitCode::from(code(child.wait()?)))
}

/// The code that a shell would report.
fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
