//! Starting the server at the strongest level asked for. A level is proved by
//! using it: the server waits, forked but not yet executed, until it is held.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, setsid, waitpid};

use super::keeper::{Identity, Post, keep_by_tracing, keep_in_namespace};
use super::launch::{Gates, Marking, Server, become_server};
use crate::cgroup::Cgroup;
use crate::level::Level;
use crate::mark::Mark;
use crate::procfs::{self, Process, raw};
use crate::signalling;
use crate::sys::fork::{Forked, Namespaces, fork, fork_into_cgroup};

/// How long a keeper may take to say whether its level works.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// A server that runs and is held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) level: Level,
    pub(crate) leader: Process,
    /// Processes of ours inside the tree: not the server's, no survivors.
    pub(crate) keepers: Vec<Process>,
    pub(crate) cgroup: Option<Cgroup>,
    pub(crate) end: LeaderEnd,
}

/// Where the news of the leader's end comes from.
#[derive(Debug)]
pub(crate) enum LeaderEnd {
    /// It is the guard's own child.
    Child(Pid),
    /// A keeper writes its status here.
    Pipe(OwnedFd),
}

/// Why no server runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotStarted {
    /// The program could not be executed (errno).
    Program(i32),
    /// No level of those asked for can be had.
    Uncontained,
}

/// A server that is held but still waits for the word to go.
pub(crate) struct Blocked {
    pub(crate) held: Held,
    go: OwnedFd,
    exec: OwnedFd,
}

/// Tries the levels in order until one holds; tells `skipped` of the others.
pub(crate) fn block(
    server: &Server,
    levels: &[Level],
    mark: &Mark,
    wrapper: &OwnedFd,
    mut skipped: impl FnMut(Level, String),
) -> Result<Blocked, NotStarted> {
    for level in levels {
        match attempt(*level, server, mark, wrapper) {
            Ok(blocked) => return Ok(blocked),
            Err(why) => skipped(*level, why),
        }
    }
    Err(NotStarted::Uncontained)
}

impl Blocked {
    /// Lets the server go, and says whether the program could be executed.
    pub(crate) fn release(self) -> Result<Held, NotStarted> {
        // Leaves the wrapper's session only now: the server, forked before,
        // keeps it, while a signal to the wrapper's group misses the guard.
        let _own_session = setsid();
        let mut errno = [0; 4];
        let told = File::from(self.go)
            .write_all(b"g")
            .and_then(|()| File::from(self.exec).read(&mut errno));
        match told {
            Ok(0) => Ok(self.held),
            Ok(_) => Err(NotStarted::Program(i32::from_ne_bytes(errno))),
            Err(error) => Err(NotStarted::Program(error.raw_os_error().unwrap_or(0))),
        }
    }
}

fn attempt(
    level: Level,
    server: &Server,
    mark: &Mark,
    wrapper: &OwnedFd,
) -> Result<Blocked, String> {
    match level {
        Level::Guard => as_own_child(server, mark, None),
        Level::Cgroup => as_own_child(server, mark, Some(Cgroup::create(&mark.cookie)?)),
        Level::Ptrace => with_keeper(level, server, wrapper, Namespaces::Same),
        Level::Pidns => {
            let privileged = rustix::process::geteuid().is_root();
            let plain = if privileged {
                with_keeper(level, server, wrapper, Namespaces::Pid)
            } else {
                Err("not root".to_owned())
            };
            plain.or_else(|_| with_keeper(level, server, wrapper, Namespaces::PidInUser))
        }
    }
}

/// The pipes of one attempt, both ends.
struct Pipes {
    go: (OwnedFd, OwnedFd),
    exec: (OwnedFd, OwnedFd),
}

fn pipes() -> Result<Pipes, String> {
    Ok(Pipes {
        go: pipe()?,
        exec: pipe()?,
    })
}

fn pipe() -> Result<(OwnedFd, OwnedFd), String> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|error| format!("pipe: {error}"))
}

fn as_own_child(server: &Server, mark: &Mark, cgroup: Option<Cgroup>) -> Result<Blocked, String> {
    let Pipes { go, exec } = pipes()?;
    let (forked, place) = fork_into(cgroup.as_ref());
    let child = match forked.map_err(|error| format!("fork: {error}")) {
        Ok(Forked::Child) => {
            drop((go.1, exec.0));
            become_server(
                server,
                &Gates {
                    go: go.0,
                    exec: exec.1,
                },
                Marking::Limit(mark),
            )
        }
        Ok(Forked::Parent(child)) => child,
        Err(why) => {
            if let Some(cgroup) = cgroup {
                cgroup.remove();
            }
            return Err(why);
        }
    };
    let admitted = match (&cgroup, place) {
        (Some(cgroup), Place::Parents) => cgroup.admit(raw(child)),
        (Some(_), Place::Cgroup) | (None, _) => Ok(()),
    };
    let leader = Process::of(raw(child)).ok_or("the server's process ended before its start");
    match admitted.and(leader.map_err(str::to_owned)) {
        Ok(leader) => Ok(Blocked {
            held: Held {
                level: if cgroup.is_some() {
                    Level::Cgroup
                } else {
                    Level::Guard
                },
                leader,
                keepers: Vec::new(),
                cgroup,
                end: LeaderEnd::Child(child),
            },
            go: go.1,
            exec: exec.0,
        }),
        Err(why) => {
            give_up(child);
            if let Some(cgroup) = cgroup {
                cgroup.remove();
            }
            Err(why)
        }
    }
}

