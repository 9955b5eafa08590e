//! The child that becomes the server: everything between fork and exec.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::setpgid;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::endowment::Endowment;
use crate::hardening::CoreLimit;
use crate::mark::Mark;
use crate::sys;

/// What to start, and with which standard streams.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) argv: Vec<CString>,
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// What only the server may read.
    pub(crate) endowment: Option<OwnedFd>,
    pub(crate) core: CoreLimit,
}

/// The pipes by which the blocked child is released and its exec observed.
pub(crate) struct Gates {
    /// One byte lets the child go on; its end without a byte ends the child.
    pub(crate) go: OwnedFd,
    /// Closed by a successful exec, or told the errno of a failed one.
    pub(crate) exec: OwnedFd,
}

/// Whether the server carries the limit that proves it ours after the guard
/// and the wrapper are dead. Levels that end with their owner need none.
#[derive(Clone, Copy)]
pub(crate) enum Marking<'a> {
    Limit(&'a Mark),
    None,
}

/// Waits for the word to go, then becomes the server. Never returns.
///
/// The server keeps the wrapper's session, so that what depends on the
/// terminal works as without us, but has a process group of its own: a Ctrl-C
/// at the terminal reaches the wrapper only, which drains first.
pub(crate) fn become_server(server: &Server, gates: &Gates, marking: Marking<'_>) -> ! {
    let _own_group = setpgid(None, None);
    let mut word = [0];
    if !matches!(
        rustix::io::retry_on_intr(|| rustix::io::read(&gates.go, &mut word)),
        Ok(1)
    ) {
        sys::fork::exit_now(1);
    }
    if let Marking::Limit(mark) = marking {
        mark.set_limit();
    }
    let error = replace(server);
    let _wrapper_gone = rustix::io::write(&gates.exec, &error.to_ne_bytes());
    sys::fork::exit_now(127)
}

fn replace(server: &Server) -> i32 {
    let streams = dup2_stdin(server.stdin.as_fd())
        .and_then(|()| dup2_stdout(server.stdout.as_fd()))
        .and_then(|()| dup2_stderr(server.stderr.as_fd()));
    if let Err(error) = streams {
        return error.raw_os_error();
    }
    sys::descriptors::close_above_stderr_on_exec();
    sys::signals::reset_all();
    server.core.restore();
    // After the descriptors were marked: what is made for the server stays open across the exec.
    let failed = match &server.endowment {
        None => sys::exec::exec(&server.argv),
        Some(file) => match endowed(file) {
            Ok(environment) => sys::exec::exec_with(&server.argv, &environment),
            Err(error) => error,
        },
    };
    failed.raw_os_error().unwrap_or(0)
}

fn endowed(file: &OwnedFd) -> io::Result<Vec<CString>> {
    Endowment::open(file.try_clone()?)?.environment()
}
