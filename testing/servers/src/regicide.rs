//! The server that kills its owner.
//!
//! Nothing is killed that was not pointed at: processes given by number, and ancestors up to, but
//! without, the process given by `--stop-at`. If that process is no ancestor, none is touched: the
//! owner has hidden itself, and that is the result.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

use dropgate_probe::servers::offspring::{self, Holds};
use dropgate_probe::servers::protocol::Usual;
use dropgate_probe::servers::roll::Launch;
use dropgate_probe::servers::tools::{Answer, Reply, Tool};
use dropgate_probe::servers::{AtEof, conclude};
use rustix::process::{Pid, PidfdFlags, Signal, getuid, pidfd_open, pidfd_send_signal};

use crate::stage::{Failure, talk};

/// The tool that strikes. Its text lists the processes that were sent SIGKILL.
pub const STRIKE: &str = "strike";

const STOP_AT: &str = "--stop-at";

/// Ancestors looked at, at most.
const MAX_ANCESTORS: usize = 64;

pub(crate) fn regicide(launch: &Launch) -> Result<ExitCode, Failure> {
    let targets = Targets::parse(&launch.args)?;
    offspring::daemon(&launch.roll, Holds::Nothing)?;
    let strike = move |_: &_| {
        vec![Tool::inline(STRIKE, "Kills the owner", &[], move |_| {
            let struck: Vec<_> = targets.strike().iter().map(Pid::to_string).collect();
            Answer::Reply(Reply::Text(struck.join(" ")))
        })]
    };
    let end = talk("regicide", launch, strike, &mut Usual);
    Ok(conclude(end, AtEof::Exit))
}

struct Targets {
    given: Vec<Pid>,
    stop_at: Option<Pid>,
}

impl Targets {
    fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut targets = Self {
            given: Vec::new(),
            stop_at: None,
        };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if arg == STOP_AT {
                let value = rest
                    .next()
                    .ok_or_else(|| format!("{STOP_AT} needs a process id after it"))?;
                targets.stop_at = Some(process_id(value)?);
            } else {
                targets.given.push(process_id(arg)?);
            }
        }
        if targets.given.is_empty() && targets.stop_at.is_none() {
            return Err(format!("give process ids, or {STOP_AT} PID").into());
        }
        Ok(targets)
    }

    /// Kills, and tells whom. All targets are held before the first is struck.
    fn strike(&self) -> Vec<Pid> {
        let own = getuid().as_raw();
        let ancestors = self.stop_at.map_or_else(Vec::new, ancestors_below);
        let held: Vec<_> = ancestors
            .iter()
            .chain(&self.given)
            .filter(|pid| {
                fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == own)
            })
            .filter_map(|pid| Some((*pid, pidfd_open(*pid, PidfdFlags::empty()).ok()?)))
            .collect();
        held.iter()
            .filter(|(_, pidfd)| pidfd_send_signal(pidfd, Signal::KILL).is_ok())
            .map(|(pid, _)| *pid)
            .collect()
    }
}

fn process_id(text: &str) -> Result<Pid, Failure> {
    text.parse::<i32>()
        .ok()
        .filter(|number| *number > 1)
        .and_then(Pid::from_raw)
        .ok_or_else(|| format!("{text:?} is no process id above 1").into())
}

fn ancestors_below(stop_at: Pid) -> Vec<Pid> {
    let mut line = Vec::new();
    let mut next = rustix::process::getppid();
    while let Some(pid) = next {
        if pid == stop_at {
            return line;
        }
        if pid.is_init() || line.len() == MAX_ANCESTORS {
            break;
        }
        line.push(pid);
        next = parent_of(pid);
    }
    Vec::new()
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses included.
    let (_, after_name) = stat.rsplit_once(')')?;
    let parent = after_name.split_whitespace().nth(1)?;
    Pid::from_raw(parent.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Targets, Failure> {
        Targets::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_is_a_target_unless_it_was_named() {
        for args in [
            &[][..],
            &["0"],
            &["1"],
            &["-5"],
            &["--stop-at"],
            &["--stop-at", "1"],
        ] {
            assert!(matches!(parse(args), Err(Failure::Usage(_))), "{args:?}");
        }
        assert_eq!(parse(&["5", "--stop-at", "7"]).unwrap().given.len(), 1);
    }

    #[test]
    fn an_owner_that_is_no_ancestor_saves_the_whole_line() {
        let stranger = Pid::from_raw(i32::MAX).unwrap();
        assert!(ancestors_below(stranger).is_empty());
        let parent = rustix::process::getppid().unwrap();
        assert!(ancestors_below(parent).is_empty());
    }
}
