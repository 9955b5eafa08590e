//! How long a shutdown may take: one deadline, fixed when it begins, and a share of the time for
//! each phase. What a phase does not use is left to the later ones.

mod budget;

use std::time::Duration;

use super::{Phase, Trigger};
use budget::{Scope, Window};

/// How long the tree may take to be seen empty after it was sent SIGKILL, whatever the deadline:
/// to report survivors while the kernel is still removing them would be a lie.
pub const KILL_LIMIT: Duration = Duration::from_secs(2);

/// For whom dropgate runs, which says how long it has after a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// An MCP host: [`Settings::drain`] and 1.5 s more.
    #[default]
    Host,
    /// A person at a terminal: 10 s.
    Shell,
    /// A systemd unit: 25 s.
    Systemd,
    /// A pod: 25 s of the usual 30.
    Kubernetes,
}

/// Whether a value was given by the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Source {
    /// Nobody set it.
    #[default]
    Default,
    /// The user set it, so it is kept even where dropgate would choose a shorter time.
    Explicit,
}

/// The settings of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long open calls may run on after a signal, under [`Profile::Host`].
    pub drain: Duration,
    /// How long the whole shutdown may take once the host is gone.
    pub eof_deadline: Duration,
    /// Where `eof_deadline` comes from.
    pub eof_deadline_source: Source,
    /// For whom dropgate runs.
    pub profile: Profile,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(10),
            eof_deadline: Duration::from_secs(3),
            eof_deadline_source: Source::Default,
            profile: Profile::Host,
        }
    }
}

/// Whether the server has ever done anything worth waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Readiness {
    /// The server has answered something, or a tool call waits for it: hosts that send a call
    /// without a handshake are waited for.
    Initialised,
    /// The server has never answered anything and no tool call waits for it.
    Uninitialised,
}

/// A reason to have less time than planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// A further reason to shut down.
    Trigger(Trigger),
    /// The operator's second signal: what is left takes 0.25 s at most.
    Hurry,
    /// The operator's third signal: nothing is left but to kill.
    Force,
}

impl From<Trigger> for Urgency {
    fn from(trigger: Trigger) -> Self {
        Self::Trigger(trigger)
    }
}

/// The deadlines of one shutdown. All times are since the caller's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    begun: Duration,
    drain_cap: Duration,
    cancel_cap: Duration,
    host_gone_total: Duration,
    /// The first is the plan as it began, each further one a reason to be quicker. The strictest
    /// decides, so that no reason can ever lengthen what another one allowed. One for each scope.
    windows: Vec<Window>,
}

impl Plan {
    /// Fixes the deadline of a shutdown that begins `at` this time.
    #[must_use]
    pub fn begin(
        trigger: Trigger,
        settings: &Settings,
        readiness: Readiness,
        at: Duration,
    ) -> Self {
        let host_gone_total = budget::host_gone_total(settings, readiness);
        let (scope, total) = match budget::group(trigger) {
            budget::Group::HostGone => (Scope::HostGone, host_gone_total),
            budget::Group::Signal => (Scope::Signal, budget::signal_total(settings, readiness)),
            budget::Group::ServerGone => (Scope::ServerGone, budget::SERVER_GONE_TOTAL),
            budget::Group::Kill => (Scope::Force, budget::FORCE_TOTAL),
        };
        Self {
            begun: at,
            drain_cap: budget::drain_cap(scope, settings),
            cancel_cap: budget::cancel_cap(readiness),
            host_gone_total,
            windows: vec![Window::new(scope, at, total)],
        }
    }

    /// Takes time away, and never gives any: the rest is capped from `at` on.
    ///
    /// After the host is gone a signal leaves 1.0 s; after a signal, a host that goes leaves
    /// [`Settings::eof_deadline`]. A further signal in a drain that a signal began changes
    /// nothing; [`super::Escalation`] says when it means [`Urgency::Hurry`].
    pub fn tighten(&mut self, urgency: impl Into<Urgency>, at: Duration) {
        let (scope, rest) = match urgency.into() {
            Urgency::Hurry => (Scope::Hurry, budget::HURRY_REST),
            Urgency::Force => (Scope::Force, budget::FORCE_TOTAL),
            Urgency::Trigger(trigger) => match budget::group(trigger) {
                budget::Group::HostGone => (Scope::HostGone, self.host_gone_total),
                budget::Group::Signal => (Scope::Signal, budget::SIGNAL_AFTER_EOF_REST),
                budget::Group::ServerGone => (Scope::ServerGone, budget::SERVER_GONE_TOTAL),
                budget::Group::Kill => (Scope::Force, budget::FORCE_TOTAL),
            },
        };
        if self.windows.iter().all(|window| window.scope != scope) {
            self.windows.push(Window::new(scope, at, rest));
        }
    }

    /// When the whole shutdown is to be over. Only [`Phase::Killing`] may pass it, by at most
    /// [`KILL_LIMIT`].
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.windows
            .iter()
            .map(|window| window.deadline)
            .min()
            .unwrap_or(self.begun)
    }

    /// When a phase that was entered at `entered_at` is over; never before that.
    ///
    /// [`Phase::Running`] and [`Phase::Done`] have no time of their own; theirs is the deadline.
    #[must_use]
    pub fn phase_end(&self, phase: Phase, entered_at: Duration) -> Duration {
        let end = match phase {
            Phase::Killing => return entered_at.saturating_add(KILL_LIMIT),
            Phase::Running | Phase::Done => self.deadline(),
            Phase::Draining => self.end(phase, entered_at, self.drain_cap),
            Phase::Cancelling => self.end(phase, entered_at, self.cancel_cap),
            Phase::Closing => self.end(phase, entered_at, budget::CLOSE_CAP),
            Phase::Terminating => self.end(phase, entered_at, budget::TERMINATE_CAP),
        };
        end.max(entered_at)
    }

    /// How long the drain may still last at `at`.
    #[must_use]
    pub fn drain_budget(&self, at: Duration) -> Duration {
        self.phase_end(Phase::Draining, self.begun)
            .saturating_sub(at)
    }

    fn end(&self, phase: Phase, entered_at: Duration, cap: Duration) -> Duration {
        self.windows
            .iter()
            .map(|window| window.end(phase, entered_at))
            .fold(entered_at.saturating_add(cap), Duration::min)
    }
}
