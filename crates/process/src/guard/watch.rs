//! The guard's loop: one wait for all that can happen, then one step.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;
use rustix::process::{Signal, WaitOptions, pidfd_send_signal, wait};

use super::start::{Held, LeaderEnd};
use super::stop::Stage;
use super::tell;
use crate::ledger;
use crate::memory;
use crate::procfs::{self, Process, raw};
use crate::protocol::{self, Command, Received, Report};

/// How long the wrapper has to say that it knows of the host's end. A wrapper
/// that is stopped or hangs does not, and is then killed with the tree.
const WRAPPER_ANSWERS_WITHIN: Duration = Duration::from_millis(500);
/// What a wrapper may take beyond the time that it announced.
const WRAPPER_MARGIN: Duration = Duration::from_millis(500);

/// What the guard knows of the wrapper.
enum Wrapper {
    Alive,
    /// The host is gone; the wrapper is killed unless it is done by then. Its word and the stop
    /// that it ordered say when that is.
    MustBeDoneBy(Instant),
    /// Gone, or it let go of the tree before its end. Nobody is left to tell.
    Lost(Instant),
    /// It let go of an empty tree; nothing is left to do.
    LetGo,
}

enum Leader {
    Running(LeaderEnd),
    Ended,
}

/// The guard while it holds a tree.
pub(crate) struct Guard {
    control: OwnedFd,
    children: OwnedFd,
    wrapper_pidfd: OwnedFd,
    host: Option<OwnedFd>,
    wrapper: Wrapper,
    leader: Leader,
    pub(super) held: HeldTree,
    stage: Stage,
    ledger: Option<PathBuf>,
}

/// What is held, without the leader's end.
pub(crate) struct HeldTree {
    pub(super) level: crate::level::Level,
    pub(super) keepers: Vec<Process>,
    pub(super) cgroup: Option<crate::cgroup::Cgroup>,
}

/// How the guard and its wrapper came apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// The wrapper let go, or is alive and no longer talks.
    InOrder,
    /// The wrapper is dead, and what it had to do at its end is undone.
    WrapperDied,
}

/// How long a wrapper whose host is gone may say nothing: one that waits for the stop that it
/// ordered can't answer before the end of that.
fn answers_by(now: Instant, stage: &Stage) -> Instant {
    let answer = now + WRAPPER_ANSWERS_WITHIN;
    let stop = stage.kill_at().map(|kill| kill + WRAPPER_MARGIN);
    stop.map_or(answer, |stop| stop.max(answer))
}

impl Guard {
    pub(crate) fn new(
        control: OwnedFd,
        children: OwnedFd,
        wrapper_pidfd: OwnedFd,
        host: Option<OwnedFd>,
        held: Held,
        ledger: Option<PathBuf>,
    ) -> Self {
        let Held {
            level,
            keepers,
            cgroup,
            end,
            leader: _,
        } = held;
        Self {
            control,
            children,
            wrapper_pidfd,
            host,
            wrapper: Wrapper::Alive,
            leader: Leader::Running(end),
            held: HeldTree {
                level,
                keepers,
                cgroup,
            },
            stage: Stage::Serving,
            ledger,
        }
    }

    /// Holds the tree until it is empty and the wrapper let go.
    pub(crate) fn watch(mut self) -> Parted {
        // It waits for hours, and nothing of what started the tree runs again.
        memory::give_back_code();
        loop {
            self.reap();
            let now = Instant::now();
            self.judge_wrapper(now);
            self.stage =
                std::mem::replace(&mut self.stage, Stage::Serving).advance(&self.held, now);
            if let Stage::Survivors { to_tell, .. } = &mut self.stage
                && let Some(survivors) = to_tell.take()
            {
                tell(&self.control, &Report::Survivors(survivors));
            }
            match (&self.stage, &self.wrapper) {
                (Stage::Empty(_) | Stage::GivenUp, Wrapper::Lost(since)) => {
                    return self.part_alone(*since);
                }
                (_, Wrapper::LetGo) => return Parted::InOrder,
                (
                    Stage::Serving
                    | Stage::Stopping { .. }
                    | Stage::Killing { .. }
                    | Stage::Survivors { .. }
                    | Stage::Empty(_)
                    | Stage::GivenUp,
                    _,
                ) => {}
            }
            self.wait(now);
        }
    }

