//! Entries that are no verbs: this program started again by itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use dropgate_probe::servers::{self, host};
use dropgate_secrets::LeaseEnd;

use crate::exit;

/// The program that `doctor` starts to try a level: it does nothing.
pub(crate) const NOTHING: &str = "__nothing";

/// Runs the entry that the arguments name, if they name one.
pub(crate) fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let entry = arguments.first()?.to_str()?;
    match entry {
        NOTHING => Some(ExitCode::SUCCESS),
        host::HOST_ENTRY => Some(host::run_host(arguments.get(1..).unwrap_or_default())),
        servers::ENTRY => Some(serve(arguments)),
        _a_verb => None,
    }
}

/// Does what a run that died left undone: its leases end, its journal gets an end. Standard input is
/// the memory that the run left for this, if it left any.
///
/// The journal takes the time that reading its last segment takes, which has a limit in bytes; a disk
/// that refuses the seal is given up after a second.
pub(crate) fn close(arguments: &[OsString]) -> ExitCode {
    let ended = end_leases();
    let [folder, chain] = arguments else {
        return ExitCode::SUCCESS;
    };
    match dropgate_relay::close(Path::new(folder), &chain.to_string_lossy(), &ended) {
        Ok(()) => ExitCode::SUCCESS,
        // The next start of the server finishes the journal; nobody reads an error here.
        Err(_) => ExitCode::from(exit::CAN_NOT_WRITE),
    }
}

/// What became of the leases. A network that holds this up does not hold up the journal.
fn end_leases() -> Vec<LeaseEnd> {
    const WITHIN: Duration = Duration::from_millis(1200);
    /// Looking a name up has no bound of its own.
    const AT_MOST: Duration = Duration::from_secs(2);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let memory = rustix::stdio::stdin().try_clone_to_owned();
        tell.send(memory.and_then(|memory| dropgate_secrets::close(memory, WITHIN)))
    });
    match told.recv_timeout(AT_MOST) {
        Ok(Ok(ended)) => ended,
        // Without secrets there is no memory. What is not known to have ended is for the next start.
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// One of the misbehaving servers that `probe` and `demo` start.
fn serve(arguments: &[OsString]) -> ExitCode {
    let mut words = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    let name = words.next().unwrap_or_default();
    servers::run(&name, &words.collect::<Vec<_>>())
}
