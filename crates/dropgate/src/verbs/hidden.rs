//! Entries that are no verbs: this program started again by itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use dropgate_probe::servers::{self, host};

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

/// Does what a run that died left undone: its leases end, its journal gets an end. Bounded, since
/// nobody waits. Standard input is the memory that the run left for this, if it left any.
pub(crate) fn close(arguments: &[OsString]) -> ExitCode {
    const WITHIN: Duration = Duration::from_secs(2);
    /// The rest is for the journal.
    const LEASES_WITHIN: Duration = Duration::from_millis(1200);
    let arguments = arguments.to_vec();
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || {
        let memory = rustix::stdio::stdin().try_clone_to_owned();
        let ended = memory.and_then(|memory| dropgate_secrets::close(memory, LEASES_WITHIN));
        // Without secrets there is no memory.
        let ended = ended.unwrap_or_default();
        let [folder, chain] = arguments.as_slice() else {
            return done.send(Ok(()));
        };
        let chain = chain.to_string_lossy();
        done.send(dropgate_relay::close(Path::new(folder), &chain, &ended))
    });
    match finished.recv_timeout(WITHIN) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        // The next start of the server finishes the journal; nobody reads an error here.
        Ok(Err(_)) | Err(_) => ExitCode::from(exit::CAN_NOT_WRITE),
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