/// Which cgroup a child was born into.
enum Place {
    Parents,
    Cgroup,
}

fn fork_into(cgroup: Option<&Cgroup>) -> (std::io::Result<Forked>, Place) {
    if let Some(cgroup) = cgroup
        && let Ok(forked) = cgroup
            .directory()
            .and_then(|dir| fork_into_cgroup(dir.as_fd()))
    {
        return (Ok(forked), Place::Cgroup);
    }
    (fork(Namespaces::Same), Place::Parents)
}

fn with_keeper(
    level: Level,
    server: &Server,
    wrapper: &OwnedFd,
    namespaces: Namespaces,
) -> Result<Blocked, String> {
    let Pipes { go, exec } = pipes()?;
    let (status, ready) = (pipe()?, pipe()?);
    let guard = pidfd_open(getpid(), PidfdFlags::empty())
        .map_err(|error| format!("pidfd_open: {error}"))?;
    let identity = (namespaces == Namespaces::PidInUser).then(|| Identity {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    });
    let keeper = match fork(namespaces).map_err(|error| clone_refused(namespaces, &error))? {
        Forked::Child => {
            drop((go.1, exec.0, status.0, ready.0));
            let gates = Gates {
                go: go.0,
                exec: exec.1,
            };
            let post = Post {
                wrapper,
                guard: &guard,
                ready: ready.1,
                status: status.1,
            };
            match namespaces {
                Namespaces::Same => keep_by_tracing(server, gates, &post),
                Namespaces::Pid | Namespaces::PidInUser => {
                    keep_in_namespace(server, &gates, &post, identity)
                }
            }
        }
        Forked::Parent(keeper) => keeper,
    };
    // Only the keeper's side may hold these, or an end would never be seen.
    drop((go.0, exec.1, status.1, ready.1));
    let blocked = await_ready(&ready.0).and_then(|()| {
        let (keepers, leader) = chain_below(keeper, level)?;
        Ok(Blocked {
            held: Held {
                level,
                leader,
                keepers,
                cgroup: None,
                end: LeaderEnd::Pipe(status.0),
            },
            go: go.1,
            exec: exec.0,
        })
    });
    if blocked.is_err() {
        give_up(keeper);
    }
    blocked
}

fn clone_refused(namespaces: Namespaces, error: &std::io::Error) -> String {
    match namespaces {
        Namespaces::Same => format!("fork: {error}"),
        Namespaces::Pid => format!("a PID namespace: {error}"),
        Namespaces::PidInUser => format!("a user and PID namespace: {error}"),
    }
}

fn await_ready(ready: &OwnedFd) -> Result<(), String> {
    let within = Timespec::try_from(READY_WITHIN).map_err(|error| error.to_string())?;
    let mut fds = [PollFd::new(ready, PollFlags::IN)];
    match poll(&mut fds, Some(&within)) {
        Ok(0) => return Err(format!("no answer within {} s", READY_WITHIN.as_secs())),
        Ok(_) => {}
        Err(error) => return Err(format!("poll: {error}")),
    }
    let mut answer = [0; 512];
    match rustix::io::read(ready.as_fd(), &mut answer) {
        Ok(2) if answer.starts_with(b"ok") => Ok(()),
        Ok(0) => Err("the keeper ended at once".to_owned()),
        Ok(taken) => Err(String::from_utf8_lossy(&answer[..taken]).into_owned()),
        Err(error) => Err(format!("read: {error}")),
    }
}

/// Our own processes between the guard and the server, and the server itself,
/// while nothing else exists below the keeper.
fn chain_below(keeper: Pid, level: Level) -> Result<(Vec<Process>, Process), String> {
    let ended = || "the keeper ended at once".to_owned();
    let first = Process::of(raw(keeper)).ok_or_else(ended)?;
    let below = procfs::descendants(first.pid, &[]);
    match (level, below.as_slice()) {
        (Level::Pidns, [shim, leader]) => Ok((vec![first, *shim], *leader)),
        (Level::Ptrace, [leader]) => Ok((vec![first], *leader)),
        _ => Err(ended()),
    }
}

fn give_up(child: Pid) {
    if let Some(process) = Process::of(raw(child)) {
        signalling::send(process, Signal::KILL);
    }
    let _reaped = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
}
