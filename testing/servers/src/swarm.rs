//! Servers that leave many processes, or processes that do not stay the same.
//!
//! Every count is an argument with a limit, and each process hands on less than it was given, so
//! a swarm ends by itself however it is interrupted.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitCode};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dropgate_probe::servers::offspring::{self, LIFETIME};
use dropgate_probe::servers::protocol::Usual;
use dropgate_probe::servers::roll::Launch;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open, setsid};

use crate::stage::{Failure, talk_and_exit};

/// One process of `hop`: `hopper FORKS`.
pub(crate) const HOPPER: &str = "hopper";

/// One process of `hydra`: `head FORKS UNTIL [SIBLING]`, UNTIL in seconds since 1970.
pub(crate) const HEAD: &str = "head";

/// One process of `forkbomb-lite`: `bomb PROCESSES`, itself included.
pub(crate) const BOMB: &str = "bomb";

const FORKS: u64 = 200;
const MAX_FORKS: u64 = 2_000;
const PROCESSES: u64 = 500;
const MAX_PROCESSES: u64 = 500;
const HOP: Duration = Duration::from_millis(2);

pub(crate) fn hop(launch: &Launch) -> Result<ExitCode, Failure> {
    let forks = launch.number(0, FORKS, MAX_FORKS)?;
    for _ in 0..2 {
        breed(launch, HOPPER, &[(forks / 2).saturating_sub(1)])?;
    }
    Ok(talk_and_exit("hop", launch, &mut Usual))
}

pub(crate) fn hopper(launch: &Launch) -> Result<ExitCode, Failure> {
    setsid()?;
    let forks = launch.number(0, 0, MAX_FORKS)?;
    if forks == 0 {
        offspring::rest();
        return Ok(ExitCode::SUCCESS);
    }
    thread::sleep(HOP);
    breed(launch, HOPPER, &[forks - 1])?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn hydra(launch: &Launch) -> Result<ExitCode, Failure> {
    let forks = launch.number(0, FORKS, MAX_FORKS)?;
    for _ in 0..2 {
        breed(launch, HEAD, &[forks / 2, now() + LIFETIME.as_secs()])?;
    }
    Ok(talk_and_exit("hydra", launch, &mut Usual))
}

pub(crate) fn head(launch: &Launch) -> Result<ExitCode, Failure> {
    setsid()?;
    let mut forks = launch.number(0, 0, MAX_FORKS)?;
    let until = launch.number(1, 0, u64::MAX)?;
    let parent = launch.number(2, 0, u64::from(u32::MAX))?;
    let mut sibling = parent_sibling(parent)?;
    loop {
        let left = Duration::from_secs(until.saturating_sub(now()));
        if let Some(sibling) = sibling.take()
            && sibling.outlived(left)? == Watch::TimeUp
        {
            return Ok(ExitCode::SUCCESS);
        }
        if forks == 0 {
            thread::sleep(left);
            return Ok(ExitCode::SUCCESS);
        }
        forks -= 1;
        let me = u64::from(std::process::id());
        let child = breed(launch, HEAD, &[forks, until, me])?;
        sibling = Some(Sibling::of_child(child)?);
    }
}

pub(crate) fn forkbomb(launch: &Launch) -> Result<ExitCode, Failure> {
    let processes = launch.number(0, PROCESSES, MAX_PROCESSES)?;
    if processes > 0 {
        breed(launch, BOMB, &[processes])?;
    }
    Ok(talk_and_exit("forkbomb-lite", launch, &mut Usual))
}

pub(crate) fn bomb(launch: &Launch) -> Result<ExitCode, Failure> {
    let more = launch.number(0, 1, MAX_PROCESSES)?.saturating_sub(1);
    for share in [more.div_ceil(2), more / 2] {
        if share > 0 {
            breed(launch, BOMB, &[share])?;
        }
    }
    offspring::rest();
    Ok(ExitCode::SUCCESS)
}

/// Starts one process of a swarm, without streams.
fn breed(launch: &Launch, part: &str, numbers: &[u64]) -> io::Result<Child> {
    let mut command = offspring::again(part, &launch.roll)?;
    command.args(numbers.iter().map(u64::to_string));
    offspring::start(offspring::silence(&mut command), part, &launch.roll)
}

/// The other process of a pair.
struct Sibling {
    pidfd: OwnedFd,
    child: Option<Child>,
}

#[derive(PartialEq, Eq)]
enum Watch {
    Dead,
    TimeUp,
}

impl Sibling {
    fn of_child(child: Child) -> io::Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a child without a pid"))?;
        Ok(Self {
            pidfd: pidfd_open(pid, PidfdFlags::empty())?,
            child: Some(child),
        })
    }

    /// Waits for the sibling to die, for at most `left`.
    fn outlived(mut self, left: Duration) -> io::Result<Watch> {
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: 0,
        };
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        if poll(&mut fds, Some(&timeout))? == 0 {
            return Ok(Watch::TimeUp);
        }
        if let Some(child) = &mut self.child {
            child.wait()?;
        }
        Ok(Watch::Dead)
    }
}

/// The parent as the other process of the pair; `None` if there is none or it has died already.
fn parent_sibling(parent: u64) -> Result<Option<Sibling>, Failure> {
    let Some(pid) = i32::try_from(parent).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return Ok(None);
    };
    // A parent that died before the pidfd was opened may have left its number to a stranger.
    if getppid() != Some(pid) {
        return Ok(None);
    }
    Ok(Some(Sibling { pidfd, child: None }))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
