//! The probe of the write path: when it runs, and what its answers mean together.
//!
//! A probe that is **lost**, which is to say not answered in time, is no evidence: a network that
//! drops every other probe would otherwise throw the mode to and fro. So a lost probe changes no
//! count of the answered ones, and is repeated soon. Only [`SILENCE`] of them with no answer in between are taken for a
//! failure, because then nobody knows that writing works. A write path that hangs is noticed long
//! before that by the breakers, if anyone uses it.

use std::time::Duration;

use crate::breaker::{Backoff, Ratio};

/// When the write path is probed, and how many answers change the mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProbeSettings {
    /// Within which time a write path that broke is noticed, if probes are answered at once: the
    /// pauses between probes are shorter, so that a failed one and the next fit into it.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How far the pauses are spread, to either side; a tenth at most.
    pub jitter: Ratio,
}

/// What of [`ProbeSettings::every`] the usual pause takes, before it is spread. With a fifth of that
/// again, and both spread by a twentieth, that is 0.95 of it.
const USUAL: Ratio = Ratio::THREE_QUARTERS;

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(15),
            timeout: Duration::from_secs(2),
            jitter: Ratio::TWENTIETH,
        }
    }
}

/// So many failures in a row, lost probes not counted, mean that writing does not work.
pub const FAILURES: u32 = 2;

/// So many good probes in a row, lost ones not counted, mean that writing works again.
pub const SUCCESSES: u32 = 3;

/// So many lost probes with no answer in between are a failure of the write path.
pub const SILENCE: u32 = 20;

/// What became of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probed {
    /// It was answered, and writing works.
    Good,
    /// It was answered, and writing does not work.
    Failed,
    /// It was not answered in time, or could not be sent.
    Lost,
}

/// What the probes say of the write path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Path {
    /// It works, apart from the last few probes. It begins so: the first probe is due at once.
    Works { failed: u32, lost: u32 },
    /// It does not work, apart from the last few probes.
    Broken { good: u32 },
}

impl Path {
    pub(super) const WORKS: Self = Self::Works { failed: 0, lost: 0 };
    const BROKEN: Self = Self::Broken { good: 0 };

    /// What another probe makes of it.
    pub(super) fn step(self, probed: Probed) -> Self {
        match (self, probed) {
            (Self::Works { .. }, Probed::Good) => Self::WORKS,
            (Self::Works { failed, .. }, Probed::Failed) if failed + 1 >= FAILURES => Self::BROKEN,
            (Self::Works { failed, .. }, Probed::Failed) => Self::Works {
                failed: failed + 1,
                lost: 0,
            },
            (Self::Works { lost, .. }, Probed::Lost) if lost + 1 >= SILENCE => Self::BROKEN,
            (Self::Works { failed, lost }, Probed::Lost) => Self::Works {
                failed,
                lost: lost + 1,
            },
            (Self::Broken { good }, Probed::Good) if good + 1 >= SUCCESSES => Self::WORKS,
            (Self::Broken { good }, Probed::Good) => Self::Broken { good: good + 1 },
            (Self::Broken { .. }, Probed::Failed) => Self::BROKEN,
            (Self::Broken { good }, Probed::Lost) => Self::Broken { good },
        }
    }

    /// How many good probes in a row it takes to believe in the write path again.
    pub(super) fn wants(self) -> u32 {
        match self {
            Self::Works { .. } => 0,
            Self::Broken { good } => SUCCESSES - good,
        }
    }

    /// When to probe again: soon if the last answer was lost, or awaits another like it.
    fn next(self, last: Probed) -> Next {
        match (self, last) {
            (_, Probed::Lost) | (Self::Works { .. }, Probed::Failed) => Next::Soon,
            (_, Probed::Good) | (Self::Broken { .. }, Probed::Failed) => Next::Usual,
        }
    }
}

/// How long the pause before the next probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Usual,
    /// A fifth of that.
    Soon,
}

/// When probes run: one at a time, and none once shutdown has begun.
#[derive(Debug)]
pub(super) struct Schedule {
    settings: ProbeSettings,
    spread: Backoff,
    state: Turn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The next one begins then.
    Waiting { at: Duration },
    /// One runs, and is lost then.
    Running { until: Duration },
    /// There is none, or no longer.
    Ended,
}

/// What time brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallen {
    /// A probe has to be sent, and is lost then.
    Begins { until: Duration },
    /// The running one is lost.
    Lost,
}

impl Schedule {
    /// The first probe is due at once.
    pub(super) fn new(settings: Option<&ProbeSettings>, seed: u64, now: Duration) -> Self {
        let state = match settings {
            Some(_) => Turn::Waiting { at: now },
            None => Turn::Ended,
        };
        let settings = settings.copied().unwrap_or_default();
        Self {
            settings,
            spread: Backoff::steady(USUAL.of(settings.every), settings.jitter, seed),
            state,
        }
    }

    pub(super) fn every(&self) -> Duration {
        self.settings.every
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        match self.state {
            Turn::Waiting { at } => Some(at),
            Turn::Running { until } => Some(until),
            Turn::Ended => None,
        }
    }

    /// Does what has fallen due by `now`, and tells the path of a probe that is lost.
    pub(super) fn tick(&mut self, path: &mut Path, now: Duration) -> Option<Fallen> {
        match self.state {
            Turn::Waiting { at } if at <= now => {
                let until = now.saturating_add(self.settings.timeout);
                self.state = Turn::Running { until };
                Some(Fallen::Begins { until })
            }
            Turn::Running { until } if until <= now => {
                self.answered(path, Probed::Lost, now);
                Some(Fallen::Lost)
            }
            Turn::Waiting { .. } | Turn::Running { .. } | Turn::Ended => None,
        }
    }

    /// Tells the path what became of the running probe. An answer that comes when none runs is
    /// that of a lost one, and says nothing.
    pub(super) fn answered(&mut self, path: &mut Path, probed: Probed, now: Duration) {
        match self.state {
            Turn::Running { .. } => {}
            Turn::Waiting { .. } | Turn::Ended => return,
        }
        *path = path.step(probed);
        let pause = self.spread.pause();
        let pause = match path.next(probed) {
            Next::Usual => pause,
            Next::Soon => pause / 5,
        };
        self.state = Turn::Waiting {
            at: now.saturating_add(pause),
        };
    }

    /// A breaker waits for a probe: the next one is due at once.
    pub(super) fn hurry(&mut self, now: Duration) {
        if let Turn::Waiting { at } = &mut self.state {
            *at = now.min(*at);
        }
    }

    pub(super) fn end(&mut self) {
        self.state = Turn::Ended;
    }
}
