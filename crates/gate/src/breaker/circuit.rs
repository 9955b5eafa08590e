//! One breaker, as a pure machine.

use std::time::Duration;

use super::backoff::Backoff;
use super::settings::Settings;
use super::ticket::{Admission, Attempt, Probing, Rejection, Role, Ticket};
use super::transition::{Cause, Phase, Transition, Transitions};
use super::verdict::{Pace, Verdict};
use super::window::{Counted, Window};
use crate::mode::Class;

#[cfg(test)]
mod tests;

/// One breaker. Each step first lets time do what has fallen due, then does its own.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Circuit {
    settings: Settings,
    probing: Probing,
    state: State,
    generation: u64,
    backoff: Backoff,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
enum State {
    Closed(Window),
    Open { until: Duration },
    HalfOpen { successes: u32, trial: Trial },
    ForcedOpen,
    ForcedClosed { until: Duration },
    Disabled,
}

/// The one ticket of a half-open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Trial {
    Free,
    Leased { until: Duration },
}

/// What an operator tells a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Reject everything until told otherwise.
    ForceOpen,
    /// Admit everything until the given time since the caller's origin, and count nothing.
    ForceClosed {
        /// When the breaker works by itself again.
        until: Duration,
    },
    /// Admit everything and count nothing.
    Disable,
    /// Work by itself, beginning closed. A breaker that does so already is left as it is.
    Auto,
}

impl Circuit {
    /// A closed breaker. `seed` spreads its open periods and should be random.
    #[must_use]
    pub fn new(settings: &Settings, probing: Probing, seed: u64, now: Duration) -> Self {
        Self {
            settings: *settings,
            probing,
            state: State::Closed(Window::starting(now, settings)),
            generation: 0,
            backoff: Backoff::new(settings, seed),
        }
    }

    /// Admits or rejects a call.
    pub fn admit(&mut self, attempt: &Attempt, now: Duration) -> (Admission, Transitions) {
        let transitions = self.tick(now);
        let admission = match self.refusal(attempt.class, now) {
            Some(rejection) => Admission::Rejected(rejection),
            None => {
                let ticket = self.grant(attempt.timeout, now);
                let role = ticket.role;
                Admission::granted(ticket, role)
            }
        };
        (admission, transitions)
    }

    /// Admits dropgate's own read-only probe, which stands in for the callers' calls.
    pub fn admit_probe(&mut self, timeout: Duration, now: Duration) -> (Admission, Transitions) {
        let attempt = Attempt {
            class: Class::Read,
            timeout,
        };
        self.admit(&attempt, now)
    }

    /// Takes the result of a call. One that began in an earlier state changes nothing.
    pub fn record(&mut self, ticket: Ticket, verdict: Verdict, now: Duration) -> Transitions {
        let mut transitions = self.tick(now);
        if ticket.generation != self.generation {
            return transitions;
        }
        let pace = if now >= ticket.slow_from {
            Pace::Slow
        } else {
            Pace::Brisk
        };
        let counted = match verdict {
            Verdict::Success => Some(Counted::Success(pace)),
            Verdict::Failure => Some(Counted::Failure(pace)),
            Verdict::Ignored => None,
        };
        match &mut self.state {
            State::Closed(window) => {
                let opened = counted.and_then(|it| window.count(it, now, &self.settings));
                if let Some(cause) = opened {
                    transitions.push(self.open(now, cause));
                }
            }
            State::HalfOpen { successes, trial } => {
                *trial = Trial::Free;
                match counted {
                    None => {}
                    Some(Counted::Success(Pace::Brisk)) => {
                        *successes += 1;
                        if *successes >= self.settings.successes {
                            transitions.push(self.close(now, Cause::TrialsSucceeded));
                        }
                    }
                    Some(Counted::Success(Pace::Slow) | Counted::Failure(_)) => {
                        transitions.push(self.open(now, Cause::TrialFailed));
                    }
                }
            }
            State::Open { .. }
            | State::ForcedOpen
            | State::ForcedClosed { .. }
            | State::Disabled => {}
        }
        transitions
    }

    /// Whether a result would be counted by a closed breaker, which it is not after a change.
    pub(super) fn counts(&self, ticket: &Ticket) -> bool {
        ticket.generation == self.generation && self.phase() == Phase::Closed
    }

    /// Opens a closed breaker for what its tool did together with others.
    pub(super) fn open_with_others(&mut self, now: Duration) -> Transitions {
        let mut transitions = self.tick(now);
        if self.phase() == Phase::Closed {
            transitions.push(self.open(now, Cause::WritesFail));
        }
        transitions
    }

    /// The call's deadline has moved to `until`: a trial is lost only then.
    pub fn extend(&mut self, ticket: &Ticket, until: Duration) {
        if ticket.generation != self.generation {
            return;
        }
        match &mut self.state {
            State::HalfOpen {
                trial: Trial::Leased { until: lease },
                ..
            } => *lease = until.max(*lease),
            State::HalfOpen {
                trial: Trial::Free, ..
            }
            | State::Closed(_)
            | State::Open { .. }
            | State::ForcedOpen
            | State::ForcedClosed { .. }
            | State::Disabled => {}
        }
    }

    /// Takes a ticket back whose call was never sent, so that its trial is free for the next.
    pub fn give_back(&mut self, ticket: Ticket, now: Duration) -> Transitions {
        self.record(ticket, Verdict::Ignored, now)
    }

