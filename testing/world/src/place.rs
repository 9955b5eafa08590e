//! Where a test program plays: copies of the binaries that every user can execute, a folder for
//! each run, and the cgroups that are the ground truth.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, Permissions};
use std::iter;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use dropgate_process::{Containment, Level};

use crate::census::Nursery;
use crate::checks::say;
use crate::problem::{Checked, Says as _};

/// The ordinary user, when the test runs as root.
const NOBODY: u32 = 65_534;

/// Who runs dropgate and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Root.
    Root,
    /// A user without any privilege, with this number.
    Ordinary(u32),
}

impl User {
    /// Those that this test can be: root can be both.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let own = rustix::process::geteuid();
        if own.is_root() {
            vec![Self::Root, Self::Ordinary(NOBODY)]
        } else {
            vec![Self::Ordinary(own.as_raw())]
        }
    }

    /// The number to change to, when that is not the test's own.
    #[must_use]
    pub fn change(self) -> Option<u32> {
        match self {
            Self::Root => None,
            Self::Ordinary(uid) => (uid != rustix::process::geteuid().as_raw()).then_some(uid),
        }
    }

    /// The number.
    #[must_use]
    pub fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ordinary(uid) => uid,
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Ordinary(_) => "user",
        })
    }
}

/// One way of being contained: a grid of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Who.
    pub user: User,
    /// What is asked for.
    pub containment: Containment,
}

impl Column {
    /// Every user with every containment.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let exactly = Level::ALL.map(Containment::Exactly);
        let containments: Vec<_> = iter::once(Containment::Auto).chain(exactly).collect();
        User::all()
            .into_iter()
            .flat_map(|user| {
                let one = move |&containment| Self { user, containment };
                containments.iter().map(one).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The level that is asked for by name.
    #[must_use]
    pub fn level(self) -> Option<Level> {
        match self.containment {
            Containment::Auto | Containment::Strict => None,
            Containment::Exactly(level) => Some(level),
        }
    }

    /// The level that a run must report.
    #[must_use]
    pub fn expected_level(self, place: &Place) -> Level {
        // Only root, or a user whose own cgroup the test could use, can make one undelegated.
        let may_make = place.nursery.is_ok() && self.user.change().is_none();
        match self.containment {
            Containment::Auto if may_make => Level::Cgroup,
            Containment::Auto => Level::Guard,
            Containment::Strict => Level::Pidns,
            Containment::Exactly(level) => level,
        }
    }

    /// Why this machine can't play the column, by facts that dropgate has no part in.
    #[must_use]
    pub fn lacks(self, place: &Place) -> Option<String> {
        match self.level() {
            None | Some(Level::Guard) => None,
            Some(Level::Cgroup) => place.nursery.as_ref().err().cloned(),
            Some(Level::Ptrace) => tracing_denied(),
            Some(Level::Pidns) => self.namespaces_denied(),
        }
    }

    fn namespaces_denied(self) -> Option<String> {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--mount"]);
        match self.user {
            User::Root => {}
            User::Ordinary(_) => {
                unshare.args(["--user", "--map-root-user"]);
            }
        }
        if let Some(uid) = self.user.change() {
            unshare.uid(uid).gid(uid);
        }
        match unshare.arg("true").output() {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Some(format!("unshare: {error}")),
        }
    }
}

fn tracing_denied() -> Option<String> {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if ["2", "3"].contains(&scope.trim()) {
        return Some(format!("Yama's ptrace_scope is {}", scope.trim()));
    }
    let filtered = status.lines().any(|line| {
        let value = line.strip_prefix("Seccomp:").map(str::trim);
        value.is_some_and(|mode| mode != "0")
    });
    filtered.then(|| "a seccomp filter is in force, which may deny ptrace".to_owned())
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user, self.containment)
    }
}

/// The stage of one test program. Removed when dropped.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    /// The cgroups, or why there are none.
    pub nursery: Checked<Nursery>,
    runs: AtomicU32,
}

