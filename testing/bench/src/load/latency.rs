//! Times of calls, and what is told about them.

use std::time::Duration;

/// The times of one turn's calls.
#[derive(Default)]
pub(super) struct Latencies {
    nanoseconds: Vec<u64>,
    /// From the first request to the last answer.
    pub(super) seconds: f64,
}

impl Latencies {
    pub(super) fn add(&mut self, time: Duration) {
        self.nanoseconds
            .push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn absorb(&mut self, other: Latencies) {
        self.nanoseconds.extend(other.nanoseconds);
        self.seconds = self.seconds.max(other.seconds);
    }

    pub(super) fn count(&self) -> usize {
        self.nanoseconds.len()
    }

    /// The time that so many of a hundred calls stay under, microseconds.
    pub(super) fn percentile_us(&mut self, percent: usize) -> f64 {
        let count = self.nanoseconds.len();
        let place = (count * percent / 100).min(count.saturating_sub(1));
        if count == 0 {
            return 0.0;
        }
        let (_, value, _) = self.nanoseconds.select_nth_unstable(place);
        *value as f64 / 1e3
    }
}
