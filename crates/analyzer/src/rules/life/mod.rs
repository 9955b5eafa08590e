//! Life of the process: signals, end of input, draining, children.

mod after_serving;
pub(super) mod child_not_killed;
pub(super) mod competing;
mod connections;
pub(super) mod drain_accepting;
pub(super) mod exit_hook;
mod exit_in_call;
pub(super) mod exit_without_drain;
mod fires;
mod for_one_call;
mod in_flight;
mod listener;
mod listener_closed;
pub(super) mod missing_sigterm;
mod never_waited;
mod received;
mod selected;
mod shutdown_unawaited;
pub(super) mod sigint_only;
pub(super) mod signal_swallowed;
mod spent_deadline;
mod stays;
pub(super) mod stdin_eof;
pub(super) mod unbounded_drain;
mod unbounded_wait;
mod waited_exit;
mod ways;
