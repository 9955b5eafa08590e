//! `ptrace(2)`: owning processes so that they die with their tracer.

use std::io;
use std::ptr;

use rustix::process::Pid;

/// What `wait` saw of a traced or ordinary child.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It ended; the value is the raw wait status.
    Ended(Pid, i32),
    /// It is about to receive this signal.
    Signal(Pid, i32),
    /// It stopped as its group was told to, and stays so until SIGCONT.
    GroupStop(Pid),
    /// It forked, or is a new child, and only waits to be let go.
    Event(Pid),
    /// Children exist and none has anything to tell.
    Nothing,
    /// There is no child left.
    NoChildren,
}

/// Starts tracing `pid`: it and all that it will ever fork die with the
/// calling process.
///
/// # Errors
/// `EPERM` where tracing is denied (seccomp, Yama, another tracer).
pub(crate) fn seize(pid: Pid) -> io::Result<()> {
    let options = libc::PTRACE_O_EXITKILL
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE;
    request(libc::PTRACE_SEIZE, pid, options)
}

/// Lets a stopped process go on, with `signal` delivered (0 for none).
///
/// A process that was killed meanwhile can not be continued; that is no error
/// here, as its end will be seen by the next wait.
pub(crate) fn resume(pid: Pid, signal: i32) {
    let _killed_meanwhile = request(libc::PTRACE_CONT, pid, signal);
}

/// Leaves a process in its group stop, but able to notice SIGCONT.
pub(crate) fn listen(pid: Pid) {
    let _killed_meanwhile = request(libc::PTRACE_LISTEN, pid, 0);
}

fn request(request: libc::c_uint, pid: Pid, data: libc::c_int) -> io::Result<()> {
    let data = usize::try_from(data).unwrap_or(0);
    // SAFETY: these requests take numbers, not addresses: the address argument
    // is null and the data argument is an option mask or a signal number.
    let done = unsafe {
        libc::ptrace(
            request,
            pid.as_raw_nonzero().get(),
            ptr::null_mut::<libc::c_void>(),
            ptr::without_provenance_mut::<libc::c_void>(data),
        )
    };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Asks, without blocking, what became of any child, threads included.
pub(crate) fn wait() -> io::Result<Seen> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for the kernel to write an int.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::WNOHANG) };
    if pid < 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::ECHILD) {
            Ok(Seen::NoChildren)
        } else {
            Err(error)
        };
    }
    let Some(pid) = Pid::from_raw(pid) else {
        return Ok(Seen::Nothing);
    };
    if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
        return Ok(Seen::Ended(pid, status));
    }
    let signal = libc::WSTOPSIG(status);
    let event = status >> 16;
    Ok(match (event, signal) {
        (0, _) => Seen::Signal(pid, signal),
        (
            libc::PTRACE_EVENT_STOP,
            libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU,
        ) => Seen::GroupStop(pid),
        _ => Seen::Event(pid),
    })
}
