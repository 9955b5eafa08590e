//! A cgroup v2 for each run.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Emptied;
use crate::problem::{Checked, Says as _};
use crate::procfs::{Seen, seen};

/// How deep cgroups below a leaf are looked into.
const DEPTH: u8 = 8;

/// How long killed processes may take to be gone.
const CLEARED_WITHIN: Duration = Duration::from_secs(5);

/// The cgroup below which the runs of one test program have theirs. Removed when dropped.
#[derive(Debug)]
pub struct Nursery {
    path: PathBuf,
}

impl Nursery {
    /// Makes the cgroup, below the root of the hierarchy for root and below the own one otherwise.
    ///
    /// # Errors
    /// Says why there can be none: no cgroup v2, or no right to make one.
    pub fn make() -> Checked<Self> {
        let mount = mount()?;
        let parent = if rustix::process::geteuid().is_root() {
            mount
        } else {
            let own = fs::read_to_string("/proc/self/cgroup").says("/proc/self/cgroup")?;
            let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
            mount.join(own.says("this process is in no cgroup v2")?)
        };
        let path = parent.join(format!("dropgate-world-{}", std::process::id()));
        fs::create_dir(&path).says(path.display())?;
        let made = Self { path };
        // A cgroup that can't be entered is of no use.
        fs::create_dir(made.outside()).says("a cgroup for hosts")?;
        if !made.path.join("cgroup.kill").exists() {
            return Err("this kernel has no cgroup.kill".to_owned());
        }
        Ok(made)
    }

    /// A cgroup for one run. With an owner it is delegated: that user may make cgroups below it.
    ///
    /// # Errors
    /// It can't be made or given away.
    pub fn leaf(&self, name: &str, owner: Option<u32>) -> Checked<Leaf> {
        let path = self.path.join(name.replace('/', "-"));
        fs::create_dir(&path).says(path.display())?;
        let leaf = Leaf { path };
        if owner.is_some() {
            for file in [
                "",
                "cgroup.procs",
                "cgroup.threads",
                "cgroup.subtree_control",
            ] {
                chown(leaf.path.join(file), owner, owner).says("give the cgroup away")?;
            }
        }
        Ok(leaf)
    }

    /// Moves a process out of a leaf.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn take_out(&self, pid: u32) -> Checked {
        fs::write(self.outside().join("cgroup.procs"), pid.to_string()).says("leave the cgroup")
    }

    fn outside(&self) -> PathBuf {
        self.path.join("hosts")
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        remove_below(&self.path, DEPTH);
    }
}

/// The cgroup of one run. Dropping it kills what is left and removes it.
#[derive(Debug)]
pub struct Leaf {
    path: PathBuf,
}

impl Leaf {
    /// Where it is in the file system.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves a process in.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn take_in(&self, pid: u32) -> Checked {
        fs::write(self.path.join("cgroup.procs"), pid.to_string()).says("enter the cgroup")
    }

    /// Cgroups that were made below it.
    #[must_use]
    pub fn below(&self) -> Vec<PathBuf> {
        folders(&self.path).collect()
    }

    pub(super) fn alive(&self) -> Vec<Seen> {
        let mut all = Vec::new();
        members(&self.path, DEPTH, &mut all);
        all
    }

    pub(super) fn empty_by(&self, until: Instant) -> Emptied {
        match self.await_empty(until) {
            Ok(emptied) => emptied,
            // The run removes only what it made; without the file there is nobody in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Emptied::At(Instant::now()),
            Err(_) => Emptied::NotInTime,
        }
    }

    fn await_empty(&self, until: Instant) -> io::Result<Emptied> {
        let mut events = File::open(self.path.join("cgroup.events"))?;
        loop {
            let mut text = String::new();
            events.rewind()?;
            events.read_to_string(&mut text)?;
            let now = Instant::now();
            if text.lines().any(|line| line == "populated 0") {
                return Ok(Emptied::At(now));
            }
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Ok(Emptied::NotInTime);
            }
            // The kernel tells of a change as exceptional data.
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut fds = [PollFd::new(&events, PollFlags::PRI)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn clear(&self) {
        let _gone_already = fs::write(self.path.join("cgroup.kill"), "1");
        let _reported_by_removal = self.empty_by(Instant::now() + CLEARED_WITHIN);
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.clear();
        remove_below(&self.path, DEPTH);
    }
}

fn members(path: &Path, depth: u8, all: &mut Vec<Seen>) {
    let pids = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    all.extend(pids.lines().filter_map(|pid| seen(pid.parse().ok()?)));
    if depth > 0 {
        for below in folders(path) {
            members(&below, depth - 1, all);
        }
    }
}

fn remove_below(path: &Path, depth: u8) {
    if depth > 0 {
        for below in folders(path) {
            remove_below(&below, depth - 1);
        }
    }
    let _still_populated = fs::remove_dir(path);
}

fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

fn mount() -> Checked<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").says("/proc/self/mountinfo")?;
    mounts
        .lines()
        .filter_map(|line| line.split_once(" - "))
        .find(|(_, kind)| kind.split(' ').next() == Some("cgroup2"))
        .and_then(|(mount, _)| mount.split(' ').nth(4))
        .map(PathBuf::from)
        .says("no cgroup v2 is mounted")
}
