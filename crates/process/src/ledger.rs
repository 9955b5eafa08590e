//! The ledger: one small file a tree, so that whoever starts next can finish
//! what a killed wrapper and a killed guard left.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::mark::Mark;
use crate::procfs::Process;

/// A file that is larger than this is not one of ours.
const MAX_FILE: u64 = 64 * 1024;
/// More than the system's name for a boot has, bytes.
const MAX_BOOT_ID: u64 = 64;

/// One fact about a tree, a line in its file.
pub(crate) enum Line {
    Wrapper(Process),
    Guard(Process),
    Keeper(Process),
    Leader(Process),
    Cgroup(PathBuf),
}

/// What a tree's file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) boot: String,
    pub(crate) pid_namespace: String,
    pub(crate) mark: Option<Mark>,
    pub(crate) wrapper: Option<Process>,
    pub(crate) guard: Option<Process>,
    pub(crate) keepers: Vec<Process>,
    pub(crate) leader: Option<Process>,
    pub(crate) cgroup: Option<PathBuf>,
}

/// The folders where files can be: the user's runtime directory, and a private
/// one under `/tmp` for sessions that have none. Both are read by a sweep, as
/// two hosts of one user may differ in their environment.
pub(crate) fn places() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join("dropgate/scopes"));
    let uid = rustix::process::geteuid().as_raw();
    let fallback = PathBuf::from(format!("/tmp/dropgate-{uid}/scopes"));
    runtime.into_iter().chain([fallback]).collect()
}

/// Makes the file of a new tree, complete from its first moment.
///
/// # Errors
/// When no place can be written to, or a place that should be private is not.
pub(crate) fn open(mark: &Mark, wrapper: Process) -> io::Result<PathBuf> {
    open_in(places(), mark, wrapper)
}

fn open_in(places: Vec<PathBuf>, mark: &Mark, wrapper: Process) -> io::Result<PathBuf> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for place in places {
        match private(&place).and_then(|()| write_new(&place, mark, wrapper)) {
            Ok(path) => return Ok(path),
            Err(error) => {
                let place = place.display();
                failure = io::Error::new(error.kind(), format!("{place}: {error}"));
            }
        }
    }
    Err(failure)
}

fn write_new(place: &Path, mark: &Mark, wrapper: Process) -> io::Result<PathBuf> {
    let mut text = format!(
        "dropgate-scope 1\nboot {}\npidns {}\nmark {} {}\n",
        boot_id()?,
        pid_namespace()?,
        mark.cookie,
        mark.limit
    );
    text.push_str(&Line::Wrapper(wrapper).encode());
    let path = place.join(&mark.cookie);
    let draft = place.join(format!(".{}", mark.cookie));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        let _never_made = fs::remove_file(&draft);
    }
    written.map(|()| path)
}

/// Makes a folder that only this user can reach, or checks that it is one.
fn private(place: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(place)?;
    is_private(place)
}

/// Fails unless only this user can put files there.
pub(crate) fn is_private(place: &Path) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    for dir in place.ancestors().take(2) {
        let meta = fs::symlink_metadata(dir)?;
        if !meta.is_dir() || meta.uid() != own || meta.mode() & 0o022 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "{} belongs to somebody else or is writable by others",
                    dir.display()
                ),
            ));
        }
    }
    Ok(())
}

/// Adds a fact. A ledger that can not be written costs only the sweep after
/// both owners were killed, so the tree goes on without it.
pub(crate) fn note(ledger: Option<&Path>, line: &Line) {
    let Some(path) = ledger else { return };
    let _costs_only_the_sweep = OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(line.encode().as_bytes()));
}

/// Removes the file of a tree that was proved empty.
pub(crate) fn forget(path: &Path) {
    let _gone_already = fs::remove_file(path);
}

/// Reads a file; lines that are torn or unknown are left out.
///
/// # Errors
/// When it is not a plain file of this user's: a sweep kills by what it says.
pub(crate) fn read(path: &Path) -> io::Result<Record> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    let meta = file.metadata()?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(Record::parse(&text))
}

