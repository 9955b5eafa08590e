//! A decision point that keeps failing is left alone for a while; until then everything is denied.
//!
//! After the rest one question is let through. Answered, it ends the rest; failed, it doubles it.

use std::time::Duration;

/// When to rest, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestSettings {
    /// Failures in a row that begin a rest.
    pub failures: u32,
    /// The length of the first rest; each further one in a row is twice as long.
    pub first: Duration,
    /// The longest rest.
    pub longest: Duration,
}

impl Default for RestSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            first: Duration::from_secs(5),
            longest: Duration::from_secs(120),
        }
    }
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a decision, yes or no.
    Answered,
    /// With anything else.
    Failed,
    /// The caller no longer wants to know.
    TakenBack,
}

/// A question that was let through. The period says which rest it came before or after, so that a
/// late ending from an earlier period counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    period: u64,
}

#[derive(Debug)]
pub(super) struct Rest {
    settings: RestSettings,
    period: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything is let through.
    Awake { failures: u32 },
    /// Nothing is let through before that time.
    Resting { until: Duration, length: Duration },
    /// One question is out; nothing else is let through.
    Trying { length: Duration },
}

impl Rest {
    pub(super) fn new(settings: RestSettings) -> Self {
        Self {
            settings,
            period: 0,
            state: State::Awake { failures: 0 },
        }
    }

    /// Lets a question through, or not.
    pub(super) fn enter(&mut self, now: Duration) -> Option<Entry> {
        match self.state {
            State::Awake { .. } => {}
            State::Resting { until, length } if now >= until => {
                self.turn(State::Trying { length });
            }
            State::Resting { .. } | State::Trying { .. } => return None,
        }
        Some(Entry {
            period: self.period,
        })
    }

    /// A question that was let through has ended.
    pub(super) fn leave(&mut self, entry: Entry, ending: Ending, now: Duration) {
        if entry.period != self.period {
            return;
        }
        match (self.state, ending) {
            (State::Awake { .. }, Ending::Answered) => self.state = State::Awake { failures: 0 },
            (State::Awake { failures }, Ending::Failed) => {
                let failures = failures.saturating_add(1);
                if failures >= self.settings.failures {
                    self.rest(now, self.settings.first);
                } else {
                    self.state = State::Awake { failures };
                }
            }
            (State::Trying { .. }, Ending::Answered) => self.turn(State::Awake { failures: 0 }),
            (State::Trying { length }, Ending::Failed) => {
                self.rest(now, length.saturating_mul(2));
            }
            // It says nothing about the decision point; the next question is the trial.
            (State::Trying { length }, Ending::TakenBack) => {
                self.turn(State::Resting { until: now, length });
            }
            (State::Awake { .. }, Ending::TakenBack)
            | (State::Resting { .. }, Ending::Answered | Ending::Failed | Ending::TakenBack) => {}
        }
    }

    fn rest(&mut self, now: Duration, length: Duration) {
        let length = length.min(self.settings.longest);
        let until = now.saturating_add(length);
        self.turn(State::Resting { until, length });
    }

    fn turn(&mut self, state: State) {
        self.period += 1;
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(rest: &mut Rest, now: Duration) {
        let entry = rest.enter(now).unwrap();
        rest.leave(entry, Ending::Failed, now);
    }

    fn resting() -> Rest {
        let mut rest = Rest::new(RestSettings::default());
        for _ in 0..5 {
            fail(&mut rest, at(0));
        }
        rest
    }

    #[test]
    fn five_failures_in_a_row_begin_a_rest() {
        let mut rest = Rest::new(RestSettings::default());
        for _ in 0..4 {
            fail(&mut rest, at(0));
        }
        let entry = rest.enter(at(0)).unwrap();
        rest.leave(entry, Ending::Answered, at(0));
        for _ in 0..4 {
            fail(&mut rest, at(0));
        }
        assert!(rest.enter(at(0)).is_some());
        fail(&mut rest, at(1));
        assert!(rest.enter(at(5)).is_none());
        assert!(rest.enter(at(6)).is_some());
    }

    #[test]
    fn exactly_one_question_ends_or_doubles_the_rest() {
        let mut rest = resting();
        let trial = rest.enter(at(5)).unwrap();
        assert!((0..100).all(|_| rest.enter(at(5)).is_none()));
        rest.leave(trial, Ending::Failed, at(6));
        assert!(rest.enter(at(15)).is_none());
        let trial = rest.enter(at(16)).unwrap();
        rest.leave(trial, Ending::Answered, at(16));
        assert!((0..100).all(|_| rest.enter(at(16)).is_some()));
    }

    #[test]
    fn a_trial_that_is_taken_back_is_not_the_last() {
        let mut rest = resting();
        let trial = rest.enter(at(5)).unwrap();
        rest.leave(trial, Ending::TakenBack, at(5));
        assert!(rest.enter(at(5)).is_some());
    }

    #[test]
    fn late_endings_of_an_earlier_period_count_for_nothing() {
        let mut rest = Rest::new(RestSettings::default());
        let early = rest.enter(at(0)).unwrap();
        let other = rest.enter(at(0)).unwrap();
        for _ in 0..5 {
            fail(&mut rest, at(0));
        }
        rest.leave(early, Ending::Answered, at(1));
        assert!(rest.enter(at(1)).is_none());
        let trial = rest.enter(at(5)).unwrap();
        rest.leave(other, Ending::Failed, at(5));
        rest.leave(trial, Ending::Answered, at(5));
        assert!(rest.enter(at(5)).is_some());
    }

    #[test]
    fn rests_have_a_longest() {
        let mut rest = resting();
        let mut now = at(0);
        for _ in 0..20 {
            now += at(120);
            fail(&mut rest, now);
        }
        assert!(rest.enter(now + at(119)).is_none());
        assert!(rest.enter(now + at(120)).is_some());
    }
}
