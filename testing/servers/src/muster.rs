//! Every process of a run: who was started, who is there, and the end of all of them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dropgate_probe::servers::roll::OPTION;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::lines::Lines;

/// Rounds of looking for processes that were missed, at most.
const MAX_ROUNDS: usize = 1_000;

/// Time that a process may be on its way into a program, on a machine that gives it little of its
/// own; what takes longer has no command line.
const EXECUTED_WITHIN: Duration = Duration::from_secs(10);

/// Time that killed processes have to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// One line of the roll: a process as it, or its parent, entered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The part that it plays.
    pub role: String,
    /// Its number, in the PID namespace that entered it.
    pub pid: i32,
    /// Inode of that namespace.
    pub namespace: u64,
}

/// The roll of one run, as a FIFO in a directory of its own.
///
/// Every process of a run has the path of the roll in its command line, whatever its environment,
/// session or parent. That is how [`present`](Self::present) finds them, in PID namespaces too,
/// and without any help from the owner that is being tested. So the owner's own command line
/// counts as well, as long as it holds the path.
///
/// Dropping the muster ends every process that is still there.
pub struct Muster {
    dir: PathBuf,
    roll: PathBuf,
    lines: Lines,
}

impl Muster {
    /// A fresh roll.
    ///
    /// # Errors
    /// The directory or the FIFO can't be made.
    pub fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let dir = std::env::temp_dir().join(format!(
            "dropgate-muster-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir(&dir)?;
        let roll = dir.join("roll");
        let open = || -> rustix::io::Result<OwnedFd> {
            let mode = Mode::RUSR | Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, &roll, FileType::Fifo, mode, 0)?;
            // Open for both directions, so that it has no end while nobody writes.
            let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
            rustix::fs::open(&roll, flags, Mode::empty())
        };
        match open() {
            Ok(fifo) => Ok(Self {
                lines: Lines::new(fifo),
                dir,
                roll,
            }),
            Err(error) => {
                let _ = fs::remove_dir_all(&dir);
                Err(error.into())
            }
        }
    }

    /// The arguments that hand the roll to a server.
    #[must_use]
    pub fn options(&self) -> [&OsStr; 2] {
        [OsStr::new(OPTION), self.roll.as_os_str()]
    }

    /// A directory for files of the run, removed with the muster.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The next process that was entered.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when none was entered `within` the time.
    pub fn next(&mut self, within: Duration) -> io::Result<Entry> {
        let line = self.lines.next(within)?.unwrap_or_default();
        parse(&line).ok_or_else(|| {
            io::Error::other(format!("no entry: {:?}", String::from_utf8_lossy(&line)))
        })
    }

    /// The processes that are alive now, by the numbers of the caller's PID namespace. Processes
    /// that have ended but were not waited for are not alive.
    ///
    /// # Errors
    /// The process table can't be read.
    pub fn present(&self) -> io::Result<Vec<Pid>> {
        let mut present = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let pid = name.to_str().and_then(|name| name.parse().ok());
            if let Some(pid) = pid.and_then(Pid::from_raw).filter(|pid| self.marks(*pid)) {
                present.push(pid);
            }
        }
        Ok(present)
    }

    /// Waits until exactly `count` processes are alive, by waiting for ends of those there are.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] names the processes that are alive instead, also when they are
    /// too few and no end could change that.
    pub fn settle(&self, count: usize, within: Duration) -> io::Result<Vec<Pid>> {
        let deadline = Instant::now() + within;
        loop {
            let held = self.hold()?;
            let present: Vec<Pid> = held.iter().map(|(pid, _)| *pid).collect();
            if present.len() == count {
                return Ok(present);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if present.len() < count || left.is_zero() {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{count} processes expected, alive: {present:?}"),
                ));
            }
            any_end(&held, left)?;
        }
    }

    /// Ends every process of the run: stops them until no new one turns up, kills them, and waits
    /// until they are gone.
    ///
    /// # Errors
    /// Some are still there; the text names them.
    pub fn dismiss(&self) -> io::Result<()> {
        let deadline = Instant::now() + GONE_WITHIN;
        let mut stopped: Vec<Pid> = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let held = self.hold()?;
            if held.is_empty() {
                return Ok(());
            }
            let fresh = held.iter().any(|(pid, _)| !stopped.contains(pid));
            let signal = if fresh { Signal::STOP } else { Signal::KILL };
            for (_, pidfd) in &held {
                // One that has ended meanwhile can't be signalled, and need not be.
                let _ = pidfd_send_signal(pidfd, signal);
            }
            stopped = held.iter().map(|(pid, _)| *pid).collect();
            if fresh {
                continue;
            }
            for process in held {
                let left = deadline.saturating_duration_since(Instant::now());
                any_end(&[process], left)?;
            }
        }
        Err(io::Error::other(format!(
            "still there: {:?}",
            self.present()?
        )))
    }

    /// The processes that are alive, each with a descriptor that can't come to mean another one.
    fn hold(&self) -> io::Result<Vec<(Pid, OwnedFd)>> {
        Ok(self
            .present()?
            .into_iter()
            .filter_map(|pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?)))
            .filter(|(pid, _)| self.marks(*pid))
            .collect())
    }

    fn marks(&self, pid: Pid) -> bool {
        let roll = self.roll.as_os_str().as_bytes();
        command_line(pid)
            .split(|byte| *byte == 0)
            .any(|arg| arg == roll)
    }
}

/// The command line of a process; empty once it has ended.
///
/// A process that is just being executed has a program and no command line yet, and its parent
/// may go on meanwhile, so that state is waited out.
fn command_line(pid: Pid) -> Vec<u8> {
    let deadline = Instant::now() + EXECUTED_WITHIN;
    loop {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let executing = line.is_empty() && fs::read_link(format!("/proc/{pid}/exe")).is_ok();
        if !executing || Instant::now() > deadline {
            return line;
        }
        std::thread::yield_now();
    }
}

impl Drop for Muster {
    fn drop(&mut self) {
        if let Err(error) = self.dismiss() {
            dropgate_probe::servers::say(&format!("muster: {error}"));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Waits until one of the processes has ended.
fn any_end(held: &[(Pid, OwnedFd)], within: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(within).map_err(io::Error::other)?;
    let mut fds: Vec<_> = held
        .iter()
        .map(|(_, pidfd)| PollFd::new(pidfd, PollFlags::IN))
        .collect();
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn parse(line: &[u8]) -> Option<Entry> {
    let mut parts = std::str::from_utf8(line).ok()?.split(' ');
    Some(Entry {
        role: parts.next()?.to_owned(),
        pid: parts.next()?.parse().ok()?,
        namespace: parts.next()?.parse().ok()?,
    })
}
