//! Owns a process tree: spawn it, signal it, stop it, prove it empty.
//!
//! A [`Tree`] is held by a guard, a small process beside the owner. Whatever
//! happens to the owner, the guard ends the tree; whatever happens to the
//! guard, the owner does; if both are killed at once, the two strongest levels
//! end with them and the others are finished by the next [`sweep`]. The stop
//! returns when the tree was *observed* to be empty, never because its leader
//! ended.
//!
//! The crate knows nothing of the protocol that the server speaks. It is the
//! only one in the workspace with `unsafe` code or operating system details,
//! all of it below `sys`.

mod cgroup;
mod departure;
mod endowment;
pub mod environment;
mod errand;
mod event;
mod guard;
mod hardening;
pub mod hidden;
mod ledger;
mod level;
mod mark;
pub mod memory;
mod procfs;
mod protocol;
mod registry;
mod signalling;
mod spawn;
mod spec;
mod started;
mod sweep;
mod sys;
mod takeover;
mod tree;

pub use rustix::process::Signal;

pub use self::departure::{Departed, Departure, release_signals};
pub use self::endowment::{Endowment, Way};
pub use self::errand::{Done, Errand, ErrandError};
pub use self::event::{Event, Exit, Grace, Stopped};
pub use self::guard::{CLOSER_NAME, run_if_guard};
pub use self::hardening::{harden, outlive_size_limit};
pub use self::level::{Containment, Level, UnknownLevel};
pub use self::mark::SCOPE_VARIABLE;
pub use self::procfs::Process;
pub use self::protocol::Force;
pub use self::spawn::START_WITHIN;
pub use self::spec::{HostWatch, Orphans, Spec};
pub use self::started::{Skipped, SpawnError, Spawned, StandardStreams, what_to_do};
pub use self::sweep::{Abandoned, SweepMode, out_of_sight, sweep};
pub use self::takeover::KILL_WITHIN;
pub use self::tree::Tree;
