//! The results of the last while, in ten buckets.

use std::time::Duration;

use super::settings::Settings;
use super::transition::Cause;
use super::verdict::Pace;

/// How many parts the window has; it moves by one of them at a time.
pub(super) const BUCKETS: usize = 10;

/// What was counted while the breaker was closed, as far back as the window goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Window {
    /// A ring; the newest stands at `newest % BUCKETS`.
    buckets: [Bucket; BUCKETS],
    /// The number of the newest bucket since the origin of time.
    newest: u64,
}

/// A result that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    Success(Pace),
    Failure(Pace),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Bucket {
    calls: u32,
    failures: u32,
    slow: u32,
    /// Failures since the last success of this bucket.
    tail: u32,
}

impl Window {
    pub(super) fn starting(now: Duration, settings: &Settings) -> Self {
        Self {
            buckets: [Bucket::default(); BUCKETS],
            newest: number(now, settings),
        }
    }

    /// Counts a result, and says why the breaker has to open, if it has to.
    pub(super) fn count(
        &mut self,
        result: Counted,
        now: Duration,
        settings: &Settings,
    ) -> Option<Cause> {
        self.advance(number(now, settings));
        let bucket = &mut self.buckets[place(self.newest)];
        bucket.calls = bucket.calls.saturating_add(1);
        let pace = match result {
            Counted::Success(pace) => {
                bucket.tail = 0;
                pace
            }
            Counted::Failure(pace) => {
                bucket.failures = bucket.failures.saturating_add(1);
                bucket.tail = bucket.tail.saturating_add(1);
                pace
            }
        };
        match pace {
            Pace::Slow => bucket.slow = bucket.slow.saturating_add(1),
            Pace::Brisk => {}
        }
        self.cause(settings)
    }

    fn cause(&self, settings: &Settings) -> Option<Cause> {
        if self.in_a_row() >= settings.failures {
            return Some(Cause::Failures);
        }
        let sum = self
            .buckets
            .iter()
            .fold(Bucket::default(), |sum, it| Bucket {
                calls: sum.calls.saturating_add(it.calls),
                failures: sum.failures.saturating_add(it.failures),
                slow: sum.slow.saturating_add(it.slow),
                tail: 0,
            });
        if sum.calls < settings.min_calls {
            None
        } else if settings.failure_ratio.reached(sum.failures, sum.calls) {
            Some(Cause::FailureRatio)
        } else if settings.slow_ratio.reached(sum.slow, sum.calls) {
            Some(Cause::SlowRatio)
        } else {
            None
        }
    }

    /// Failures since the last success that the window still knows.
    fn in_a_row(&self) -> u32 {
        let newest = place(self.newest);
        let mut row = 0u32;
        for age in 0..BUCKETS {
            let bucket = &self.buckets[(newest + BUCKETS - age) % BUCKETS];
            row = row.saturating_add(bucket.tail);
            if bucket.calls > bucket.failures {
                break;
            }
        }
        row
    }

    /// The buckets of the window at `now`, newest first.
    #[cfg(test)]
    pub(super) fn by_age(&self, now: Duration, settings: &Settings) -> impl std::hash::Hash {
        let mut moved = self.clone();
        moved.advance(number(now, settings));
        let newest = place(moved.newest);
        let ages = 0..BUCKETS;
        ages.map(|age| moved.buckets[(newest + BUCKETS - age) % BUCKETS])
            .collect::<Vec<_>>()
    }

    /// Empties the buckets that the window has moved past. Time that runs backwards moves nothing.
    fn advance(&mut self, number: u64) {
        let steps = number.saturating_sub(self.newest);
        for _ in 0..steps.min(BUCKETS as u64) {
            self.newest += 1;
            self.buckets[place(self.newest)] = Bucket::default();
        }
        self.newest = self.newest.max(number);
    }
}

fn place(number: u64) -> usize {
    (number % BUCKETS as u64) as usize
}

fn number(now: Duration, settings: &Settings) -> u64 {
    // Each call divides twice, and 64 bits hold five hundred years.
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    nanoseconds(now) / (nanoseconds(settings.window) / BUCKETS as u64).max(1)
}
