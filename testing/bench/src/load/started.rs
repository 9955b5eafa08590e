//! A command that was started for a route.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{Doing as _, LoadError};
use crate::plan::Route;

/// How long a command may take to end once it should.
const END_LIMIT: Duration = Duration::from_secs(10);

/// A running command, killed when it is dropped.
pub(super) struct Started {
    child: Child,
    pidfd: OwnedFd,
    name: String,
}

impl Started {
    pub(super) fn new(route: &Route, stdin: Stdio, stdout: Stdio) -> Result<Started, LoadError> {
        let (program, arguments) = route
            .command
            .split_first()
            .ok_or_else(|| LoadError::new(format!("{}: no command", route.name)))?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&route.log)
            .doing(format_args!("{}: its log", route.name))?;
        let child = Command::new(program)
            .args(arguments)
            .envs(&route.environment)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(log)
            .spawn()
            .doing(format_args!("{}: starting {program}", route.name))?;
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .doing(format_args!("{}: watching it", route.name))?;
        Ok(Started {
            child,
            pidfd,
            name: route.name.clone(),
        })
    }

    pub(super) fn pid(&self) -> i32 {
        Pid::from_child(&self.child).as_raw_pid()
    }

    pub(super) fn streams(&mut self) -> Result<(OwnedFd, OwnedFd), LoadError> {
        match (self.child.stdin.take(), self.child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((stdin.into(), stdout.into())),
            _ => Err(LoadError::new(format!("{}: no pipes", self.name))),
        }
    }

    /// Waits for its exit, which must be a success.
    pub(super) fn wait_for_end(&mut self) -> Result<(), LoadError> {
        if !self.ends_within(END_LIMIT)? {
            let limit = END_LIMIT.as_secs();
            return Err(LoadError::new(format!(
                "{}: still there {limit} s after the end of its input",
                self.name
            )));
        }
        let status = self
            .child
            .wait()
            .doing(format_args!("{}: waiting for it", self.name))?;
        if status.success() {
            return Ok(());
        }
        Err(LoadError::new(format!(
            "{}: it ended with {status}",
            self.name
        )))
    }

    /// Ends it as an orchestrator would: SIGTERM, a while, and SIGKILL when it is dropped.
    pub(super) fn terminate(&mut self) -> Result<(), LoadError> {
        // It may have ended by itself, which is what is wanted.
        let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
        self.ends_within(END_LIMIT).map(drop)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ends_within(Duration::ZERO).unwrap_or(true)
    }

    fn ends_within(&self, limit: Duration) -> Result<bool, LoadError> {
        let timeout = Timespec::try_from(limit).doing("a time limit")?;
        let mut waits = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let ready = rustix::io::retry_on_intr(|| poll(&mut waits, Some(&timeout)))
            .doing(format_args!("{}: waiting for it", self.name))?;
        Ok(ready > 0)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
