//! The process between guard and server at the two strongest levels. When it
//! ends, the kernel ends the tree; it ends when guard or wrapper does.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::CWD;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, getpid, set_child_subreaper, set_dumpable_behavior,
    set_parent_process_death_signal, setsid, wait, waitpid,
};
use rustix::thread::set_name;

use super::launch::{Gates, Marking, Server, become_server};
use crate::sys;
use crate::sys::fork::{Forked, Namespaces, exit_now, fork};
use crate::sys::trace::{self, Seen};

/// What a keeper watches and reports to.
pub(crate) struct Post<'a> {
    /// Pidfds of wrapper and guard: the keeper ends when either does. The death
    /// signal alone would not do, as it does not tell of the wrapper, and these
    /// alone would not, as they do not wake a stopped keeper.
    pub(crate) wrapper: &'a OwnedFd,
    pub(crate) guard: &'a OwnedFd,
    /// "ok" once the server waits for its release, else why this level failed.
    pub(crate) ready: OwnedFd,
    /// Gets the server's raw wait status.
    pub(crate) status: OwnedFd,
}

/// The identity to keep inside a user namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Process 1 of the server's PID namespace.
pub(crate) fn keep_in_namespace(
    server: &Server,
    gates: &Gates,
    post: &Post<'_>,
    identity: Option<Identity>,
) -> ! {
    let prepared = prepare_namespace(identity).and_then(|()| {
        // A server with parent 1 believes that its host died, so a process
        // that only waits stands between.
        match fork(Namespaces::Same).map_err(|error| format!("fork: {error}"))? {
            Forked::Child => stand_between(server, gates, post),
            Forked::Parent(_) => Ok(()),
        }
    });
    if let Err(why) = prepared {
        fail(&post.ready, &why);
    }
    sys::descriptors::close_all_but(&[post.wrapper.as_fd(), post.guard.as_fd()]);
    let Ok(children) = sys::signals::child_events() else {
        exit_now(1)
    };
    while !owner_is_gone(&children, post) {
        drain(&children);
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                // Nobody is left: the namespace may end.
                Err(_) => exit_now(0),
            }
        }
    }
    exit_now(0)
}

fn prepare_namespace(identity: Option<Identity>) -> Result<(), String> {
    let _name = set_name(c"dg-keeper");
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("parent death signal: {error}"))?;
    if let Some(Identity { uid, gid }) = identity {
        // A map of exactly our own ids: the server keeps its uid and gid.
        write_map("/proc/self/setgroups", "deny")?;
        write_map("/proc/self/uid_map", &format!("{uid} {uid} 1"))?;
        write_map("/proc/self/gid_map", &format!("{gid} {gid} 1"))?;
    }
    // Mounts made outside still show inside, those made inside stay inside.
    mount_change(
        "/",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )
    .map_err(|error| format!("mount propagation: {error}"))?;
    let safe = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", safe, None)
        .map_err(|error| format!("a /proc of its own: {error}"))?;
    let _session = setsid();
    Ok(())
}

fn write_map(path: &str, map: &str) -> Result<(), String> {
    use rustix::fs::{Mode, OFlags, openat};
    let file = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| format!("{path}: {error}"))?;
    rustix::io::write(file, map.as_bytes()).map_err(|error| format!("{path}: {error}"))?;
    Ok(())
}

/// Process 2: the server's parent, which only waits for it.
fn stand_between(server: &Server, gates: &Gates, post: &Post<'_>) -> ! {
    let _name = set_name(c"dg-shim");
    match fork(Namespaces::Same) {
        Err(error) => fail(&post.ready, &format!("fork: {error}")),
        Ok(Forked::Child) => become_server(server, gates, Marking::None),
        Ok(Forked::Parent(leader)) => {
            say_ready(&post.ready);
            sys::descriptors::close_all_but(&[post.status.as_fd()]);
            let status = loop {
                match waitpid(Some(leader), WaitOptions::empty()) {
                    Err(rustix::io::Errno::INTR) => {}
                    Ok(Some((_, status))) => break status.as_raw(),
                    Ok(None) | Err(_) => exit_now(1),
                }
            };
            let _guard_gone = rustix::io::write(&post.status, &status.to_ne_bytes());
            exit_now(0)
        }
    }
}

/// The tracer: whatever it traces dies with it.
pub(crate) fn keep_by_tracing(server: &Server, gates: Gates, post: &Post<'_>) -> ! {
    let _name = set_name(c"dg-keeper");
    let prepared: Result<_, String> = (|| {
        set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(|error| format!("parent death signal: {error}"))?;
        // A process made with CLONE_UNTRACED escapes the tracing, not this.
        set_child_subreaper(Some(getpid())).map_err(|error| format!("subreaper: {error}"))?;
        let children =
            sys::signals::child_events().map_err(|error| format!("signalfd: {error}"))?;
        match fork(Namespaces::Same).map_err(|error| format!("fork: {error}"))? {
            Forked::Child => become_server(server, &gates, Marking::None),
            Forked::Parent(leader) => {
                trace::seize(leader).map_err(|error| format!("ptrace: {error}"))?;
                Ok((children, leader))
            }
        }
    })();
    let (children, leader) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => fail(&post.ready, &why),
    };
    say_ready(&post.ready);
    let kept = [
        post.wrapper.as_fd(),
        post.guard.as_fd(),
        post.status.as_fd(),
        children.as_fd(),
    ];
    sys::descriptors::close_all_but(&kept);
    // From here on another process of this user can not attach to the keeper.
    let _undumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _session = setsid();
    loop {
        drain(&children);
        serve_tracees(leader, &post.status);
        if owner_is_gone(&children, post) {
            exit_now(0)
        }
    }
}

fn serve_tracees(leader: Pid, status: &OwnedFd) {
    loop {
        match trace::wait() {
            Ok(Seen::Signal(pid, signal)) => trace::resume(pid, signal),
            Ok(Seen::GroupStop(pid)) => trace::listen(pid),
            Ok(Seen::Event(pid)) => trace::resume(pid, 0),
            Ok(Seen::Ended(pid, raw)) => {
                if pid == leader {
                    let _guard_gone = rustix::io::write(status, &raw.to_ne_bytes());
                }
            }
            Ok(Seen::Nothing) => return,
            Ok(Seen::NoChildren) | Err(_) => exit_now(0),
        }
    }
}

/// Waits until a child ended or stopped, or an owner did; true for the latter.
fn owner_is_gone(children: &OwnedFd, post: &Post<'_>) -> bool {
    let mut fds = [
        PollFd::new(children, PollFlags::IN),
        PollFd::new(post.wrapper, PollFlags::IN),
        PollFd::new(post.guard, PollFlags::IN),
    ];
    match poll(&mut fds, None) {
        Err(rustix::io::Errno::INTR) => false,
        // A keeper that can not watch must not keep.
        Err(_) => true,
        Ok(_) => fds[1..].iter().any(|fd| !fd.revents().is_empty()),
    }
}

fn drain(events: &OwnedFd) {
    let mut buffer = [0; 1024];
    while matches!(rustix::io::read(events, &mut buffer), Ok(taken) if taken > 0) {}
}

fn say_ready(ready: impl AsFd) {
    let _guard_gone = rustix::io::write(ready, b"ok");
}

fn fail(ready: impl AsFd, why: &str) -> ! {
    let ready: BorrowedFd<'_> = ready.as_fd();
    let _guard_gone = rustix::io::write(ready, why.as_bytes());
    exit_now(1)
}
