//! Starting a guard and, through it, a server.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, pidfd_open, set_child_subreaper, waitpid,
};

use crate::cgroup::Cgroup;
use crate::guard::order::Extras;
use crate::guard::{GUARD_NAME, order};
use crate::ledger;
use crate::level::Level;
use crate::mark::{Mark, SCOPE_VARIABLE};
use crate::procfs::{self, Process, raw};
use crate::protocol::{self, Received, Report};
use crate::signalling;
use crate::spec::{HostWatch, Orphans, Spec, Streams, Variable};
use crate::started::{Skipped, SpawnError, Spawned, StandardStreams};
use crate::takeover::{self, Emptied};
use crate::tree::Tree;

/// How long a start may take in all before it is given up.
pub const START_WITHIN: Duration = Duration::from_secs(8);

/// Large messages cross a large pipe with fewer switches between processes. A
/// larger one falls out of the processor's cache, and the kernel lets one user
/// have 64 MiB in all pipes, which many servers share. Less is no error.
const PIPE_SIZE: usize = 256 << 10;

pub(crate) fn spawn(mut spec: Spec) -> Result<Spawned, SpawnError> {
    let levels = spec.containment.candidates(spec.required);
    if levels.is_empty() {
        let skipped = spec.containment.too_weak(spec.required);
        return Err(SpawnError::Uncontained { skipped });
    }
    if spec.orphans == Orphans::Adopt {
        set_child_subreaper(Some(getpid()))?;
    }
    let mark = Mark::random()?;
    let own = Process::of(procfs::own_pid())
        .ok_or_else(|| io::Error::other("/proc does not show this process"))?;
    let (ours, guards) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let (streams, given) = match std::mem::take(&mut spec.streams) {
        Streams::Given(given) => (None, given),
        Streams::Pipes => {
            let (streams, given) = pipes()?;
            (Some(streams), given)
        }
    };
    let ledger = ledger::open(&mark, own);
    let noted = ledger.as_deref().ok();
    let control = (&ours, guards);
    let (pid, guard, ordered) = match start_guard(&spec, &levels, &mark, noted, control, &given) {
        Ok(started) => started,
        Err(error) => {
            if let Some(path) = noted {
                ledger::forget(path);
            }
            return Err(error.into());
        }
    };
    // What the server holds of these must be all that is left of them.
    drop(given);
    let begun = ordered
        .map_err(SpawnError::from)
        .and_then(|()| await_start(&ours, &spec.argv));
    match begun {
        Ok(begun) => {
            let tree = Tree::new(ours, pid, guard, begun, mark, spec.orphans, ledger);
            Ok(Spawned { tree, streams })
        }
        Err(error) => {
            drop(ours);
            // A guard that was stopped or killed did not clean up after itself.
            signalling::send(guard, Signal::KILL);
            let _reaped = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
            undo(&mark, spec.orphans, noted);
            Err(error)
        }
    }
}

/// Starts the guard and sends it its order; says what came of the sending.
fn start_guard(
    spec: &Spec,
    levels: &[Level],
    mark: &Mark,
    ledger: Option<&Path>,
    (ours, guards): (&OwnedFd, OwnedFd),
    given: &[OwnedFd; 3],
) -> io::Result<(Pid, Process, io::Result<()>)> {
    let texts = order::write_texts(ledger, &spec.closer, &spec.argv)?;
    let wrapper = pidfd_open(getpid(), PidfdFlags::empty())?;
    let host = match spec.host_watch {
        HostWatch::StartedBy(host) => host_end(host)?,
        HostWatch::Off => None,
    };
    let (pid, guard) = execute(guard_command(spec, mark, guards))?;
    let [stdin, stdout, stderr] = given;
    let extras = Extras {
        host: host.as_ref().map(AsFd::as_fd),
        endowment: spec.endowment.as_ref().map(AsFd::as_fd),
        legacy: spec.legacy.as_ref().map(AsFd::as_fd),
    };
    let ordered = protocol::send(
        ours,
        &order::encode(levels, mark, &spec.closer, &extras),
        &order::descriptors([stdin, stdout, stderr], &texts, &wrapper, &extras),
    );
    Ok((pid, guard, ordered))
}

