//! A program that prints a secret, owned as any other: nothing of it stays.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use dropgate_process::environment::Withdrawn;
use dropgate_process::hidden::Hidden;
use dropgate_process::{Containment, Endowment, Exit, Grace, Orphans, Spec, Way};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::secret::{MAX_SECRET, Secret, Value};

/// How long the program may take; some ask their user.
pub(crate) const COMMAND_WITHIN: Duration = Duration::from_secs(30);
const GRACE: Grace = Grace {
    term_after: Duration::from_millis(500),
    kill_after: Duration::from_secs(1),
};

/// Runs the program with the environment that the host gave, and reads what it writes.
pub(super) fn read(argv: &[OsString], hidden: &Withdrawn) -> Result<Secret<Value>, String> {
    let said = |error: std::io::Error| error.to_string();
    let (program, arguments) = argv.split_first().ok_or("it is empty")?;
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| error.to_string())?;
    let null = File::open("/dev/null").map_err(said)?;
    let stderr = rustix::stdio::stderr().try_clone_to_owned().map_err(said)?;
    let given: Vec<(Way, &OsStr, &[u8])> = hidden
        .variables()
        .map(|(name, value)| (Way::Variable, OsStr::from_bytes(name), value))
        .collect();
    let spawned = Spec::new(program)
        .args(arguments)
        .containment(Containment::Auto)
        .orphans(Orphans::Adopt)
        .streams(null.into(), theirs, stderr)
        .endow(Endowment::pack(&given).map_err(said)?)
        .spawn()
        .map_err(|error| error.to_string())?;
    let value = value(&ours, Instant::now() + COMMAND_WITHIN);
    let stopped = spawned.tree.stop(GRACE);
    match stopped.leader {
        Some(Exit::Code(0)) | None => value,
        Some(Exit::Code(code)) => Err(format!("it ended with code {code}")),
        Some(Exit::Signal(signal)) => match value {
            Ok(_) => Err(format!("it was ended by signal {signal}")),
            Err(why) => Err(why),
        },
    }
}

fn value(from: &OwnedFd, until: Instant) -> Result<Secret<Value>, String> {
    let mut memory = Hidden::new(MAX_SECRET + 1).map_err(|error| error.to_string())?;
    let mut length = 0;
    loop {
        await_more(from, until)?;
        let free = memory.as_mut_slice().get_mut(length..).unwrap_or_default();
        match rustix::io::read(from, free) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    let value = memory.as_slice().get(..length).unwrap_or_default();
    Secret::of_parts(&[value])
        .map(Secret::without_line_end)
        .map_err(|error| format!("what it wrote: {error}"))
}

fn await_more(from: &OwnedFd, until: Instant) -> Result<(), String> {
    let late = || {
        format!(
            "it did not end its output within {} s",
            COMMAND_WITHIN.as_secs()
        )
    };
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).map_err(|error| error.to_string())?;
    let mut fds = [PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(0) => Err(late()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
