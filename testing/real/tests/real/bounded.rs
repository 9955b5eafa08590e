//! Programs that a test needs to end before it goes on.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::truth::Process;

/// Runs a program to its end, or kills it at the limit and fails the test.
pub(crate) fn run(mut command: Command, limit: Duration) -> std::io::Result<ExitStatus> {
    let mut child = command.stdin(Stdio::null()).spawn()?;
    let pid = i32::try_from(child.id()).expect("a pid is small");
    let over = Process::of(pid).is_none_or(|process| process.await_end(Instant::now() + limit));
    if !over {
        child.kill()?;
    }
    let status = child.wait()?;
    assert!(over, "{command:?} took more than {limit:?}");
    Ok(status)
}
