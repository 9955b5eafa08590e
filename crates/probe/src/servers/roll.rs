//! The roll of a run: which processes it started, for whoever has to clean up.
//!
//! `--pids FILE` names it. Each process is one line `ROLE PID PIDNS`, where PIDNS is the inode of
//! the PID namespace in which PID counts. A parent enters its child as soon as the child exists,
//! before it answers anything, so a reader who got an answer finds every line. FILE may be a FIFO:
//! then a reader waits for lines by polling it.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::OFlags;

/// The option that names the roll.
pub const OPTION: &str = "--pids";

/// Where processes are entered, if anywhere.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    file: Option<PathBuf>,
}

impl Roll {
    /// Enters a process. A roll that can't be written is left alone: the run must not depend on it.
    pub fn enter(&self, role: &str, pid: u32) {
        let Some(file) = &self.file else { return };
        // Without a reader a FIFO refuses a writer that does not wait, which is what is wanted.
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(file);
        if let Ok(mut opened) = opened {
            let namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |ns| ns.ino());
            let _not_enrolled = opened.write_all(format!("{role} {pid} {namespace}\n").as_bytes());
        }
    }

    /// Enters the calling process.
    pub fn enter_self(&self, role: &str) {
        self.enter(role, std::process::id());
    }

    /// Hands the roll on to a process that is about to be started.
    pub fn pass_on(&self, command: &mut Command) {
        if let Some(file) = self.file() {
            command.arg(OPTION).arg(file);
        }
    }

    /// The file, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

/// The arguments of a server, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Where the processes of this run are entered.
    pub roll: Roll,
    /// What is left after the options that every server has.
    pub args: Vec<String>,
}

impl Launch {
    /// Takes `--pids FILE` out of the arguments; everything else stays in order.
    ///
    /// # Errors
    /// Says what is missing when the option has no value.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut launch = Self::default();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if arg != OPTION {
                launch.args.push(arg.clone());
                continue;
            }
            let Some(file) = rest.next() else {
                return Err(format!("{OPTION} needs the path of a file after it"));
            };
            launch.roll.file = Some(PathBuf::from(file));
        }
        Ok(launch)
    }

    /// The argument at `place` (from 0) as a number of at most `most`, or `default` if it is
    /// absent.
    ///
    /// # Errors
    /// Says which argument is no such number.
    pub fn number(&self, place: usize, default: u64, most: u64) -> Result<u64, String> {
        let Some(text) = self.args.get(place) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(number) if number <= most => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "argument {} is {text:?}; it must be a whole number from 0 to {most}",
                place + 1
            )),
        }
    }

    /// The argument at `place` (from 0).
    ///
    /// # Errors
    /// Says that `what` is missing.
    pub fn text(&self, place: usize, what: &str) -> Result<&str, String> {
        self.args
            .get(place)
            .map(String::as_str)
            .ok_or_else(|| format!("argument {} is missing: {what}", place + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Launch, String> {
        Launch::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_roll_is_taken_out_wherever_it_stands() {
        let launch = parse(&["7", "--pids", "/tmp/f", "8"]).unwrap();
        assert_eq!(launch.args, ["7", "8"]);
        assert_eq!(launch.roll.file(), Some(Path::new("/tmp/f")));
        assert!(parse(&["--pids"]).unwrap_err().contains("--pids"));
    }

    #[test]
    fn numbers_are_held_to_their_limit() {
        let launch = parse(&["10", "11", "x"]).unwrap();
        assert_eq!(launch.number(0, 0, 10), Ok(10));
        assert!(launch.number(1, 0, 10).unwrap_err().contains("argument 2"));
        assert!(launch.number(2, 0, 10).is_err());
        assert_eq!(launch.number(3, 5, 10), Ok(5));
    }
}
