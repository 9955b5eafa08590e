//! Closing what a child must not inherit.

use std::os::fd::{AsRawFd, BorrowedFd};

/// Marks every descriptor above 2 to be closed by the next exec.
pub(crate) fn close_above_stderr_on_exec() {
    // SAFETY: the call only sets a flag on descriptors, it closes none.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3_u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if done == 0 {
        return;
    }
    // Before Linux 5.11 the flag is unknown; the limit bounds the walk.
    for fd in 3..descriptor_limit() {
        // SAFETY: setting a flag on a number that is no open descriptor fails
        // with EBADF and changes nothing.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Closes every descriptor of a freshly forked child but those named.
///
/// The child of a fork has a copy of all that its parent had open. A copy of
/// the lifeline or of a pipe end kept there would hide its end from the others.
pub(crate) fn close_all_but(kept: &[BorrowedFd<'_>]) {
    let mut kept: Vec<i32> = kept.iter().map(AsRawFd::as_raw_fd).collect();
    kept.sort_unstable();
    let mut from = 0;
    for fd in kept {
        if fd > from {
            close_range(from, fd - 1);
        }
        from = fd + 1;
    }
    close_range(from, i32::MAX);
}

fn close_range(first: i32, last: i32) {
    // SAFETY: the caller is a forked child that runs one function which never
    // returns and uses only the descriptors that it kept, so no owner of a
    // closed number is used again.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done == 0 {
        return;
    }
    for fd in first..=last.min(descriptor_limit() - 1) {
        // SAFETY: as above; closing a number that is not open fails harmlessly.
        unsafe { libc::close(fd) };
    }
}

fn descriptor_limit() -> i32 {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    i32::try_from(limit.current.unwrap_or(1 << 20)).unwrap_or(1 << 20)
}