impl Line {
    fn encode(&self) -> String {
        let mut line = String::new();
        let _infallible = match self {
            Self::Wrapper(one) => writeln!(line, "wrapper {} {}", one.pid, one.started_ticks),
            Self::Guard(one) => writeln!(line, "guard {} {}", one.pid, one.started_ticks),
            Self::Keeper(one) => writeln!(line, "keeper {} {}", one.pid, one.started_ticks),
            Self::Leader(one) => writeln!(line, "leader {} {}", one.pid, one.started_ticks),
            Self::Cgroup(path) => writeln!(line, "cgroup {}", path.display()),
        };
        line
    }
}

impl Record {
    fn parse(text: &str) -> Self {
        let mut record = Self::default();
        // What follows the last line end is a line that was cut short.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
            match kind {
                "boot" => rest.clone_into(&mut record.boot),
                "pidns" => rest.clone_into(&mut record.pid_namespace),
                "mark" => {
                    record.mark = rest.split_once(' ').and_then(|(cookie, limit)| {
                        Some(Mark {
                            cookie: cookie.to_owned(),
                            limit: limit.parse().ok()?,
                        })
                    });
                }
                "wrapper" => record.wrapper = process(rest),
                "guard" => record.guard = process(rest),
                "keeper" => record.keepers.extend(process(rest)),
                "leader" => record.leader = process(rest),
                "cgroup" => record.cgroup = Some(PathBuf::from(rest)),
                _later_version => {}
            }
        }
        record
    }
}

fn process(text: &str) -> Option<Process> {
    let (pid, ticks) = text.split_once(' ')?;
    Some(Process {
        pid: pid.parse().ok()?,
        started_ticks: ticks.parse().ok()?,
    })
}

/// Identifies this boot: pids and ticks of another mean nothing.
pub(crate) fn boot_id() -> io::Result<String> {
    let mut text = String::new();
    File::open("/proc/sys/kernel/random/boot_id")?
        .take(MAX_BOOT_ID)
        .read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

/// Identifies the namespaces in which this process reads pids and start
/// times: the numbers of others mean other processes.
pub(crate) fn pid_namespace() -> io::Result<String> {
    let pid = fs::read_link("/proc/self/ns/pid")?;
    // Kernels before 5.6 have no time namespaces, so all share one.
    let time = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Ok(format!("{} {}", pid.display(), time.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_can_not_be_had_is_named() {
        let places = ["/dev/null/first", "/dev/null/last"].map(PathBuf::from);
        let mark = Mark {
            cookie: "00ff".to_owned(),
            limit: 7,
        };
        let owner = Process {
            pid: 10,
            started_ticks: 20,
        };
        let error = open_in(places.to_vec(), &mark, owner).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        let text = error.to_string();
        assert!(text.starts_with("/dev/null/last: "), "{text}");
    }

    #[test]
    fn a_torn_last_line_is_left_out() {
        let text = "dropgate-scope 1\nboot b\npidns p\nmark 00ff 7\nwrapper 10 20\n\
                    guard 11 21\ncgroup /sys/fs/cgroup/a b\nleader 12 2";
        let record = Record::parse(text);
        assert_eq!(
            record.wrapper,
            Some(Process {
                pid: 10,
                started_ticks: 20
            })
        );
        assert_eq!(
            record.guard,
            Some(Process {
                pid: 11,
                started_ticks: 21
            })
        );
        assert_eq!(
            record.mark,
            Some(Mark {
                cookie: "00ff".to_owned(),
                limit: 7
            })
        );
        assert_eq!(record.cgroup, Some(PathBuf::from("/sys/fs/cgroup/a b")));
        assert_eq!(record.leader, None);
    }

    #[test]
    fn rubbish_is_an_empty_record() {
        for text in [
            "",
            "\n",
            "wrapper\n",
            "wrapper x y\n",
            "mark\n",
            "\u{0}\u{0}\n",
        ] {
            assert_eq!(Record::parse(text).wrapper, None, "{text:?}");
        }
    }
}
