//! The breaker against a model of it that works by other means: the model keeps the list of all
//! results and looks through it, and keeps a list of the tickets that still count, where the
//! breaker keeps ten buckets and a generation.
//!
//! Every sequence of events over a reduced clock is played, until no state is new. States that
//! differ only by when they happen are one, so the search ends, and covers sequences of any length
//! within the bounds on calls that are open or counted at once.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::*;
use crate::breaker::settings::Ratio;
use model::{Answer, Model};

mod model;

/// The clock moves by whole buckets.
const BUCKET: Duration = Duration::from_millis(10);
const TIMEOUT: Duration = Duration::from_millis(60);
const OPEN_FOR: Duration = Duration::from_millis(30);
const LONGEST: Duration = Duration::from_millis(60);
const FAILURES: u32 = 3;
const MIN_CALLS: usize = 4;

/// The most calls open at once, and the most results that count at once.
const MAX_HELD: usize = 2;
const MAX_COUNTED: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Event {
    Admit(Class),
    RecordOldest(Verdict),
    RecordNewest(Verdict),
    LoseOldest,
    ExtendOldest,
    Advance(u32),
    Operator(Order),
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Open,
    Close,
    Disable,
    Auto,
}

const EVENTS: [Event; 16] = [
    Event::Admit(Class::Read),
    Event::Admit(Class::Write),
    Event::RecordOldest(Verdict::Success),
    Event::RecordOldest(Verdict::Failure),
    Event::RecordOldest(Verdict::Ignored),
    Event::RecordNewest(Verdict::Success),
    Event::RecordNewest(Verdict::Failure),
    Event::LoseOldest,
    Event::ExtendOldest,
    Event::Advance(3),
    Event::Advance(4),
    Event::Advance(11),
    Event::Operator(Order::Open),
    Event::Operator(Order::Close),
    Event::Operator(Order::Disable),
    Event::Operator(Order::Auto),
];

#[test]
fn no_sequence_of_events_tells_the_breaker_from_its_model() {
    let mut phases = HashSet::new();
    let mut causes = HashSet::new();
    for probing in [Probing::Callers, Probing::Probe] {
        let first = Pair::new(probing);
        let mut seen = HashSet::from([first.key()]);
        let mut fresh = VecDeque::from([first]);
        while let Some(pair) = fresh.pop_front() {
            for event in EVENTS {
                let mut next = pair.clone();
                let told = next.step(event, &pair);
                phases.insert(next.circuit.phase());
                causes.extend(told.iter().map(|it| it.cause));
                if seen.insert(next.key()) {
                    fresh.push_back(next);
                }
            }
        }
        eprintln!("{probing:?}: {} states", seen.len());
        assert!(seen.len() > 10_000, "the search ended early");
    }
    assert_eq!(phases.len(), Phase::ALL.len());
    // All but `Forgotten`, which is not a single breaker's.
    assert_eq!(causes.len(), 9, "{causes:?}");
}

/// The breaker and its model, with the calls that are open.
#[derive(Debug, Clone)]
struct Pair {
    circuit: Circuit,
    model: Model,
    held: VecDeque<(Ticket, u64)>,
    now: Duration,
}

impl Pair {
    fn new(probing: Probing) -> Self {
        let ratio = |value| Ratio::new("ratio", value).unwrap();
        let settings = Settings {
            failures: FAILURES,
            failure_ratio: ratio(0.5),
            slow_ratio: ratio(0.75),
            slow_share: ratio(0.5),
            min_calls: MIN_CALLS as u32,
            window: BUCKET * 10,
            open_for: OPEN_FOR,
            max_open_for: LONGEST,
            jitter: ratio(0.0),
            successes: 2,
        };
        Self {
            circuit: Circuit::new(&settings, probing, 0, Duration::ZERO),
            model: Model::new(probing),
            held: VecDeque::new(),
            now: Duration::ZERO,
        }
    }

