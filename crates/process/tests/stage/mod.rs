//! Small real programs, and ways to see whether they are there.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dropgate_process::{Containment, Level, Process, Spawned, Spec, StandardStreams, Tree};

pub(crate) type Verdict = Result<(), String>;

/// No process here may take longer to begin or to end.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

/// A shell script as the leader of a tree.
pub(crate) fn script(level: Level, text: &str) -> Result<(Tree, StandardStreams), String> {
    let spec = Spec::new("sh")
        .args(["-c", text])
        .containment(Containment::Exactly(level));
    let Spawned { tree, streams } = spec.spawn().map_err(|error| error.to_string())?;
    Ok((tree, streams.ok_or("no pipes")?))
}

/// Reads lines from the server until one says this; that is how a script tells
/// that it is where the test wants it.
pub(crate) fn await_line(stdout: OwnedFd, wanted: &str) -> Result<BufReader<File>, String> {
    let mut reader = BufReader::new(File::from(stdout));
    let mut line = String::new();
    while reader
        .read_line(&mut line)
        .map_err(|error| error.to_string())?
        > 0
    {
        if line.trim_end() == wanted {
            return Ok(reader);
        }
        line.clear();
    }
    Err(format!("the script ended before it said {wanted:?}"))
}

/// Waits until a condition holds, looking again as time passes; a bound, not a
/// guess, ends it.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Verdict {
    let until = Instant::now() + BOUND;
    while !holds() {
        if Instant::now() >= until {
            return Err(format!("not within {} s: {what}", BOUND.as_secs()));
        }
        std::thread::yield_now();
    }
    Ok(())
}

pub(crate) fn all_gone(processes: &[Process]) -> Verdict {
    let left: Vec<_> = processes
        .iter()
        .filter(|process| process.is_alive())
        .collect();
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("still there: {left:?}"))
    }
}

/// The members of a tree, once there are so many.
pub(crate) fn members(tree: &Tree, count: usize) -> Result<Vec<Process>, String> {
    let mut found = Vec::new();
    eventually(&format!("{count} members"), || {
        found = tree.survivors();
        found.len() == count
    })
    .map_err(|why| format!("{why}, but {found:?}"))?;
    Ok(found)
}

pub(crate) fn ensure(holds: impl Into<Option<()>>, why: impl FnOnce() -> String) -> Verdict {
    holds.into().ok_or_else(why)
}

/// A folder of one row's own.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("dropgate-tree-{}-{count}", std::process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed_already = fs::remove_dir_all(&self.0);
    }
}
