//! The figures behind a plan: totals by cause, and the floor and the cap of each phase.

use std::time::Duration;

use super::{Profile, Readiness, Settings, Source};
use crate::shutdown::{Phase, Trigger};

/// The longest that a server is waited for after its stdin was closed.
pub(super) const CLOSE_CAP: Duration = Duration::from_millis(700);
/// The longest that a tree is waited for after SIGTERM.
pub(super) const TERMINATE_CAP: Duration = Duration::from_millis(700);
/// What is left when a signal follows on the host's going: SDK hosts send SIGTERM 2 s after they
/// closed stdin, and SIGKILL 2 s later.
pub(super) const SIGNAL_AFTER_EOF_REST: Duration = Duration::from_secs(1);
/// What is left after the operator's second signal.
pub(super) const HURRY_REST: Duration = Duration::from_millis(250);
/// What a shutdown takes that has nothing left to do but kill.
pub(super) const FORCE_TOTAL: Duration = KILL_FLOOR;
/// What a shutdown takes after the server has left: SIGTERM and SIGKILL to what it left behind.
pub(super) const SERVER_GONE_TOTAL: Duration = Duration::from_millis(900);

const CANCEL_CAP: Duration = Duration::from_millis(500);
const CANCEL_CAP_UNINITIALISED: Duration = Duration::from_millis(50);
const UNINITIALISED_TOTAL: Duration = Duration::from_secs(1);
const AFTER_DRAIN: Duration = Duration::from_millis(1500);
const SHELL_TOTAL: Duration = Duration::from_secs(10);
const ORCHESTRATOR_TOTAL: Duration = Duration::from_secs(25);

/// Short plans are shared out in these proportions; the drain's is such that it leaves 60 % to
/// the phases after it.
const DRAIN_FLOOR: Duration = Duration::from_micros(866_667);
const CANCEL_FLOOR: Duration = Duration::from_millis(300);
const CLOSE_FLOOR: Duration = Duration::from_millis(400);
const TERMINATE_FLOOR: Duration = Duration::from_millis(400);
const KILL_FLOOR: Duration = Duration::from_millis(200);

/// Triggers that get the same time.
pub(super) enum Group {
    HostGone,
    Signal,
    ServerGone,
    Kill,
}

pub(super) fn group(trigger: Trigger) -> Group {
    match trigger {
        Trigger::Eof | Trigger::BrokenPipe | Trigger::HostDied => Group::HostGone,
        Trigger::Sigterm | Trigger::Sigint | Trigger::Sighup | Trigger::LeaseLost => Group::Signal,
        Trigger::ServerExited => Group::ServerGone,
        Trigger::Sigquit | Trigger::GuardLost => Group::Kill,
    }
}

pub(super) fn host_gone_total(settings: &Settings, readiness: Readiness) -> Duration {
    match (readiness, settings.eof_deadline_source) {
        (Readiness::Uninitialised, Source::Default) => {
            settings.eof_deadline.min(UNINITIALISED_TOTAL)
        }
        (Readiness::Uninitialised, Source::Explicit) | (Readiness::Initialised, _) => {
            settings.eof_deadline
        }
    }
}

pub(super) fn signal_total(settings: &Settings, readiness: Readiness) -> Duration {
    let total = match settings.profile {
        Profile::Host => settings.drain.saturating_add(AFTER_DRAIN),
        Profile::Shell => SHELL_TOTAL,
        Profile::Systemd | Profile::Kubernetes => ORCHESTRATOR_TOTAL,
    };
    match readiness {
        Readiness::Initialised => total,
        Readiness::Uninitialised => total.min(UNINITIALISED_TOTAL),
    }
}

pub(super) fn drain_cap(scope: Scope, settings: &Settings) -> Duration {
    match (scope, settings.profile) {
        (Scope::Signal, Profile::Host) => settings.drain,
        (Scope::Signal, Profile::Shell | Profile::Systemd | Profile::Kubernetes)
        | (Scope::HostGone | Scope::ServerGone | Scope::Hurry | Scope::Force, _) => Duration::MAX,
    }
}

pub(super) fn cancel_cap(readiness: Readiness) -> Duration {
    match readiness {
        Readiness::Initialised => CANCEL_CAP,
        Readiness::Uninitialised => CANCEL_CAP_UNINITIALISED,
    }
}

/// What set a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    HostGone,
    Signal,
    ServerGone,
    Hurry,
    Force,
}

/// A deadline, and since when it has been known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) scope: Scope,
    pub(super) from: Duration,
    pub(super) deadline: Duration,
}

impl Window {
    pub(super) fn new(scope: Scope, from: Duration, length: Duration) -> Self {
        Self {
            scope,
            from,
            deadline: from.saturating_add(length),
        }
    }

    /// When this deadline ends a phase: what is left is kept for the floors of the later phases,
    /// or shared out in their proportions if it is too short for all of them.
    pub(super) fn end(&self, phase: Phase, entered_at: Duration) -> Duration {
        let left = self.deadline.saturating_sub(entered_at.max(self.from));
        let (own, later) = floors(phase);
        let kept = if left < own + later {
            left.mul_f64(later.as_secs_f64() / (own + later).as_secs_f64())
        } else {
            later
        };
        self.deadline.saturating_sub(kept)
    }
}

/// The floor of a phase, and the sum of those after it.
fn floors(phase: Phase) -> (Duration, Duration) {
    match phase {
        Phase::Running => (Duration::ZERO, Duration::ZERO),
        Phase::Draining => (
            DRAIN_FLOOR,
            CANCEL_FLOOR + CLOSE_FLOOR + TERMINATE_FLOOR + KILL_FLOOR,
        ),
        Phase::Cancelling => (CANCEL_FLOOR, CLOSE_FLOOR + TERMINATE_FLOOR + KILL_FLOOR),
        Phase::Closing => (CLOSE_FLOOR, TERMINATE_FLOOR + KILL_FLOOR),
        Phase::Terminating => (TERMINATE_FLOOR, KILL_FLOOR),
        Phase::Killing | Phase::Done => (KILL_FLOOR, Duration::ZERO),
    }
}
