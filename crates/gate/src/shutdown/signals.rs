//! What the operator means by a signal, and by the next one.

use std::time::Duration;

use super::Trigger;

/// Signals that follow one another within this time are one broadcast: a terminal or a host often
/// signals the whole group and then each process.
pub const BROADCAST: Duration = Duration::from_millis(300);

/// A signal that asks dropgate to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
    /// SIGHUP.
    Hup,
    /// SIGQUIT.
    Quit,
}

impl Signal {
    /// The trigger that this signal is.
    #[must_use]
    pub fn trigger(self) -> Trigger {
        match self {
            Self::Term => Trigger::Sigterm,
            Self::Int => Trigger::Sigint,
            Self::Hup => Trigger::Sighup,
            Self::Quit => Trigger::Sigquit,
        }
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "the operator waits for it"]
pub enum Escalated {
    /// Begin to shut down.
    Begin(Trigger),
    /// A shutdown goes on already, for another reason than a signal: cap the rest of its plan.
    Cap,
    /// Go straight to cancelling.
    Hurry,
    /// Go straight to killing.
    Force,
    /// Nothing new: the signal belongs to the one before.
    SameBroadcast,
}

/// Counts signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Escalation {
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Level {
    #[default]
    Quiet,
    BegunWithoutSignal,
    Signalled {
        at: Duration,
    },
    Hurried {
        at: Duration,
    },
    Forced,
}

impl Escalation {
    /// No signal has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown began for another reason than a signal, so the first signal only caps it.
    pub fn begun_without_signal(&mut self) {
        match self.level {
            Level::Quiet => self.level = Level::BegunWithoutSignal,
            Level::BegunWithoutSignal
            | Level::Signalled { .. }
            | Level::Hurried { .. }
            | Level::Forced => {}
        }
    }

    /// A signal came `at` this time since the caller's origin.
    pub fn signal(&mut self, at: Duration, signal: Signal) -> Escalated {
        let (level, meaning) = match (self.level, signal) {
            (Level::Quiet, Signal::Quit) => (Level::Forced, Escalated::Begin(Trigger::Sigquit)),
            (Level::Quiet, Signal::Term | Signal::Int | Signal::Hup) => {
                (Level::Signalled { at }, Escalated::Begin(signal.trigger()))
            }
            (
                Level::BegunWithoutSignal
                | Level::Signalled { .. }
                | Level::Hurried { .. }
                | Level::Forced,
                Signal::Quit,
            )
            | (Level::Forced, Signal::Term | Signal::Int | Signal::Hup) => {
                (Level::Forced, Escalated::Force)
            }
            (Level::BegunWithoutSignal, Signal::Term | Signal::Int | Signal::Hup) => {
                (Level::Signalled { at }, Escalated::Cap)
            }
            (
                Level::Signalled { at: before } | Level::Hurried { at: before },
                Signal::Term | Signal::Int | Signal::Hup,
            ) if at.saturating_sub(before) < BROADCAST => (self.level, Escalated::SameBroadcast),
            (Level::Signalled { .. }, Signal::Term | Signal::Int | Signal::Hup) => {
                (Level::Hurried { at }, Escalated::Hurry)
            }
            (Level::Hurried { .. }, Signal::Term | Signal::Int | Signal::Hup) => {
                (Level::Forced, Escalated::Force)
            }
        };
        self.level = level;
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Escalated::{Begin, Cap, Force, Hurry, SameBroadcast};
    use Signal::{Hup, Int, Quit, Term};

    fn run(mut escalation: Escalation, signals: &[(u64, Signal)]) -> Vec<Escalated> {
        signals
            .iter()
            .map(|&(ms, signal)| escalation.signal(Duration::from_millis(ms), signal))
            .collect()
    }

    /// Signals with their times in milliseconds, and what each asks for.
    type Row = (&'static [(u64, Signal)], &'static [Escalated]);

    #[test]
    fn signals_escalate() {
        let rows: [Row; 7] = [
            (
                &[(0, Term), (300, Term), (600, Term)],
                &[Begin(Trigger::Sigterm), Hurry, Force],
            ),
            (
                &[(0, Int), (299, Int), (300, Int)],
                &[Begin(Trigger::Sigint), SameBroadcast, Hurry],
            ),
            (
                &[(0, Hup), (5, Term), (900, Term)],
                &[Begin(Trigger::Sighup), SameBroadcast, Hurry],
            ),
            (
                &[(0, Int), (400, Int), (699, Int)],
                &[Begin(Trigger::Sigint), Hurry, SameBroadcast],
            ),
            (&[(0, Quit), (1, Term)], &[Begin(Trigger::Sigquit), Force]),
            (&[(0, Term), (1, Quit)], &[Begin(Trigger::Sigterm), Force]),
            (
                &[(0, Int), (400, Term), (800, Int), (801, Int)],
                &[Begin(Trigger::Sigint), Hurry, Force, Force],
            ),
        ];
        for (signals, expected) in rows {
            assert_eq!(run(Escalation::new(), signals), expected, "{signals:?}");
        }
    }

    #[test]
    fn after_eof_the_first_signal_only_caps() {
        let mut escalation = Escalation::new();
        escalation.begun_without_signal();
        assert_eq!(
            run(escalation, &[(0, Term), (10, Term), (300, Term)]),
            [Cap, SameBroadcast, Hurry]
        );
        assert_eq!(run(escalation, &[(0, Quit)]), [Force]);
    }

    #[test]
    fn eof_after_a_signal_does_not_reset_the_count() {
        let mut escalation = Escalation::new();
        assert_eq!(
            escalation.signal(Duration::ZERO, Term),
            Begin(Trigger::Sigterm)
        );
        escalation.begun_without_signal();
        assert_eq!(escalation.signal(Duration::from_secs(1), Term), Hurry);
    }
}
