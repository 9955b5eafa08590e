//! Signal dispositions and the descriptor that tells of ended children.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

/// One past the highest signal number of Linux.
const SIGNAL_END: libc::c_int = 65;

/// Ignores every signal that can be ignored, so that only SIGKILL and SIGSTOP
/// reach this process.
pub(crate) fn ignore_catchable() {
    for signal in 1..SIGNAL_END {
        if signal != libc::SIGCHLD {
            set_disposition(signal, libc::SIG_IGN);
        }
    }
}

/// Makes a write beyond the limit of file sizes an error, instead of this process's end.
pub(crate) fn ignore_size_limit() {
    set_disposition(libc::SIGXFSZ, libc::SIG_IGN);
}

/// Gives every signal its default action and unblocks all, as a program that
/// was started from a clean shell would find them.
pub(crate) fn reset_all() {
    for signal in 1..SIGNAL_END {
        set_disposition(signal, libc::SIG_DFL);
    }
    // The C library keeps these two to itself and refuses them above, but
    // leaves them ignored in what it spawns.
    for signal in [32, 33] {
        default_in_kernel(signal);
    }
    let none = signal_set(&[]);
    // SAFETY: `none` is an initialised set; the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
}

fn set_disposition(signal: libc::c_int, action: libc::sighandler_t) {
    // SAFETY: SIG_IGN and SIG_DFL run no code of ours. The kernel refuses
    // SIGKILL, SIGSTOP and the C library's own signals, which is harmless.
    unsafe { libc::signal(signal, action) };
}

/// What `rt_sigaction` takes. All zero means the default action.
#[repr(C)]
struct KernelAction {
    action: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

fn default_in_kernel(signal: libc::c_int) {
    let default = KernelAction {
        action: 0,
        flags: 0,
        restorer: 0,
        mask: 0,
    };
    let no_old_action = ptr::null_mut::<KernelAction>();
    // SAFETY: the structure has the kernel's layout and size and outlives the
    // call; the default action runs no code of ours.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            &raw const default,
            no_old_action,
            8_usize,
        )
    };
}

fn signal_set(signals: &[libc::c_int]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the whole set, sigaddset only adds to it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// Blocks SIGCHLD and returns a descriptor that is readable when a child
/// ended. Without it a wait could miss the one that ends just before.
pub(crate) fn child_events() -> io::Result<OwnedFd> {
    held_back(&[libc::SIGCHLD])
}

/// The signals by which somebody asks a program to end.
const STOPS: [libc::c_int; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

/// Blocks the signals that ask to end, and returns a descriptor that is readable while one waits.
pub(crate) fn hold_back_stops() -> io::Result<OwnedFd> {
    held_back(&STOPS)
}

/// Unblocks them.
pub(crate) fn release_stops() -> io::Result<()> {
    change_mask(libc::SIG_UNBLOCK, &signal_set(&STOPS))
}

fn held_back(signals: &[libc::c_int]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);
    change_mask(libc::SIG_BLOCK, &set)?;
    // SAFETY: -1 asks for a new descriptor; `set` is initialised.
    let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: signalfd just returned this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: `set` is initialised; the old mask is not asked for.
    if unsafe { libc::sigprocmask(how, ptr::from_ref(set), ptr::null_mut()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
