//! The processes of one cell: a stand-in host, the program that it started, and all theirs.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use dropgate_process::{
    Containment, Event, Exit, Grace, Process, Signal, Spawned, Spec, StandardStreams, Tree,
};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::findings::Survivor;
use crate::place::Place;
use crate::refusal::Why;
use crate::servers::host::{HOST_ENTRY, Start};

/// The processes of one cell. Dropping it ends them all.
pub(crate) struct Subject {
    tree: Tree,
    host: Option<OwnedFd>,
    program: Option<OwnedFd>,
    exit: Option<Exit>,
    empty_at: Option<Instant>,
    guard_lost: bool,
}

impl Subject {
    /// Starts `command` under a host in `directory`.
    ///
    /// The tree is held in a way that the program can not notice, so that it behaves as it does
    /// without us.
    pub(crate) fn start(
        command: &[OsString],
        place: &Place,
        directory: &Path,
    ) -> Result<(Self, StandardStreams), Why> {
        let program = std::env::current_exe().map_err(Why::system("find the running program"))?;
        let Spawned { tree, streams } = Spec::new(program)
            .args([OsString::from(HOST_ENTRY), place.start().into_os_string()])
            .args(command)
            .containment(Containment::Auto)
            .current_dir(directory)
            .spawn()?;
        let streams = streams
            .ok_or(io::ErrorKind::BrokenPipe)
            .map_err(Why::system("get pipes"))?;
        let host = hold(tree.leader().pid).map_err(Why::system("hold the host"))?;
        let subject = Self {
            tree,
            host,
            program: None,
            exit: None,
            empty_at: None,
            guard_lost: false,
        };
        Ok((subject, streams))
    }

    /// Takes in what happened to the tree.
    pub(crate) fn learn(&mut self) -> Result<(), Why> {
        for event in self.tree.take_events() {
            match event {
                Event::LeaderExited(exit) => self.exit = Some(exit),
                Event::Empty(_) => self.empty_at = Some(Instant::now()),
                Event::GuardLost => self.guard_lost = true,
                Event::HostDied | Event::Survivors(_) => {}
            }
        }
        if self.guard_lost {
            self.tree.take_over();
            return Err(Why::GuardLost);
        }
        Ok(())
    }

    /// Gets hold of the program by what the host told; whether that is done.
    pub(crate) fn find_program(&mut self, place: &Place) -> io::Result<bool> {
        let Some(Start::Pid(pid)) = Start::read(&place.start()) else {
            return Ok(false);
        };
        // A member of the tree with this pid, seen after it was held, is the one that is held.
        self.program =
            hold(pid)?.filter(|_| self.tree.survivors().iter().any(|one| one.pid == pid));
        Ok(self.program.is_some())
    }

    /// One signal to the program alone. If it is gone there is nobody to be struck.
    pub(crate) fn strike_program(&self, signal: Signal) {
        if let Some(program) = &self.program {
            let _gone = pidfd_send_signal(program, signal);
        }
    }

    /// SIGKILL to the program's parent. If it is gone there is nobody to be struck.
    pub(crate) fn strike_host(&self) {
        if let Some(host) = &self.host {
            let _gone = pidfd_send_signal(host, Signal::KILL);
        }
    }

    /// How the host ended, which is how the program did unless the host was struck.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// Since when nobody is left.
    pub(crate) fn empty_at(&self) -> Option<Instant> {
        self.empty_at
    }

    /// Who is alive, the host left out.
    pub(crate) fn survivors(&self) -> Vec<Survivor> {
        let host = self.tree.leader();
        let others = self
            .tree
            .survivors()
            .into_iter()
            .filter(|process| *process != host);
        others.map(survivor).collect()
    }

    /// Ends everybody and proves it.
    pub(crate) fn end(self) -> Result<(), Why> {
        let now = Grace {
            term_after: Duration::ZERO,
            kill_after: Duration::ZERO,
        };
        let stopped = self.tree.stop(now);
        if stopped.survivors.is_empty() {
            return Ok(());
        }
        Err(Why::Unstoppable {
            pids: stopped
                .survivors
                .iter()
                .map(|process| process.pid)
                .collect(),
        })
    }
}

impl AsFd for Subject {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tree.as_fd()
    }
}

/// A hold on a process, or nothing if it has ended: how it ended is told by the tree.
fn hold(pid: i32) -> io::Result<Option<OwnedFd>> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        Err(Errno::SRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn survivor(process: Process) -> Survivor {
    Survivor {
        pid: process.pid,
        argv: process.argv(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_ended_is_not_held_and_is_no_error() {
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(ended.id()).unwrap();
        assert!(
            hold(pid).unwrap().is_some(),
            "a child that is not waited for"
        );
        ended.wait().unwrap();
        assert!(hold(pid).unwrap().is_none());
    }

    #[test]
    fn what_is_no_pid_is_an_error() {
        assert!(hold(0).is_err());
    }
}
