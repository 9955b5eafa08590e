//! A program that prints a secret, owned as any other: nothing of it stays.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use dropgate_process::environment::Withdrawn;
use dropgate_process::hidden::Hidden;
use dropgate_process::{Containment, Departure, Endowment, Exit, Grace, Orphans, Spec, Way};
use rustix::event::PollFlags;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::secret::{MAX_SECRET, Secret, Value};

/// How long the program may take; some ask their user.
pub(crate) const COMMAND_WITHIN: Duration = Duration::from_secs(30);
/// For a program of which nothing is wanted any more.
const NO_GRACE: Grace = Grace {
    term_after: Duration::ZERO,
    kill_after: Duration::from_millis(100),
};
const GRACE: Grace = Grace {
    term_after: Duration::from_millis(500),
    kill_after: Duration::from_secs(1),
};

/// Runs the program with the environment that the host gave, and reads what it writes.
pub(super) fn read(
    argv: &[OsString],
    hidden: &Withdrawn,
    until: Instant,
    departure: &Departure,
) -> Result<Secret<Value>, String> {
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
    let until = until.min(Instant::now() + COMMAND_WITHIN);
    let value = value(&ours, until, departure);
    let stopped = spawned.tree.stop(match departure.has_come() {
        None => GRACE,
        Some(_) => NO_GRACE,
    });
    match stopped.leader {
        Some(Exit::Code(0)) | None => value,
        Some(Exit::Code(code)) => Err(format!("it ended with code {code}")),
        Some(Exit::Signal(signal)) => match value {
            Ok(_) => Err(format!("it was ended by signal {signal}")),
            Err(why) => Err(why),
        },
    }
}

fn value(from: &OwnedFd, until: Instant, departure: &Departure) -> Result<Secret<Value>, String> {
    let mut memory = Hidden::new(MAX_SECRET + 1).map_err(|error| error.to_string())?;
    let mut length = 0;
    loop {
        let waited = departure.wait(from.as_fd(), PollFlags::IN, until);
        waited.map_err(|error| {
            if error.kind() == ErrorKind::TimedOut {
                let limit = COMMAND_WITHIN.as_secs();
                format!("it did not end its output within {limit} s")
            } else {
                error.to_string()
            }
        })?;
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
        .and_then(Secret::without_line_end)
        .map_err(|error| format!("what it wrote: {error}"))
}
