//! When a slow source is asked a second time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Of so many attempts at most one is a second one.
pub const HEDGE_SHARE: u64 = 20;

/// The fewest answers that say what is usual. Before that nothing is asked twice.
pub const MIN_SAMPLES: usize = 20;

/// How many answers are remembered.
const REMEMBERED: usize = 128;

/// What is usual for one source, shared by all answers that ask it: a source that takes longer
/// than 95 of 100 did is asked once more, as long as that adds no more than 5 % to its calls.
#[derive(Debug, Default)]
pub struct Hedge {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The latest answers, in a ring.
    latest: Vec<Duration>,
    next: usize,
    asked: u64,
    hedged: u64,
}

impl Hedge {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many times the source was asked first, and how many times a second time.
    #[must_use]
    pub fn asked(&self) -> (u64, u64) {
        let known = self.known();
        (known.asked, known.hedged)
    }

    /// The source is asked. Tells after how long to ask again, if that is known.
    pub(super) fn begin(&self) -> Option<Duration> {
        let mut known = self.known();
        known.asked += 1;
        known.p95()
    }

    /// Takes a second attempt out of the budget, if there is one.
    pub(super) fn spend(&self) -> Option<Spent> {
        let mut known = self.known();
        if (known.hedged + 1) * HEDGE_SHARE > known.asked {
            return None;
        }
        known.hedged += 1;
        Some(Spent)
    }

    /// The source answered after so long.
    pub(super) fn record(&self, took: Duration) {
        let mut known = self.known();
        let place = known.next;
        if known.latest.len() < REMEMBERED {
            known.latest.push(took);
        } else if let Some(oldest) = known.latest.get_mut(place) {
            *oldest = took;
        }
        known.next = (place + 1) % REMEMBERED;
    }

    /// A panic elsewhere leaves at worst one sample out.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A second attempt that the budget allows.
pub(super) struct Spent;

impl Known {
    fn p95(&self) -> Option<Duration> {
        if self.latest.len() < MIN_SAMPLES {
            return None;
        }
        let mut sorted = self.latest.clone();
        let rank = (sorted.len() * 95).div_ceil(100) - 1;
        let (_, p95, _) = sorted.select_nth_unstable(rank);
        Some(*p95)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p95_is_known_from_twenty_answers_on_and_follows_the_latest() {
        let hedge = Hedge::new();
        for ms in 1..20 {
            hedge.record(Duration::from_millis(ms));
            assert_eq!(hedge.begin(), None);
        }
        hedge.record(Duration::from_millis(20));
        assert_eq!(hedge.begin(), Some(Duration::from_millis(19)));
        for _ in 0..REMEMBERED {
            hedge.record(Duration::from_millis(500));
        }
        assert_eq!(hedge.begin(), Some(Duration::from_millis(500)));
        assert_eq!(hedge.known().latest.len(), REMEMBERED);
    }

    #[test]
    fn one_in_twenty_is_a_second_attempt_and_no_more() {
        let hedge = Hedge::new();
        let mut spent = 0;
        for asked in 1..=1000u64 {
            hedge.begin();
            while hedge.spend().is_some() {
                spent += 1;
            }
            assert!(spent * HEDGE_SHARE <= asked);
        }
        assert_eq!(spent, 50);
        assert_eq!(hedge.asked(), (1000, 50));
    }
}