    fn wait(&mut self, now: Instant) {
        let deadline = match self.wrapper {
            Wrapper::MustBeDoneBy(by) => self.stage.due().map_or(Some(by), |due| Some(due.min(by))),
            Wrapper::Alive | Wrapper::Lost(_) | Wrapper::LetGo => self.stage.due(),
        };
        let timeout = deadline.map(|due| {
            Timespec::try_from(due.saturating_duration_since(now) + Duration::from_micros(100))
                .unwrap_or(Timespec {
                    tv_sec: 1,
                    tv_nsec: 0,
                })
        });
        let mut fds = vec![PollFd::new(&self.children, PollFlags::IN)];
        // Once lost these would be ready for ever.
        let listening = !matches!(self.wrapper, Wrapper::Lost(_));
        if listening {
            fds.push(PollFd::new(&self.control, PollFlags::IN));
            fds.push(PollFd::new(&self.wrapper_pidfd, PollFlags::IN));
        }
        if let Leader::Running(LeaderEnd::Pipe(status)) = &self.leader {
            fds.push(PollFd::new(status, PollFlags::IN));
        }
        if let Some(host) = &self.host {
            fds.push(PollFd::new(host, PollFlags::IN));
        }
        let ready = match poll(&mut fds, timeout.as_ref()) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => 0,
            // A guard that can not wait is of no use, as when a server took its
            // descriptors away. Its end tells the wrapper to take over.
            Err(_) => crate::sys::fork::exit_now(70),
        };
        let control_ready = listening && !fds[1].revents().is_empty();
        let wrapper_gone = listening && !fds[2].revents().is_empty();
        let host_gone =
            self.host.is_some() && fds.last().is_some_and(|fd| !fd.revents().is_empty());
        drop(fds);
        if ready == 0 {
            return;
        }
        let mut buffer = [0; 1024];
        while matches!(rustix::io::read(&self.children, &mut buffer), Ok(taken) if taken > 0) {}
        if control_ready {
            self.obey();
        }
        if wrapper_gone {
            self.lose_wrapper();
        }
        if host_gone {
            self.host = None;
            tell(&self.control, &Report::HostDied);
            if matches!(self.wrapper, Wrapper::Alive) {
                self.wrapper = Wrapper::MustBeDoneBy(answers_by(Instant::now(), &self.stage));
            }
        }
    }

    fn obey(&mut self) {
        loop {
            let now = Instant::now();
            match protocol::receive(&self.control, RecvFlags::DONTWAIT) {
                Received::NothingYet => return,
                Received::Closed => return self.lose_wrapper(),
                Received::Packet(text, _) => match Command::decode(&text) {
                    Some(Command::Signal(signal)) => {
                        if let Some(signal) = Signal::from_named_raw(signal) {
                            self.held.signal(signal);
                        }
                    }
                    Some(Command::Stop { term_ms, kill_ms }) => {
                        let after = |ms: u32| now + Duration::from_millis(ms.into());
                        self.stage.stop(after(term_ms), after(kill_ms));
                        // Whoever orders a stop does not hang.
                        if let Wrapper::MustBeDoneBy(by) = self.wrapper {
                            let stop = after(kill_ms) + WRAPPER_MARGIN;
                            self.wrapper = Wrapper::MustBeDoneBy(by.max(stop));
                        }
                    }
                    Some(Command::Alive { done_in_ms }) => {
                        if let Wrapper::MustBeDoneBy(_) = self.wrapper {
                            let done = Duration::from_millis(done_in_ms.into());
                            self.wrapper = Wrapper::MustBeDoneBy(now + done + WRAPPER_MARGIN);
                        }
                    }
                    Some(Command::Release) => return self.let_go(),
                    // A wrapper that talks nonsense is not the one we know.
                    None => return self.lose_wrapper(),
                },
            }
        }
    }

    fn judge_wrapper(&mut self, now: Instant) {
        if let Wrapper::MustBeDoneBy(by) = self.wrapper
            && now >= by
        {
            // It hangs: with the host gone nobody else will end it.
            let _gone_meanwhile = pidfd_send_signal(&self.wrapper_pidfd, Signal::KILL);
            self.lose_wrapper();
        }
    }

    /// The wrapper needs this guard no more, if the tree is empty as it says.
    fn let_go(&mut self) {
        if matches!(self.stage, Stage::Empty(_)) {
            self.wrapper = Wrapper::LetGo;
        } else {
            self.lose_wrapper();
        }
    }

    fn lose_wrapper(&mut self) {
        if matches!(self.wrapper, Wrapper::Lost(_) | Wrapper::LetGo) {
            return;
        }
        let now = Instant::now();
        self.wrapper = Wrapper::Lost(now);
        self.stage.stop(now, now);
    }

    /// Collects ended children; learns from them of the leader and of the end.
    fn reap(&mut self) {
        if matches!(self.stage, Stage::Empty(_)) {
            return;
        }
        let nobody_left = loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Leader::Running(LeaderEnd::Child(leader)) = &self.leader
                        && raw(*leader) == raw(pid)
                    {
                        self.leader_ended(status.as_raw());
                    }
                }
                Ok(None) => break false,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => break true,
            }
        };
        self.read_leader_status();
        let cgroup_empty = self
            .held
            .cgroup
            .as_ref()
            .is_none_or(crate::cgroup::Cgroup::is_empty);
        if nobody_left && cgroup_empty {
            self.emptied();
        }
    }

    fn read_leader_status(&mut self) {
        let Leader::Running(LeaderEnd::Pipe(pipe)) = &self.leader else {
            return;
        };
        let mut fds = [PollFd::new(pipe, PollFlags::IN)];
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if !matches!(poll(&mut fds, Some(&none)), Ok(ready) if ready > 0) {
            return;
        }
        let mut status = [0; 4];
        // A keeper that was killed took the server along: signal 9.
        let status = match rustix::io::read(pipe.as_fd(), &mut status) {
            Ok(4) => i32::from_ne_bytes(status),
            Ok(_) | Err(_) => 9,
        };
        self.leader_ended(status);
    }

    fn leader_ended(&mut self, status: i32) {
        self.leader = Leader::Ended;
        tell(&self.control, &Report::LeaderEnded(status));
    }

    fn emptied(&mut self) {
        let force = self.stage.force();
        self.stage = Stage::Empty(force);
        if let Some(cgroup) = self.held.cgroup.take() {
            cgroup.remove();
        }
        if let Some(path) = self.ledger.take() {
            ledger::forget(&path);
        }
        tell(&self.control, &Report::Empty(force));
    }

    /// Writes the last line of the run, which the wrapper can no longer write.
    fn part_alone(&self, since: Instant) -> Parted {
        let mut fds = [PollFd::new(&self.wrapper_pidfd, PollFlags::IN)];
        // A dying process closes its sockets before its end can be seen.
        let soon = Timespec {
            tv_sec: 0,
            tv_nsec: 100_000_000,
        };
        if !matches!(poll(&mut fds, Some(&soon)), Ok(ready) if ready > 0) {
            return Parted::InOrder;
        }
        let survivors: Vec<String> = procfs::descendants(procfs::own_pid(), &[])
            .iter()
            .map(|process| format!("{{\"pid\":{}}}", process.pid))
            .collect();
        let line = format!(
            "dropgate: report {{\"survivors\":[{}],\"leaked\":{},\"containment\":\"{}\",\
             \"trigger\":\"wrapper_lost\",\"exit_ms\":{}}}\n",
            survivors.join(","),
            !survivors.is_empty(),
            self.held.level,
            since.elapsed().as_millis(),
        );
        // A reader that went away or a full pipe must not hold the guard back.
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let stderr = rustix::stdio::stderr();
        let mut fds = [PollFd::new(&stderr, PollFlags::OUT)];
        if matches!(poll(&mut fds, Some(&none)), Ok(ready) if ready > 0)
            && fds[0].revents().contains(PollFlags::OUT)
        {
            let _reader_gone = rustix::io::write(stderr, line.as_bytes());
        }
        Parted::WrapperDied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapper_in_a_stop_has_until_its_end() {
        let now = Instant::now();
        let usual = now + WRAPPER_ANSWERS_WITHIN;
        assert_eq!(answers_by(now, &Stage::Serving), usual);
        let mut stage = Stage::Serving;
        stage.stop(now, now + Duration::from_secs(3));
        let by = now + Duration::from_secs(3) + WRAPPER_MARGIN;
        assert_eq!(answers_by(now, &stage), by);
        stage.stop(now, now);
        assert_eq!(answers_by(now, &stage), usual);
    }
}