    /// Does what an operator says.
    pub fn command(&mut self, command: Command, now: Duration) -> Transitions {
        let mut transitions = self.tick(now);
        let (state, lasts) = match (command, &self.state) {
            (Command::ForceOpen, _) => (State::ForcedOpen, None),
            (Command::ForceClosed { until }, _) => (
                State::ForcedClosed { until },
                Some(until.saturating_sub(now)),
            ),
            (Command::Disable, _) => (State::Disabled, None),
            (Command::Auto, State::ForcedOpen | State::ForcedClosed { .. } | State::Disabled) => {
                transitions.push(self.close(now, Cause::Operator));
                return transitions;
            }
            (Command::Auto, State::Closed(_) | State::Open { .. } | State::HalfOpen { .. }) => {
                return transitions;
            }
        };
        transitions.push(self.enter(state, now, Cause::Operator, lasts));
        transitions
    }

    /// Does what has fallen due by `now`.
    #[inline]
    pub fn tick(&mut self, now: Duration) -> Transitions {
        match self.next_due() {
            Some((at, _)) if at <= now => self.catch_up(now),
            Some(_) | None => Transitions::new(),
        }
    }

    #[cold]
    fn catch_up(&mut self, now: Duration) -> Transitions {
        let mut transitions = Transitions::new();
        // A lost trial opens the breaker, and that may be long enough ago to half-open it again;
        // nothing falls due twice after that.
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= now) {
            transitions.push(match due {
                Due::Trial => {
                    let half_open = State::HalfOpen {
                        successes: 0,
                        trial: Trial::Free,
                    };
                    self.enter(half_open, at, Cause::TimeUp, None)
                }
                Due::Loss => self.open(at, Cause::TrialLost),
                Due::Expiry => self.close(at, Cause::CommandExpired),
            });
        }
        transitions
    }

    /// When time alone will next change the state, since the caller's origin.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.next_due().map(|(at, _)| at)
    }

    /// The state that the breaker was left in by the last step.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Closed(_) => Phase::Closed,
            State::Open { .. } => Phase::Open,
            State::HalfOpen { .. } => Phase::HalfOpen,
            State::ForcedOpen => Phase::ForcedOpen,
            State::ForcedClosed { .. } => Phase::ForcedClosed,
            State::Disabled => Phase::Disabled,
        }
    }

    /// Whether the breaker waits for a trial that nobody runs yet.
    #[must_use]
    pub fn awaits_trial(&self) -> bool {
        matches!(
            self.state,
            State::HalfOpen {
                trial: Trial::Free,
                ..
            }
        )
    }

    /// Why a call of this class would be rejected at `now`, if it would.
    pub(super) fn refusal(&self, class: Class, now: Duration) -> Option<Rejection> {
        match self.state {
            State::Closed(_) | State::ForcedClosed { .. } | State::Disabled => None,
            State::Open { until } => Some(Rejection::Open {
                retry_after: until.saturating_sub(now),
            }),
            State::HalfOpen {
                trial: Trial::Leased { until },
                ..
            } => Some(Rejection::TrialRunning {
                retry_after: until.saturating_sub(now),
            }),
            State::HalfOpen {
                trial: Trial::Free, ..
            } => match (self.probing, class) {
                (Probing::Probe, Class::Write) => Some(Rejection::AwaitsProbe {
                    retry_after: self.settings.open_for,
                }),
                (Probing::Probe, Class::Read) | (Probing::Callers, Class::Read | Class::Write) => {
                    None
                }
            },
            State::ForcedOpen => Some(Rejection::ForcedOpen),
        }
    }

    /// Gives the ticket of a call that [`Self::refusal`] had nothing against.
    pub(super) fn grant(&mut self, timeout: Duration, now: Duration) -> Ticket {
        let role = match &mut self.state {
            State::HalfOpen { trial, .. } => {
                *trial = Trial::Leased {
                    until: now.saturating_add(timeout),
                };
                Role::Trial
            }
            State::Closed(_)
            | State::Open { .. }
            | State::ForcedOpen
            | State::ForcedClosed { .. }
            | State::Disabled => Role::Regular,
        };
        Ticket {
            generation: self.generation,
            slow_from: now.saturating_add(self.settings.slow_share.of(timeout)),
            role,
        }
    }

    #[inline]
    fn next_due(&self) -> Option<(Duration, Due)> {
        match self.state {
            State::Open { until } => Some((until, Due::Trial)),
            State::HalfOpen {
                trial: Trial::Leased { until },
                ..
            } => Some((until, Due::Loss)),
            State::ForcedClosed { until } => Some((until, Due::Expiry)),
            State::HalfOpen {
                trial: Trial::Free, ..
            }
            | State::Closed(_)
            | State::ForcedOpen
            | State::Disabled => None,
        }
    }

    fn open(&mut self, at: Duration, cause: Cause) -> Transition {
        let pause = self.backoff.pause();
        let until = at.saturating_add(pause);
        self.enter(State::Open { until }, at, cause, Some(pause))
    }

    fn close(&mut self, at: Duration, cause: Cause) -> Transition {
        self.backoff.reset();
        let window = Window::starting(at, &self.settings);
        self.enter(State::Closed(window), at, cause, None)
    }

    fn enter(
        &mut self,
        state: State,
        at: Duration,
        cause: Cause,
        lasts: Option<Duration>,
    ) -> Transition {
        let from = self.phase();
        self.state = state;
        self.generation += 1;
        Transition {
            at,
            from,
            to: self.phase(),
            cause,
            lasts,
        }
    }
}

/// What time brings next.
enum Due {
    /// The open period ends.
    Trial,
    /// The trial is lost.
    Loss,
    /// The operator's command ends.
    Expiry,
}
