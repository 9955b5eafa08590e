//! What to start and how to hold it.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::getppid;

use crate::endowment::Endowment;
use crate::level::{Containment, Level};
use crate::procfs::raw;
use crate::spawn;
use crate::started::{SpawnError, Spawned};

/// Whether the process that started this one is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostWatch {
    /// Its end is an [`Event::HostDied`](crate::Event::HostDied), and an owner
    /// that does not react to it is killed with the tree. Not done when that
    /// process is number 1, as in a container, whose end ends all anyway.
    ///
    /// It is known by its pid, as [`HostWatch::parent`] finds it. When it is
    /// not the parent any more as the tree is spawned, it has ended, and that
    /// is told at once.
    StartedBy(i32),
    /// It may end as it likes.
    #[default]
    Off,
}

impl HostWatch {
    /// A watch on the present parent. To be called as soon as this process
    /// runs: whoever started it may end at any time, and a process that took
    /// its place as the parent is not the host.
    #[must_use]
    pub fn parent() -> Self {
        getppid().map_or(Self::Off, |parent| Self::StartedBy(raw(parent)))
    }
}

/// Who gets the tree's processes if the guard is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// This process, which becomes a subreaper and must have no children but
    /// those of its trees. Then even a killed guard leaves nothing unseen.
    Adopt,
    /// Whoever the system chooses; they are found again by the marks that they
    /// carry. Right for a host application with children of its own.
    #[default]
    Leave,
}

/// The standard streams of the server.
#[derive(Debug, Default)]
pub(crate) enum Streams {
    /// Three new pipes; the caller gets their other ends.
    #[default]
    Pipes,
    /// These, in the order of their numbers.
    Given([OwnedFd; 3]),
}

/// A change to the environment that the server inherits.
#[derive(Debug)]
pub(crate) enum Variable {
    Set(OsString, OsString),
    Remove(OsString),
    ClearAll,
}

/// A program to start as the leader of a tree.
///
/// ```no_run
/// use std::time::Duration;
/// use dropgate_process::{Containment, Grace, Spec};
///
/// let spawned = Spec::new("npx")
///     .args(["-y", "@modelcontextprotocol/server-filesystem", "/srv"])
///     .containment(Containment::Auto)
///     .spawn()?;
/// // … speak over spawned.streams …
/// let stopped = spawned.tree.stop(Grace {
///     term_after: Duration::from_millis(500),
///     kill_after: Duration::from_secs(1),
/// });
/// assert!(stopped.survivors.is_empty());
/// # Ok::<(), dropgate_process::SpawnError>(())
/// ```
#[derive(Debug)]
pub struct Spec {
    pub(crate) argv: Vec<OsString>,
    pub(crate) environment: Vec<Variable>,
    pub(crate) current_dir: Option<PathBuf>,
    pub(crate) containment: Containment,
    pub(crate) required: Option<Level>,
    pub(crate) host_watch: HostWatch,
    pub(crate) orphans: Orphans,
    pub(crate) streams: Streams,
    pub(crate) guard_program: PathBuf,
    pub(crate) closer: Vec<OsString>,
    pub(crate) endowment: Option<Endowment>,
    pub(crate) legacy: Option<OwnedFd>,
}

impl Spec {
    /// A tree whose leader is `program`, looked up in `PATH` as a shell would.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            argv: vec![program.into()],
            environment: Vec::new(),
            current_dir: None,
            containment: Containment::default(),
            required: None,
            host_watch: HostWatch::default(),
            orphans: Orphans::default(),
            streams: Streams::default(),
            guard_program: PathBuf::from("/proc/self/exe"),
            closer: Vec::new(),
            endowment: None,
            legacy: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the server's environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let variable = Variable::Set(name.as_ref().to_owned(), value.as_ref().to_owned());
        self.environment.push(variable);
        self
    }

    /// Takes a variable out of the server's environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment
            .push(Variable::Remove(name.as_ref().to_owned()));
        self
    }

    /// Takes all variables out of the server's environment.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.environment.push(Variable::ClearAll);
        self
    }

    /// The folder that the server starts in.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(dir.into());
        self
    }

    /// Which level to hold the tree at.
    #[must_use]
    pub fn containment(mut self, containment: Containment) -> Self {
        self.containment = containment;
        self
    }

    /// The weakest level that is good enough; spawning fails below it.
    #[must_use]
    pub fn require(mut self, level: Level) -> Self {
        self.required = Some(level);
        self
    }

    /// Whether to watch the process that started this one.
    #[must_use]
    pub fn host_watch(mut self, watch: HostWatch) -> Self {
        self.host_watch = watch;
        self
    }

    /// Who gets the processes if the guard is killed.
    #[must_use]
    pub fn orphans(mut self, orphans: Orphans) -> Self {
        self.orphans = orphans;
        self
    }

    /// Standard input, output and error of the server, instead of new pipes.
    #[must_use]
    pub fn streams(mut self, stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) -> Self {
        self.streams = Streams::Given([stdin, stdout, stderr]);
        self
    }

    /// The program that becomes the guard: one whose `main` calls
    /// [`run_if_guard`](crate::run_if_guard) first, or an installed `dropgate`.
    /// The default is the calling program itself.
    #[must_use]
    pub fn guard_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.guard_program = program.into();
        self
    }

    /// What is to be done if the owner dies without having stopped the tree: once the tree is
    /// empty the guard executes its own program again with these arguments, as `dg-closer`, and is
    /// gone when that ends. The program has to bound itself.
    #[must_use]
    pub fn closer(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.closer = args.into_iter().map(Into::into).collect();
        self
    }

    /// What the closer finds as its standard input: memory that the guard keeps and does not read.
    /// It holds what must stand in no argument, such as a token.
    #[must_use]
    pub fn legacy(mut self, legacy: OwnedFd) -> Self {
        self.legacy = Some(legacy);
        self
    }

    /// Values that reach the server alone, outweighing variables that it inherits.
    #[must_use]
    pub fn endow(mut self, endowment: Endowment) -> Self {
        self.endowment = Some(endowment);
        self
    }

    /// Starts the program and holds all that it will ever fork.
    ///
    /// Blocks for some milliseconds, at most [`spawn::START_WITHIN`].
    ///
    /// # Errors
    /// When the program can not be executed, when no level that is good enough
    /// can be had, or when the guard can not be started. Nothing runs then.
    pub fn spawn(self) -> Result<Spawned, SpawnError> {
        spawn::spawn(self)
    }
}
