//! A cgroup v2 of one tree's own: membership is inherited and one write kills
//! every member at once.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::procfs::Process;

/// A cgroup that exists for one tree only.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

/// Every cgroup of ours begins so; the rest is the scope's cookie.
pub(crate) const PREFIX: &str = "dropgate-";

impl Cgroup {
    /// Makes a cgroup below this process's own.
    ///
    /// # Errors
    /// Says which step failed: no cgroup v2, no right to make one, or a kernel
    /// before 5.14, which can not kill a whole cgroup.
    pub(crate) fn create(cookie: &str) -> Result<Self, String> {
        let parent = own_path()?;
        let path = parent.join(format!("{PREFIX}{cookie}"));
        fs::create_dir(&path)
            .map_err(|error| format!("can not make a cgroup in {}: {error}", parent.display()))?;
        let made = Self { path };
        if !made.path.join("cgroup.kill").exists() {
            made.remove();
            return Err("this kernel has no cgroup.kill (Linux 5.14 has it)".to_owned());
        }
        Ok(made)
    }

    /// A cgroup that an earlier run made, if its name says so.
    pub(crate) fn existing(path: &Path, cookie: &str) -> Option<Self> {
        const CGROUP2: u64 = 0x6367_7270;
        let ours = path
            .file_name()
            .is_some_and(|name| *name == *format!("{PREFIX}{cookie}"));
        // A path that was forged must not lead the kill to another file.
        let real = fs::canonicalize(path).is_ok_and(|real| real == path);
        let kind = rustix::fs::statfs(path).ok()?.f_type;
        (ours && real && u64::try_from(kind) == Ok(CGROUP2)).then(|| Self {
            path: path.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves a process in; all that it forks from then on is in as well.
    pub(crate) fn admit(&self, pid: i32) -> Result<(), String> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string()).map_err(|error| {
            format!(
                "can not move a process into {}: {error}",
                self.path.display()
            )
        })
    }

    /// Its directory, for a fork straight into it.
    pub(crate) fn directory(&self) -> io::Result<OwnedFd> {
        use rustix::fs::{Mode, OFlags, open};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(open(&self.path, flags, Mode::empty())?)
    }

    /// Kills every member, those that are being forked included.
    pub(crate) fn kill(&self) {
        // A cgroup below it that the server made is killed along.
        let _gone_already = fs::write(self.path.join("cgroup.kill"), "1");
    }

    /// Whether the kernel says that no live process is in it or below it.
    pub(crate) fn is_empty(&self) -> bool {
        fs::read_to_string(self.path.join("cgroup.events")).map_or(true, |events| {
            events.lines().any(|line| line == "populated 0")
        })
    }

    /// The live members, those of cgroups below it included (to a depth of 8).
    pub(crate) fn members(&self) -> Vec<Process> {
        let mut found = Vec::new();
        collect_members(&self.path, 8, &mut found);
        found
    }

    /// Removes it and what the server made below it. Fails while a member
    /// lives, which the next sweep will meet.
    pub(crate) fn remove(&self) {
        remove_tree(&self.path, 8);
    }
}

fn collect_members(path: &Path, depth: u8, found: &mut Vec<Process>) {
    let procs = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    found.extend(
        procs
            .lines()
            .filter_map(|pid| Process::of(pid.parse().ok()?)),
    );
    if depth > 0 {
        for below in subdirectories(path) {
            collect_members(&below, depth - 1, found);
        }
    }
}

fn remove_tree(path: &Path, depth: u8) {
    if depth > 0 {
        for below in subdirectories(path) {
            remove_tree(&below, depth - 1);
        }
    }
    let _still_populated = fs::remove_dir(path);
}

fn subdirectories(path: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

/// Where this process's own cgroup v2 is in the file system.
fn own_path() -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| format!("can not read /proc/self/mountinfo: {error}"))?;
    let (root, mount) = mounts
        .lines()
        .find_map(cgroup2_mount)
        .ok_or("no cgroup v2 is mounted")?;
    let membership = fs::read_to_string("/proc/self/cgroup")
        .map_err(|error| format!("can not read /proc/self/cgroup: {error}"))?;
    let own = membership
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .ok_or("this process is in no cgroup v2")?;
    let below_root = own.strip_prefix(root.trim_end_matches('/')).unwrap_or(own);
    Ok(PathBuf::from(mount).join(below_root.trim_start_matches('/')))
}

/// The root and the mount point of a `mountinfo` line of type cgroup2.
fn cgroup2_mount(line: &str) -> Option<(&str, &str)> {
    let (mount, kind) = line.split_once(" - ")?;
    if kind.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    Some((fields.next()?, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mount_of_version_two_only() {
        let v2 = "42 32 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw";
        assert_eq!(cgroup2_mount(v2), Some(("/", "/sys/fs/cgroup/unified")));
        let v1 = "33 32 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu";
        assert_eq!(cgroup2_mount(v1), None);
        assert_eq!(cgroup2_mount(""), None);
    }

    #[test]
    fn a_cgroup_of_another_name_is_not_ours() {
        assert!(Cgroup::existing(Path::new("/sys/fs/cgroup"), "00ff").is_none());
    }
}
