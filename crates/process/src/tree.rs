//! A process tree that is owned: the crate's main type.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};

use crate::cgroup::Cgroup;
use crate::event::{Event, Exit, Grace, Stopped};
use crate::ledger;
use crate::level::Level;
use crate::mark::Mark;
use crate::procfs::{self, Process};
use crate::protocol::{self, Command, Force, Received, Report};
use crate::registry;
use crate::signalling;
use crate::spawn::Begun;
use crate::spec::Orphans;
use crate::started::Skipped;
use crate::takeover::{self, Emptied};

/// A process tree with a guard beside it.
///
/// Dropping it kills the tree at once and waits up to a second until it is
/// gone. That needs no async runtime, and it happens even without the drop:
/// the guard ends the tree when this process ends, however it ends.
#[derive(Debug)]
pub struct Tree {
    control: OwnedFd,
    guard_pid: Pid,
    guard: Process,
    begun: Known,
    inner: Mutex<Inner>,
}

/// What was settled when the tree began.
#[derive(Debug)]
struct Known {
    level: Level,
    leader: Process,
    keepers: Vec<i32>,
    cgroup: Option<PathBuf>,
    skipped: Vec<Skipped>,
    mark: Mark,
    orphans: Orphans,
    ledger: io::Result<PathBuf>,
}

#[derive(Debug, Default)]
struct Inner {
    leader: Option<Exit>,
    end: Option<End>,
    guard: GuardState,
}

#[derive(Debug)]
enum End {
    Empty(Force),
    Survivors(Vec<Process>),
}

#[derive(Debug, Default, PartialEq, Eq)]
enum GuardState {
    #[default]
    Holding,
    Lost,
    Reaped,
}

impl Tree {
    pub(crate) fn new(
        control: OwnedFd,
        guard_pid: Pid,
        guard: Process,
        begun: Begun,
        mark: Mark,
        orphans: Orphans,
        ledger: io::Result<PathBuf>,
    ) -> Self {
        let Begun {
            level,
            leader,
            keepers,
            cgroup,
            skipped,
        } = begun;
        let cgroup = (!cgroup.is_empty()).then(|| PathBuf::from(cgroup));
        registry::enter(&mark.cookie, guard.pid);
        let begun = Known {
            level,
            leader,
            keepers,
            cgroup,
            skipped,
            mark,
            orphans,
            ledger,
        };
        Self {
            control,
            guard_pid,
            guard,
            begun,
            inner: Mutex::default(),
        }
    }

    /// The level in force.
    #[must_use]
    pub fn level(&self) -> Level {
        self.begun.level
    }