    /// Plays one event on both and compares all that can be seen. An event that has no meaning
    /// here does nothing.
    fn step(&mut self, event: Event, before: &Pair) -> Transitions {
        let now = self.now;
        let (told, expected) = match event {
            Event::Admit(_) if self.held.len() == MAX_HELD => return Transitions::new(),
            Event::Admit(class) => {
                let attempt = Attempt {
                    class,
                    timeout: TIMEOUT,
                };
                let (admission, told) = self.circuit.admit(&attempt, now);
                let (wanted, expected) = self.model.admit(class, now);
                let got = match admission {
                    Admission::Closed(ticket) => self.hold(ticket, Role::Regular),
                    Admission::Trial(ticket) => self.hold(ticket, Role::Trial),
                    Admission::Rejected(rejection) => Answer::Rejected(rejection),
                };
                assert_eq!(got, wanted, "{event:?} after {before:#?}");
                (told, expected)
            }
            Event::RecordOldest(verdict) => match self.take(End::Oldest) {
                Some((ticket, id)) => self.record(ticket, id, verdict),
                None => return Transitions::new(),
            },
            Event::RecordNewest(verdict) => match self.take(End::Newest) {
                Some((ticket, id)) => self.record(ticket, id, verdict),
                None => return Transitions::new(),
            },
            Event::LoseOldest => {
                if let Some((_, id)) = self.take(End::Oldest) {
                    self.model.forget(id);
                }
                (self.circuit.tick(now), self.model.tick(now))
            }
            Event::ExtendOldest => {
                let until = now + TIMEOUT;
                if let Some((ticket, id)) = self.held.front() {
                    self.circuit.extend(ticket, until);
                    self.model.extend(*id, until);
                }
                (Transitions::new(), Transitions::new())
            }
            Event::Advance(buckets) => {
                self.now += BUCKET * buckets;
                (Transitions::new(), Transitions::new())
            }
            Event::Operator(order) => {
                let until = now + BUCKET * 4;
                let command = match order {
                    Order::Open => Command::ForceOpen,
                    Order::Close => Command::ForceClosed { until },
                    Order::Disable => Command::Disable,
                    Order::Auto => Command::Auto,
                };
                (
                    self.circuit.command(command, now),
                    self.model.operator(order, until, now),
                )
            }
        };
        assert_eq!(told, expected, "{event:?} after {before:#?}");
        assert_eq!(
            self.circuit.phase(),
            self.model.phase(),
            "{event:?} after {before:#?}"
        );
        assert_eq!(
            self.circuit.due(),
            self.model.due(),
            "{event:?} after {before:#?}"
        );
        told
    }

    fn record(&mut self, ticket: Ticket, id: u64, verdict: Verdict) -> (Transitions, Transitions) {
        if self.model.counted(self.now) == MAX_COUNTED {
            // The bound of the search: the call is lost instead.
            self.model.forget(id);
            return (self.circuit.tick(self.now), self.model.tick(self.now));
        }
        (
            self.circuit.record(ticket, verdict, self.now),
            self.model.record(id, verdict, self.now),
        )
    }

    fn hold(&mut self, ticket: Ticket, role: Role) -> Answer {
        assert_eq!(ticket.role, role);
        self.held.push_back((ticket, self.model.last_id));
        Answer::Admitted(role)
    }

    fn take(&mut self, end: End) -> Option<(Ticket, u64)> {
        match end {
            End::Oldest => self.held.pop_front(),
            End::Newest => self.held.pop_back(),
        }
    }

    /// All that decides about the future, with times relative to now.
    fn key(&self) -> (u64, u64) {
        let hash = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            self.hash_circuit(&mut hasher);
            self.model.hash_relative(self.now, &mut hasher);
            for (ticket, id) in &self.held {
                let current = ticket.generation == self.circuit.generation;
                let slow_in = ticket.slow_from.saturating_sub(self.now);
                (current, slow_in, self.model.live.contains(id)).hash(&mut hasher);
            }
            hasher.finish()
        };
        (hash(1), hash(2))
    }

    fn hash_circuit(&self, hasher: &mut DefaultHasher) {
        self.circuit.phase().hash(hasher);
        self.circuit.backoff.doublings().hash(hasher);
        match &self.circuit.state {
            State::Closed(window) => window.by_age(self.now, &self.circuit.settings).hash(hasher),
            State::Open { until } | State::ForcedClosed { until } => {
                until.saturating_sub(self.now).hash(hasher);
            }
            State::HalfOpen { successes, trial } => {
                successes.hash(hasher);
                match trial {
                    Trial::Free => 0u8.hash(hasher),
                    Trial::Leased { until } => until.saturating_sub(self.now).hash(hasher),
                }
            }
            State::ForcedOpen | State::Disabled => {}
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum End {
    Oldest,
    Newest,
}

/// A ticket can't be cloned outside of this search.
impl Clone for Ticket {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}