/// The guard, with the environment and the folder that the server inherits from it.
fn guard_command(spec: &Spec, mark: &Mark, control: OwnedFd) -> Command {
    let mut command = Command::new(&spec.guard_program);
    command
        .arg0(GUARD_NAME)
        .stdin(control)
        .stdout(Stdio::null());
    for variable in &spec.environment {
        match variable {
            Variable::Set(name, value) => command.env(name, value),
            Variable::Remove(name) => command.env_remove(name),
            Variable::ClearAll => command.env_clear(),
        };
    }
    command.env(SCOPE_VARIABLE, &mark.cookie);
    if let Some(dir) = &spec.current_dir {
        command.current_dir(dir);
    }
    command
}

/// Starts a program. The command goes, and with it our copies of what the program was given.
fn execute(mut command: Command) -> io::Result<(Pid, Process)> {
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidData)?;
    let process = Process::of(raw(pid)).ok_or(io::ErrorKind::NotFound)?;
    Ok((pid, process))
}

/// Ends whatever a failed start had begun, and forgets it once that is proved.
fn undo(mark: &Mark, orphans: Orphans, ledger: Option<&Path>) {
    let noted = ledger
        .and_then(|path| ledger::read(path).ok())
        .and_then(|record| record.cgroup);
    let cgroup = noted.and_then(|path| Cgroup::existing(&path, &mark.cookie));
    match (takeover::empty(mark, cgroup, orphans), ledger) {
        (Emptied::Proved, Some(path)) => ledger::forget(path),
        (Emptied::Proved | Emptied::Not(_), _) => {}
    }
}

fn pipes() -> io::Result<(StandardStreams, [OwnedFd; 3])> {
    let (stdin_of_server, stdin) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stdout, stdout_of_server) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_of_server) = pipe_with(PipeFlags::CLOEXEC)?;
    for pipe in [&stdin, &stdout] {
        let _smaller_then = fcntl_setpipe_size(pipe, PIPE_SIZE);
    }
    let streams = StandardStreams {
        stdin,
        stdout,
        stderr,
    };
    Ok((
        streams,
        [stdin_of_server, stdout_of_server, stderr_of_server],
    ))
}

/// What is ready once the process that started this one has ended; nothing when
/// that is number 1.
pub(crate) fn host_end(host: i32) -> io::Result<Option<OwnedFd>> {
    let Some(host) = Pid::from_raw(host).filter(|host| raw(*host) != 1) else {
        return Ok(None);
    };
    let pidfd = match pidfd_open(host, PidfdFlags::empty()) {
        Ok(pidfd) => Some(pidfd),
        Err(rustix::io::Errno::SRCH) => None,
        Err(error) => return Err(error.into()),
    };
    // While it is the parent its number is no other's; otherwise it has ended.
    let pidfd = pidfd.filter(|_| getppid() == Some(host));
    match pidfd {
        Some(pidfd) => Ok(Some(pidfd)),
        None => Ok(Some(eventfd(1, EventfdFlags::CLOEXEC)?)),
    }
}

/// What the guard said of a start that succeeded.
pub(crate) struct Begun {
    pub(crate) level: Level,
    pub(crate) leader: Process,
    pub(crate) keepers: Vec<i32>,
    pub(crate) cgroup: String,
    pub(crate) skipped: Vec<Skipped>,
}

fn await_start(control: &OwnedFd, argv: &[std::ffi::OsString]) -> Result<Begun, SpawnError> {
    let until = Instant::now() + START_WITHIN;
    let mut skipped = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(control, PollFlags::IN)];
        let timeout = Timespec::try_from(left).unwrap_or(Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        });
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Err(SpawnError::GuardSilent),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        match protocol::receive(control, RecvFlags::DONTWAIT) {
            Received::NothingYet => {}
            Received::Closed => return Err(SpawnError::GuardEnded),
            Received::Packet(text, _) => match Report::decode(&text) {
                Some(Report::Skipped { level, why }) => skipped.push(Skipped { level, why }),
                Some(Report::Started {
                    level,
                    leader,
                    keepers,
                    cgroup,
                }) => {
                    return Ok(Begun {
                        level,
                        leader,
                        keepers,
                        cgroup,
                        skipped,
                    });
                }
                Some(Report::ProgramFailed(errno)) => {
                    return Err(SpawnError::Program {
                        program: argv.first().cloned().unwrap_or_default(),
                        source: io::Error::from_raw_os_error(errno),
                    });
                }
                Some(Report::Uncontained) => return Err(SpawnError::Uncontained { skipped }),
                Some(
                    Report::LeaderEnded(_)
                    | Report::HostDied
                    | Report::Empty(_)
                    | Report::Survivors(_),
                )
                | None => return Err(SpawnError::GuardEnded),
            },
        }
    }
}
