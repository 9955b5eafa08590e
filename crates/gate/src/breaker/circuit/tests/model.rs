//! The rules of the breaker again, in other words.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash};
use std::time::Duration;

use super::{BUCKET, FAILURES, LONGEST, MIN_CALLS, OPEN_FOR, Order, TIMEOUT};
use crate::breaker::ticket::{Probing, Rejection, Role};
use crate::breaker::transition::{Cause, Phase, Transition, Transitions};
use crate::breaker::verdict::Verdict;
use crate::mode::Class;

/// What is told to a caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Admitted(Role),
    Rejected(Rejection),
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    probing: Probing,
    /// What an operator ordered, if it holds; with the time it holds until.
    order: Option<(Phase, Option<Duration>)>,
    /// Results since the breaker closed, oldest first: when, whether good, whether slow.
    results: Vec<(Duration, Verdict, bool)>,
    /// Rejecting until then.
    rejects_until: Option<Duration>,
    /// Trials are on: how many were good in a row.
    trials: Option<u32>,
    /// The trial that runs, and when it is lost.
    running: Option<(u64, Duration)>,
    /// Openings since it last closed.
    openings: u32,
    /// The calls whose result will count.
    pub(super) live: BTreeSet<u64>,
    /// When each open call becomes slow.
    slow_from: Vec<(u64, Duration)>,
    pub(super) last_id: u64,
}

