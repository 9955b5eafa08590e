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
    /// Until then the newest bucket stays the newest.
    until: Duration,
    /// What the buckets hold together.
    sum: Sum,
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

/// Sums of all buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Sum {
    calls: u32,
    failures: u32,
    slow: u32,
}

impl Window {
    pub(super) fn starting(now: Duration, settings: &Settings) -> Self {
        let newest = number(now, settings);
        Self {
            buckets: [Bucket::default(); BUCKETS],
            newest,
            until: end(newest, settings),
            sum: Sum::default(),
        }
    }

    /// Counts a result, and says why the breaker has to open, if it has to.
    pub(super) fn count(
        &mut self,
        result: Counted,
        now: Duration,
        settings: &Settings,
    ) -> Option<Cause> {
        self.advance(now, settings);
        if self.sum.calls == u32::MAX {
            // Four thousand million calls in one window say all that one more could.
            return self.cause(settings);
        }
        let bucket = &mut self.buckets[place(self.newest)];
        bucket.calls += 1;
        self.sum.calls += 1;
        let pace = match result {
            Counted::Success(pace) => {
                bucket.tail = 0;
                pace
            }
            Counted::Failure(pace) => {
                bucket.failures += 1;
                self.sum.failures += 1;
                bucket.tail += 1;
                pace
            }
        };
        match pace {
            Pace::Slow => {
                bucket.slow += 1;
                self.sum.slow += 1;
            }
            Pace::Brisk => {}
        }
        self.cause(settings)
    }

    fn cause(&self, settings: &Settings) -> Option<Cause> {
        if self.in_a_row() >= settings.failures {
            return Some(Cause::Failures);
        }
        let sum = self.sum;
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
        moved.advance(now, settings);
        let newest = place(moved.newest);
        let ages = 0..BUCKETS;
        ages.map(|age| moved.buckets[(newest + BUCKETS - age) % BUCKETS])
            .collect::<Vec<_>>()
    }

    /// Empties the buckets that the window has moved past. Time that runs backwards moves nothing.
    fn advance(&mut self, now: Duration, settings: &Settings) {
        if now < self.until {
            return;
        }
        let number = number(now, settings);
        let steps = number.saturating_sub(self.newest);
        for _ in 0..steps.min(BUCKETS as u64) {
            self.newest += 1;
            let emptied = std::mem::take(&mut self.buckets[place(self.newest)]);
            self.sum.calls -= emptied.calls;
            self.sum.failures -= emptied.failures;
            self.sum.slow -= emptied.slow;
        }
        self.newest = self.newest.max(number);
        self.until = end(self.newest, settings);
    }
}

fn place(number: u64) -> usize {
    (number % BUCKETS as u64) as usize
}

/// The number of the bucket that `now` falls into.
fn number(now: Duration, settings: &Settings) -> u64 {
    nanoseconds(now) / span(settings)
}

/// When a bucket is over; never, for one that ends where 64 bits do.
fn end(number: u64, settings: &Settings) -> Duration {
    let end = number.saturating_add(1).checked_mul(span(settings));
    end.map_or(Duration::MAX, Duration::from_nanos)
}

/// How long a bucket lasts, nanoseconds.
fn span(settings: &Settings) -> u64 {
    (nanoseconds(settings.window) / BUCKETS as u64).max(1)
}

/// 64 bits hold five hundred years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