impl Place {
    /// Finds or builds the binaries and copies them to where every user can execute them.
    ///
    /// # Errors
    /// A binary can't be built, found or copied.
    pub fn prepare() -> Checked<Self> {
        let [dropgate, servers] = binaries()?;
        let own = std::env::current_exe().says("this program")?;
        let dir = std::env::temp_dir().join(format!("dropgate-world-{}", std::process::id()));
        fs::create_dir(&dir).says(dir.display())?;
        let place = Self {
            dir,
            nursery: Nursery::make(),
            runs: AtomicU32::new(0),
        };
        open_to_all(&place.dir)?;
        for (from, to) in [
            (dropgate, place.dropgate()),
            (servers, place.servers()),
            (own, place.host()),
        ] {
            fs::copy(&from, &to).says(format!("copy {}", from.display()))?;
            open_to_all(&to)?;
        }
        Ok(place)
    }

    /// The dropgate under test.
    #[must_use]
    pub fn dropgate(&self) -> PathBuf {
        self.dir.join("dropgate")
    }

    /// The misbehaving servers.
    #[must_use]
    pub fn servers(&self) -> PathBuf {
        self.dir.join("dropgate-testing-servers")
    }

    /// The program that hosts are.
    #[must_use]
    pub fn host(&self) -> PathBuf {
        self.dir.join("world-host")
    }

    /// The columns that this machine can play. Says which it can't, and why.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        if !rustix::process::geteuid().is_root() {
            say("left out: everything as root, because this test is not");
        }
        let mut columns = Column::all();
        columns.retain(|column| match column.lacks(self) {
            None => true,
            Some(why) => {
                say(&format!("left out: {column}: {why}"));
                false
            }
        });
        columns
    }

    /// A new folder that belongs to the user alone.
    ///
    /// # Errors
    /// It can't be made or given away.
    pub fn folder(&self, user: User) -> Checked<PathBuf> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.join(format!("run-{number}"));
        fs::create_dir(&dir).says(dir.display())?;
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).says(dir.display())?;
        if let Some(uid) = user.change() {
            chown(&dir, Some(uid), Some(uid)).says(dir.display())?;
        }
        Ok(dir)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left_for_the_system = fs::remove_dir_all(&self.dir);
    }
}

/// A program in the environment of a run, as its user.
#[must_use]
pub fn as_user(program: impl AsRef<OsStr>, user: User, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("XDG_RUNTIME_DIR", dir)
        .env("LANG", "C");
    if let Some(uid) = user.change() {
        command.uid(uid).gid(uid);
    }
    command
}

fn open_to_all(path: &Path) -> Checked {
    fs::set_permissions(path, Permissions::from_mode(0o755)).says(path.display())
}

/// The binaries under test: those that the environment names, or freshly built ones.
fn binaries() -> Checked<[PathBuf; 2]> {
    let named = ["DROPGATE_BIN", "DROPGATE_TESTING_SERVERS"].map(std::env::var_os);
    if let [Some(dropgate), servers] = named {
        let dropgate = PathBuf::from(dropgate);
        let beside = || dropgate.with_file_name("dropgate-testing-servers");
        let servers = servers.map_or_else(beside, PathBuf::from);
        return Ok([dropgate, servers]);
    }
    let quick = std::env::var_os("DROPGATE_QUICK").is_some();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "-p",
        "dropgate",
        "-p",
        "dropgate-testing-servers",
    ]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !quick {
        cargo.arg("--release");
    }
    let built = cargo.status().says("start cargo")?;
    if !built.success() {
        return Err(format!("cargo build: {built}"));
    }
    // This program is in PROFILE/deps of the target folder.
    let own = std::env::current_exe().says("this program")?;
    let target = own.ancestors().nth(3).says("no target folder")?;
    let folder = target.join(if quick { "debug" } else { "release" });
    Ok(["dropgate", "dropgate-testing-servers"].map(|name| folder.join(name)))
}