impl Model {
    pub(super) fn new(probing: Probing) -> Self {
        Self {
            probing,
            order: None,
            results: Vec::new(),
            rejects_until: None,
            trials: None,
            running: None,
            openings: 0,
            live: BTreeSet::new(),
            slow_from: Vec::new(),
            last_id: 0,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        if let Some((phase, _)) = self.order {
            phase
        } else if self.rejects_until.is_some() {
            Phase::Open
        } else if self.trials.is_some() {
            Phase::HalfOpen
        } else {
            Phase::Closed
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        match self.order {
            Some((_, until)) => until,
            None => self.rejects_until.or(self.running.map(|(_, until)| until)),
        }
    }

    pub(super) fn tick(&mut self, now: Duration) -> Transitions {
        let mut told = Transitions::new();
        if let Some((_, Some(until))) = self.order
            && until <= now
        {
            told.push(self.closes(until, Cause::CommandExpired));
        }
        if let Some((_, until)) = self.running
            && until <= now
        {
            told.push(self.opens(until, Cause::TrialLost));
        }
        if let Some(until) = self.rejects_until
            && until <= now
        {
            told.push(self.change(until, Cause::TimeUp, None, |model| {
                model.rejects_until = None;
                model.trials = Some(0);
            }));
        }
        told
    }

    pub(super) fn admit(&mut self, class: Class, now: Duration) -> (Answer, Transitions) {
        let told = self.tick(now);
        let answer = match self.phase() {
            Phase::Closed | Phase::ForcedClosed | Phase::Disabled => {
                Answer::Admitted(Role::Regular)
            }
            Phase::ForcedOpen => Answer::Rejected(Rejection::ForcedOpen),
            Phase::Open => Answer::Rejected(Rejection::Open {
                retry_after: self.rejects_until.unwrap() - now,
            }),
            Phase::HalfOpen => match self.running {
                Some((_, until)) => Answer::Rejected(Rejection::TrialRunning {
                    retry_after: until - now,
                }),
                None if (self.probing, class) == (Probing::Probe, Class::Write) => {
                    Answer::Rejected(Rejection::AwaitsProbe {
                        retry_after: OPEN_FOR,
                    })
                }
                None => {
                    self.running = Some((self.last_id + 1, now + TIMEOUT));
                    Answer::Admitted(Role::Trial)
                }
            },
        };
        if matches!(answer, Answer::Admitted(_)) {
            self.last_id += 1;
            self.live.insert(self.last_id);
            self.slow_from.push((self.last_id, now + TIMEOUT / 2));
        }
        (answer, told)
    }

    /// The call is lost: nobody will tell its result.
    pub(super) fn forget(&mut self, id: u64) -> Duration {
        let place = self.slow_from.iter().position(|(it, _)| *it == id).unwrap();
        self.live.remove(&id);
        self.slow_from.remove(place).1
    }

    pub(super) fn record(&mut self, id: u64, verdict: Verdict, now: Duration) -> Transitions {
        let mut told = self.tick(now);
        let counts = self.live.contains(&id);
        let slow = now >= self.forget(id);
        if !counts {
            return told;
        }
        match self.phase() {
            Phase::Open | Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled => {}
            Phase::HalfOpen => {
                assert_eq!(self.running.map(|(it, _)| it), Some(id));
                self.running = None;
                match verdict {
                    Verdict::Ignored => {}
                    Verdict::Success if !slow => {
                        let good = self.trials.unwrap() + 1;
                        self.trials = Some(good);
                        if good == 2 {
                            told.push(self.closes(now, Cause::TrialsSucceeded));
                        }
                    }
                    Verdict::Success | Verdict::Failure => {
                        told.push(self.opens(now, Cause::TrialFailed));
                    }
                }
            }
            Phase::Closed => {
                if verdict != Verdict::Ignored {
                    self.results.push((now, verdict, slow));
                    if let Some(cause) = self.verdict_on_results(now) {
                        told.push(self.opens(now, cause));
                    }
                }
            }
        }
        told
    }

    fn verdict_on_results(&self, now: Duration) -> Option<Cause> {
        let inside: Vec<_> = self.inside(now).collect();
        let bad = |verdict: &Verdict| *verdict == Verdict::Failure;
        let row = inside.iter().rev().take_while(|(_, it, _)| bad(it));
        if row.count() >= FAILURES as usize {
            return Some(Cause::Failures);
        }
        if inside.len() < MIN_CALLS {
            return None;
        }
        if inside.iter().filter(|(_, it, _)| bad(it)).count() * 2 >= inside.len() {
            return Some(Cause::FailureRatio);
        }
        let slow = inside.iter().filter(|(_, _, slow)| *slow).count();
        (slow * 4 >= inside.len() * 3).then_some(Cause::SlowRatio)
    }

    /// The results of the newest ten buckets.
    fn inside(&self, now: Duration) -> impl Iterator<Item = (Duration, Verdict, bool)> {
        let bucket = |at: Duration| at.as_millis() / BUCKET.as_millis();
        self.results
            .iter()
            .copied()
            .filter(move |(at, _, _)| bucket(now) - bucket(*at) < 10)
    }

    pub(super) fn counted(&self, now: Duration) -> usize {
        self.inside(now).count()
    }

    pub(super) fn extend(&mut self, id: u64, until: Duration) {
        if let Some((running, lease)) = &mut self.running
            && *running == id
        {
            *lease = until;
        }
    }

    pub(super) fn operator(&mut self, order: Order, until: Duration, now: Duration) -> Transitions {
        let mut told = self.tick(now);
        let (phase, until) = match order {
            Order::Open => (Phase::ForcedOpen, None),
            Order::Close => (Phase::ForcedClosed, Some(until)),
            Order::Disable => (Phase::Disabled, None),
            Order::Auto => {
                if self.order.is_some() {
                    told.push(self.closes(now, Cause::Operator));
                }
                return told;
            }
        };
        let lasts = until.map(|until| until - now);
        told.push(self.change(now, Cause::Operator, lasts, |model| {
            model.order = Some((phase, until));
        }));
        told
    }

    fn opens(&mut self, at: Duration, cause: Cause) -> Transition {
        let pause = if self.openings == 0 {
            OPEN_FOR
        } else {
            LONGEST
        };
        self.change(at, cause, Some(pause), |model| {
            model.openings = 1;
            model.rejects_until = Some(at + pause);
        })
    }

    fn closes(&mut self, at: Duration, cause: Cause) -> Transition {
        self.change(at, cause, None, |model| model.openings = 0)
    }

    /// Whatever changes, no call that is open counts any more, and everything begins anew.
    fn change(
        &mut self,
        at: Duration,
        cause: Cause,
        lasts: Option<Duration>,
        anew: impl FnOnce(&mut Self),
    ) -> Transition {
        let from = self.phase();
        self.live.clear();
        self.results.clear();
        self.order = None;
        self.rejects_until = None;
        self.trials = None;
        self.running = None;
        anew(self);
        Transition {
            at,
            from,
            to: self.phase(),
            cause,
            lasts,
        }
    }

    pub(super) fn hash_relative(&self, now: Duration, hasher: &mut DefaultHasher) {
        let left = |until: Duration| until.saturating_sub(now);
        self.phase().hash(hasher);
        self.openings.hash(hasher);
        self.trials.hash(hasher);
        self.due().map(left).hash(hasher);
        for (at, verdict, slow) in self.inside(now) {
            (now - at, verdict, slow).hash(hasher);
        }
        for (id, from) in &self.slow_from {
            (self.live.contains(id), left(*from)).hash(hasher);
        }
    }
}
