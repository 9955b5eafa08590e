//! The guard: a small process of one thread beside the wrapper, which owns the
//! server's tree and empties it when told to, or when nobody is left to tell.
//!
//! It is the wrapper's own program, executed again under a name that neither
//! `killall dropgate` nor `pkill -f SERVER` matches.

mod keeper;
mod launch;
pub(crate) mod order;
mod start;
mod stop;
mod watch;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::net::RecvFlags;
use rustix::process::{
    DumpableBehavior, Signal, getpid, set_child_subreaper, set_dumpable_behavior,
    set_parent_process_death_signal,
};
use rustix::thread::set_name;

use self::order::Order;
use self::start::{Held, NotStarted};
use self::watch::{Guard, Parted};
use crate::cgroup::Cgroup;
use crate::ledger;
use crate::procfs::{self, Process};
use crate::protocol::{self, Received, Report};
use crate::sys;

/// The name under which the guard runs: `argv[0]` and `comm`.
pub(crate) const GUARD_NAME: &str = "dg-guard";

/// The name under which a closer runs; see [`Spec::closer`](crate::Spec::closer).
pub const CLOSER_NAME: &str = "dg-closer";

/// Becomes the guard if this process was started as one; returns otherwise.
///
/// A program that uses [`Tree`](crate::Tree) calls this first in `main`, before
/// it starts a thread, since the guard is that same program executed again. It
/// need not if it names an installed `dropgate` as the guard's program instead
/// (see [`Spec::guard_program`](crate::Spec::guard_program)).
pub fn run_if_guard() {
    let mut arguments = std::env::args_os();
    if arguments.next().is_some_and(|name| name == GUARD_NAME) && arguments.next().is_none() {
        run();
    }
}

fn run() -> ! {
    // Without a control socket there is nobody to guard for.
    let Ok(control) = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3) else {
        sys::fork::exit_now(70)
    };
    let code = match guard(control) {
        Ok(()) => 0,
        Err(_) => 70,
    };
    sys::fork::exit_now(code)
}

/// Why the guard could not begin. The wrapper sees its end, which says enough.
struct CanNotGuard;

impl<E: std::error::Error> From<E> for CanNotGuard {
    fn from(_: E) -> Self {
        Self
    }
}

fn guard(control: OwnedFd) -> Result<(), CanNotGuard> {
    let children = stand_apart()?;
    let Received::Packet(text, descriptors) = protocol::receive(&control, RecvFlags::empty())
    else {
        return Err(CanNotGuard);
    };
    let order = Order::decode(&text, descriptors).ok_or(CanNotGuard)?;
    let own = Process::of(procfs::own_pid()).ok_or(CanNotGuard)?;
    ledger::note(order.ledger.as_deref(), &ledger::Line::Guard(own));
    let started = start_server(&order, &control);
    let Order {
        server,
        mark,
        wrapper,
        host,
        ledger,
        closer,
        legacy,
        ..
    } = order;
    // The guard's copies of the server's streams would keep them open.
    drop(server);
    // From here on another process of this user can not attach to the guard.
    let _undumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let held = match started {
        Ok(held) => held,
        Err(failed) => {
            failed.clean_up(&mark.cookie, ledger.as_deref());
            tell(&control, &failed.report());
            return Ok(());
        }
    };
    tell(&control, &started_report(&held));
    match Guard::new(control, children, wrapper, host, held, ledger).watch() {
        Parted::WrapperDied if !closer.is_empty() || legacy.is_some() => {
            close(&closer, legacy.as_ref())
        }
        Parted::WrapperDied | Parted::InOrder => Ok(()),
    }
}

/// Makes of this process one that outlives its wrapper, inherits the tree's orphans and reads no
/// stream of anybody's. What is returned is readable when a child has ended.
fn stand_apart() -> Result<OwnedFd, CanNotGuard> {
    set_name(c"dg-guard")?;
    sys::signals::ignore_catchable();
    let children = sys::signals::child_events()?;
    set_child_subreaper(Some(getpid()))?;
    // A guard that was stopped goes on when its wrapper dies, and then ends the
    // tree. That the signal also comes when only the thread that started the
    // guard ends does no harm.
    set_parent_process_death_signal(Some(Signal::CONT))?;
    let null = rustix::fs::open(
        "/dev/null",
        rustix::fs::OFlags::RDWR,
        rustix::fs::Mode::empty(),
    )?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(children)
}

/// A start that came to nothing.
struct Failed {
    reason: NotStarted,
    /// The folder of the cgroup that was made for it.
    cgroup: Option<PathBuf>,
}

/// Starts the server at the strongest level that holds. Before the server runs, the ledger has all
/// that a sweep needs to find it.
fn start_server(order: &Order, control: &OwnedFd) -> Result<Held, Failed> {
    let ledger = order.ledger.as_deref();
    let blocked = start::block(
        &order.server,
        &order.levels,
        &order.mark,
        &order.wrapper,
        |level, why| tell(control, &Report::Skipped { level, why }),
    );
    let blocked = blocked.map_err(|reason| Failed {
        reason,
        cgroup: None,
    })?;
    ledger::note(ledger, &ledger::Line::Leader(blocked.held.leader));
    let cgroup = blocked.held.cgroup.as_ref();
    let cgroup = cgroup.map(|cgroup| cgroup.path().to_owned());
    if let Some(path) = &cgroup {
        ledger::note(ledger, &ledger::Line::Cgroup(path.clone()));
    }
    for keeper in &blocked.held.keepers {
        ledger::note(ledger, &ledger::Line::Keeper(*keeper));
    }
    blocked
        .release()
        .map_err(|reason| Failed { reason, cgroup })
}

impl Failed {
    fn clean_up(&self, cookie: &str, ledger: Option<&Path>) {
        stop::empty_after_failure();
        let cgroup = self.cgroup.as_deref();
        if let Some(cgroup) = cgroup.and_then(|path| Cgroup::existing(path, cookie)) {
            cgroup.remove();
        }
        if let Some(path) = ledger {
            ledger::forget(path);
        }
    }

    fn report(&self) -> Report {
        match self.reason {
            NotStarted::Program(errno) => Report::ProgramFailed(errno),
            NotStarted::Uncontained => Report::Uncontained,
        }
    }
}

fn started_report(held: &Held) -> Report {
    let cgroup = held.cgroup.as_ref();
    Report::Started {
        level: held.level,
        leader: held.leader,
        keepers: held.keepers.iter().map(|keeper| keeper.pid).collect(),
        cgroup: cgroup
            .map(|cgroup| cgroup.path().to_string_lossy().into_owned())
            .unwrap_or_default(),
    }
}

/// Becomes the program that does what the dead wrapper left undone.
fn close(words: &[OsString], legacy: Option<&OwnedFd>) -> Result<(), CanNotGuard> {
    if let Some(legacy) = legacy {
        rustix::stdio::dup2_stdin(legacy)?;
    }
    let failed = Command::new("/proc/self/exe")
        .arg0(CLOSER_NAME)
        .args(words)
        .exec();
    Err(failed.into())
}

/// Tells the wrapper. If it is gone, the end of the socket tells the guard.
fn tell(control: &OwnedFd, report: &Report) {
    let _wrapper_gone = protocol::send(control, &report.encode(), &[]);
}
