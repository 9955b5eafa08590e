//! Making a process out of this one.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::process::Pid;

/// Which side of a fork the caller is on.
pub(crate) enum Forked {
    /// This is the parent; the child has this pid.
    Parent(Pid),
    /// This is the child.
    Child,
}

/// From `linux/sched.h`; the C library's constants are too narrow for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// What the child shares with its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespaces {
    /// Everything, as after `fork(2)`.
    Same,
    /// The child is process 1 of a PID namespace with mounts of its own.
    Pid,
    /// As `Pid`, inside a user namespace, which gives the right to make the
    /// other two without privilege.
    PidInUser,
}

impl Namespaces {
    fn clone_flags(self) -> libc::c_int {
        match self {
            Self::Same => 0,
            Self::Pid => libc::CLONE_NEWPID | libc::CLONE_NEWNS,
            Self::PidInUser => libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWUSER,
        }
    }
}

/// Forks the calling process.
///
/// Only the guard calls this. It has one thread, so the child finds every lock
/// free and may allocate.
///
/// # Errors
/// The kernel's refusal, for example `EPERM` where namespaces are denied.
pub(crate) fn fork(namespaces: Namespaces) -> io::Result<Forked> {
    let flags = libc::c_long::from(namespaces.clone_flags() | libc::SIGCHLD);
    // SAFETY: without CLONE_VM the child gets a copy of the whole address
    // space, and a null stack makes it go on with a copy of ours, so this is
    // fork(2) with flags. The caller has one thread, so no lock can be held by
    // a thread that does not exist in the child.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(side(pid))
}

/// Forks the calling process into a cgroup, given its directory.
///
/// Moving a process later would work as well, but takes a lock for which the
/// kernel waits until every processor was idle once: some 10 ms.
///
/// # Errors
/// The kernel's refusal; `ENOSYS` where a filter hides `clone3`.
pub(crate) fn fork_into_cgroup(cgroup: BorrowedFd<'_>) -> io::Result<Forked> {
    // SAFETY: all-zero is a valid value of a struct of integers.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = u64::try_from(libc::SIGCHLD).unwrap_or_default();
    arguments.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or(u64::MAX);
    let size = std::mem::size_of::<libc::clone_args>();
    // SAFETY: as in `fork`: no CLONE_VM and no stack, so this is fork(2). The
    // structure is of the size given and lives until the call returns.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size) };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(side(pid))
}

fn side(pid: libc::c_long) -> Forked {
    match i32::try_from(pid).ok().and_then(Pid::from_raw) {
        Some(child) => Forked::Parent(child),
        None => Forked::Child,
    }
}

/// Ends the calling process at once: no destructor, no exit hook, nothing
/// written twice by a child that shares its parent's buffers.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes any status and does not return.
    unsafe { libc::_exit(code) }
}