    /// Levels that were preferred and could not be had.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.begun.skipped
    }

    /// Why the ledger has no file for this tree, if it has none: then the next
    /// start can not sweep what is left if this process and the guard are both
    /// killed at once.
    #[must_use]
    pub fn ledger_problem(&self) -> Option<&io::Error> {
        self.begun.ledger.as_ref().err()
    }

    /// The server's first process.
    #[must_use]
    pub fn leader(&self) -> Process {
        self.begun.leader
    }

    /// The guard.
    #[must_use]
    pub fn guard(&self) -> Process {
        self.guard
    }

    /// The live processes of the tree, without our own.
    #[must_use]
    pub fn survivors(&self) -> Vec<Process> {
        let mut all = match self.lock().guard {
            GuardState::Holding => procfs::descendants(self.guard.pid, &[]),
            GuardState::Lost | GuardState::Reaped => self.begun.mark.carriers(),
        };
        if let Some(cgroup) = self.cgroup() {
            all.extend(cgroup.members());
            all.sort_unstable();
            all.dedup();
        }
        all.retain(|process| !self.begun.keepers.contains(&process.pid));
        all
    }

    /// Sends a signal to every process of the tree.
    ///
    /// # Errors
    /// When the guard is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.command(&Command::Signal(signal.as_raw()))
    }

    /// SIGTERM to the whole tree, and SIGCONT so that stopped ones heed it.
    ///
    /// # Errors
    /// When the guard is gone.
    pub fn terminate(&self) -> io::Result<()> {
        self.command(&Command::Stop {
            term_ms: 0,
            kill_ms: u32::MAX,
        })
    }

    /// SIGKILL to the whole tree, as often as needed. Returns at once; the end
    /// is an [`Event::Empty`].
    ///
    /// # Errors
    /// When the guard is gone.
    pub fn kill(&self) -> io::Result<()> {
        self.command(&Command::Stop {
            term_ms: 0,
            kill_ms: 0,
        })
    }

    /// Tells the guard, after [`Event::HostDied`], that this process knows and
    /// will be done within the given time. Without this, or after that time,
    /// the guard takes this process for hung and kills it with the tree. A
    /// [`Tree::stop`] says as much: until it is due to send SIGKILL, and a
    /// little longer. The tree is to be dropped soon after that.
    ///
    /// # Errors
    /// When the guard is gone.
    pub fn alive(&self, done_in: Duration) -> io::Result<()> {
        self.command(&Command::Alive {
            done_in_ms: millis(done_in),
        })
    }

    /// Stops the tree and returns when it is proved empty, or when it is
    /// certain that something resists SIGKILL. Closing the server's stdin
    /// before is up to the caller, who owns it.
    ///
    /// The guard does the work: a caller that gives up waiting, or several that
    /// wait at once, change nothing about it.
    pub fn stop(&self, grace: Grace) -> Stopped {
        let (term_ms, kill_ms) = (millis(grace.term_after), millis(grace.kill_after));
        // If the guard is gone this is found out below.
        let _guard_lost = self.command(&Command::Stop { term_ms, kill_ms });
        let until = Instant::now() + grace.kill_after + takeover::KILL_WITHIN * 2;
        loop {
            for event in self.take_events() {
                if event == Event::GuardLost {
                    self.take_over();
                }
            }
            if let Some(stopped) = self.stopped() {
                return stopped;
            }
            if Instant::now() >= until {
                return self.not_proved();
            }
            self.wait_ready(until);
        }
    }

    fn not_proved(&self) -> Stopped {
        let leader = self.lock().leader;
        Stopped {
            survivors: self.survivors(),
            force: Force::Killed,
            leader,
        }
    }

    fn stopped(&self) -> Option<Stopped> {
        let inner = self.lock();
        let (survivors, force) = match inner.end.as_ref()? {
            End::Empty(force) => (Vec::new(), *force),
            End::Survivors(survivors) => (survivors.clone(), Force::Killed),
        };
        Some(Stopped {
            survivors,
            force,
            leader: inner.leader,
        })
    }

    /// Waits until there is an event, at most until the given instant.
    pub fn wait_ready(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        // Another thread may take the event that this one waits for.
        let slice = left.min(Duration::from_millis(100));
        let timeout = Timespec::try_from(slice).unwrap_or(Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        });
        let mut fds = [PollFd::new(&self.control, PollFlags::IN)];
        let _spurious_is_fine = poll(&mut fds, Some(&timeout));
    }

    /// What happened since the last call; never blocks. The tree's descriptor
    /// (`AsFd`) is readable when there is something.
    pub fn take_events(&self) -> Vec<Event> {
        let mut inner = self.lock();
        let mut events = Vec::new();
        while inner.guard == GuardState::Holding {
            match protocol::receive(&self.control, RecvFlags::DONTWAIT) {
                Received::NothingYet => break,
                Received::Closed => {
                    inner.guard = GuardState::Lost;
                    if !matches!(inner.end, Some(End::Empty(_))) {
                        events.push(Event::GuardLost);
                    }
                }
                Received::Packet(text, _) => events.extend(inner.learn(&text)),
            }
        }
        events
    }

    /// Looks whether the guard was stopped, and if so ends it: whoever stops it
    /// wants the tree to outlive its owner. To be called on SIGCHLD by owners
    /// that can know of it.
    pub fn check_guard(&self) {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        if let Ok(Some(status)) = waitid(WaitId::Pid(self.guard_pid), options)
            && status.stopped()
        {
            signalling::send(self.guard, Signal::KILL);
        }
    }

    /// Empties the tree without the guard, after [`Event::GuardLost`]. Blocks,
    /// usually for some milliseconds and at most for
    /// [`takeover::KILL_WITHIN`] twice.
    pub fn take_over(&self) -> Stopped {
        self.reap_guard();
        let emptied = takeover::empty(&self.begun.mark, self.cgroup(), self.begun.orphans);
        let mut inner = self.lock();
        let survivors = match emptied {
            Emptied::Proved => {
                if let Ok(path) = &self.begun.ledger {
                    ledger::forget(path);
                }
                inner.end = Some(End::Empty(Force::Killed));
                Vec::new()
            }
            Emptied::Not(mut left) => {
                if left.is_empty() {
                    // Nobody could be looked for, so the leader counts as there.
                    left.push(self.begun.leader);
                }
                inner.end = Some(End::Survivors(left.clone()));
                left
            }
        };
        Stopped {
            survivors,
            force: Force::Killed,
            leader: inner.leader,
        }
    }

    fn reap_guard(&self) {
        // A guard that is lost but not dead would go on with its own stop.
        signalling::send(self.guard, Signal::KILL);
        self.await_guard();
    }

    /// Reaps the guard, which leaves within milliseconds unless something
    /// resists SIGKILL; then it goes on by itself and is not waited for.
    fn await_guard(&self) {
        let until = Instant::now() + Duration::from_secs(1);
        while self.guard.is_alive() && Instant::now() < until {
            let pause = Timespec {
                tv_sec: 0,
                tv_nsec: 500_000,
            };
            let _paused = poll(&mut [], Some(&pause));
        }
        if self.guard.is_alive() {
            return;
        }
        let mut inner = self.lock();
        if inner.guard != GuardState::Reaped {
            inner.guard = GuardState::Reaped;
            let pid = Some(self.guard_pid);
            let _reaped = rustix::io::retry_on_intr(|| waitpid(pid, WaitOptions::empty()));
            registry::leave(&self.begun.mark.cookie);
        }
    }

    fn cgroup(&self) -> Option<Cgroup> {
        Cgroup::existing(self.begun.cgroup.as_deref()?, &self.begun.mark.cookie)
    }

    fn command(&self, command: &Command) -> io::Result<()> {
        protocol::send(&self.control, &command.encode(), &[])
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn learn(&mut self, packet: &str) -> Option<Event> {
        Some(match Report::decode(packet)? {
            Report::LeaderEnded(status) => {
                let exit = Exit::from_raw(status);
                self.leader = Some(exit);
                Event::LeaderExited(exit)
            }
            Report::HostDied => Event::HostDied,
            Report::Empty(force) => {
                self.end = Some(End::Empty(force));
                Event::Empty(force)
            }
            Report::Survivors(survivors) => {
                self.end = Some(End::Survivors(survivors.clone()));
                Event::Survivors(survivors)
            }
            Report::Started { .. }
            | Report::Skipped { .. }
            | Report::ProgramFailed(_)
            | Report::Uncontained => return None,
        })
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let empty = matches!(self.lock().end, Some(End::Empty(_)));
        if !empty {
            let now = Duration::ZERO;
            self.stop(Grace {
                term_after: now,
                kill_after: now,
            });
        }
        // Without this word the guard takes our silence for our death.
        let _guard_lost = self.command(&Command::Release);
        // The guard leaves when it hears nothing more from us.
        let _already_gone = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
        self.await_guard();
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
